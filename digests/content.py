"""What a digest says: figures of some days for the schools of its reader. No names, no addresses, no subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tools import CONTACT_TOOLS, MESSAGE_LOGS, Tool
from core.dates import start_of
from health.troubles import all_troubles
from listings.registry import registry
from messenger_logs.dashboard import sent_between
from messenger_logs.models import ContactToFix
from messenger_logs.reach import People
from messenger_logs.reach_figures import Dimension, Which, breakdown

# Who may see this tool sees the troubles of the site.
TROUBLES = Tool.MAILGUN_SYNC


@dataclass(frozen=True)
class Digest:
    """The figures of whole days of the district, from `first` to `last`. A part that the reader may not see is None."""

    first: date
    last: date
    messages: int | None = None
    schools: Mapping[str, People] = field(default_factory=dict)
    contacts_new: int | None = None
    contacts_open: int = 0
    troubles: int | None = None
    reach_url: str = ""
    contacts_url: str = ""
    troubles_url: str = ""

    @property
    def people(self) -> People:
        return sum(self.schools.values(), People())

    @property
    def has_parts(self) -> bool:
        """Whether the reader may see anything of it."""
        return any(part is not None for part in (self.messages, self.contacts_new, self.troubles))

    @property
    def has_news(self) -> bool:
        return bool(self.messages or self.contacts_new or self.troubles)


def days_before(due: datetime, days: int) -> tuple[date, date]:
    """Return the first and the last of so many whole days before the day of a time."""
    today = timezone.localdate(due)
    return today - timedelta(days=days), today - timedelta(days=1)


def digest_of(user: User, *, first: date, last: date, now: datetime) -> Digest:
    """Return the digest of some days for a person, with what the person may see now."""
    return Digest(first, last, **_messages(user, first, last), **_contacts(user, first, last), **_troubles(user, now))


def _messages(user: User, first: date, last: date) -> dict[str, Any]:
    if not any(map(user.may, MESSAGE_LOGS)):
        return {}
    messages = 0
    by_school: dict[str, People] = {}
    for part, scope in sent_between(user, first, last):
        messages += part.count()
        for group in breakdown(part, Dimension.SCHOOL, Which(scope=scope)):
            by_school[group.label] = by_school.get(group.label, People()) + group.people
    schools = {name: people for name, people in sorted(by_school.items()) if people.total}
    days = {"sent_from": first.isoformat(), "sent_to": last.isoformat()}
    return {"messages": messages, "schools": schools, "reach_url": _url(user, ("admin_reach", "reach"), **days)}


def _contacts(user: User, first: date, last: date) -> dict[str, Any]:
    tool = next(filter(user.may, CONTACT_TOOLS), None)
    if tool is None:
        return {}
    not_fixed = ContactToFix.objects.visible_to(user, tool).not_fixed()
    since = not_fixed.filter(since__gte=start_of(first), since__lt=start_of(last + timedelta(days=1)))
    url = _url(user, (tool.name.lower(),))
    return {"contacts_new": since.count(), "contacts_open": not_fixed.count(), "contacts_url": url}


def _troubles(user: User, now: datetime) -> dict[str, Any]:
    if not user.may(TROUBLES):
        return {}
    return {"troubles": len(all_troubles(now)), "troubles_url": reverse("web:system_health")}


def _url(user: User, names: Iterable[str], **values: str) -> str:
    """Return the path of the first of these lists that the person may open, with values; "" if there is none."""
    entry = next((entry for entry in map(registry.__getitem__, names) if user.may(entry.tool)), None)
    query = f"?{urlencode(values)}" if values else ""
    return f"{entry.url()}{query}" if entry else ""
