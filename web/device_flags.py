"""The state of devices today, beside the deliveries of a list: suppressed, opted out, or another contact to fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from accounts.models import User
from core.dates import written
from core.statuses import Shape
from messenger_logs.choices import ContactState
from messenger_logs.models import ContactToFix, Delivery
from web.contact_access import Devices, contact_urls, unfixed_contacts

_NOTHING = mark_safe("")


@dataclass(frozen=True)
class DeviceFlags:
    """The contacts to fix among the devices of some rows, and the addresses of those that the user may open."""

    contacts: Devices = field(default_factory=dict)
    urls: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Delivery], *, user: User) -> Self:
        """Find them with two queries, however many rows there are."""
        contacts = unfixed_contacts(rows)
        return cls(contacts, contact_urls(user, contacts.values()))

    def contact(self, record: Delivery) -> ContactToFix | None:
        """Return the contact to fix that the device is today; None if nothing is wrong with it."""
        return self.contacts.get((record.mode, record.address))

    def flag(self, record: Delivery) -> SafeString:
        """Return a line for below the device; an empty one if nothing is wrong with it today."""
        contact = self.contact(record)
        if contact is None:
            return _NOTHING
        url = self.urls.get(contact.pk)
        words = _words(contact)
        linked = format_html('<a href="{}">{}</a>', url, words) if url else words
        return format_html('<p class="flag">{} {}</p>', Shape.TRIANGLE, linked)


def _words(contact: ContactToFix) -> str:
    known = {"problem": contact.get_problem_display(), "day": written(timezone.localdate(contact.since))}
    if contact.state == ContactState.TOLD:
        return gettext("%(problem)s since %(day)s, family told") % known
    return gettext("%(problem)s since %(day)s") % known
