"""The Mailgun Message Log, own and administration."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import HiddenInput, Select
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.listings import ToolListing
from accounts.tools import Tool
from core.dates import written
from core.statuses import Shape, Status, Tone
from listings.columns import ROW_LINK, WIDE, AddressColumn, Column, ListingTable, StatusColumn, TextColumn, TimeColumn
from listings.filters import (
    ContainsFilter,
    DateRangeFilter,
    ExactFilter,
    ListingFilterSet,
    OptionFilter,
    ValuesField,
    ValuesFilter,
)
from listings.kept_counts import kept_count
from listings.listing import View
from listings.paging import Total
from listings.registry import registry
from mailgun_sync.choices import EventKind, GroupBy
from mailgun_sync.freshness import freshness_notices
from mailgun_sync.groups import events_like
from mailgun_sync.models import MailgunEvent, RecipientAddress
from mailgun_sync.querysets import MailgunEventQuerySet
from messenger_logs.removed import REMOVED
from web.menu import page_url
from web.message_urls import email_events_url, message_urls

EVENT_STATUSES = {
    EventKind.ACCEPTED: Status(
        pgettext_lazy("status", "Accepted"),
        Shape.RING,
        Tone.NEUTRAL,
        _("Mailgun has it in its queue; whether it arrived is not known yet."),
    ),
    EventKind.DELIVERED: Status(
        pgettext_lazy("status", "Delivered"),
        Shape.CHECK,
        Tone.GOOD,
        _("The recipient's mail server took it. It may still sort it as spam."),
    ),
    EventKind.FAILED_TEMPORARILY: Status(
        pgettext_lazy("status", "Failed (temporary)"),
        Shape.HALF,
        Tone.WARNING,
        _("The mail server did not take it yet; Mailgun tries again."),
    ),
    EventKind.FAILED_PERMANENTLY: Status(
        pgettext_lazy("status", "Failed (permanent)"),
        Shape.CROSS,
        Tone.BAD,
        _("The mail server refused it for good, or Mailgun gave up trying."),
    ),
    EventKind.SUPPRESSED: Status(
        pgettext_lazy("status", "Failed (suppressed)"),
        Shape.SQUARE,
        Tone.BAD,
        _("Mailgun did not try, because this address bounced, unsubscribed or complained before."),
    ),
    EventKind.REJECTED: Status(
        pgettext_lazy("status", "Rejected"), Shape.CROSS, Tone.BAD, _("Mailgun did not take the e-mail from us.")
    ),
    EventKind.COMPLAINED: Status(
        pgettext_lazy("status", "Complained"),
        Shape.TRIANGLE,
        Tone.WARNING,
        _("The recipient marked the e-mail as spam."),
    ),
}


# What may follow. The log shows it on request.
OTHER_EVENTS = {
    "opened": Status(
        pgettext_lazy("status", "Opened"),
        Shape.DOT,
        Tone.GOOD,
        _("A mail program showed it. Many programs never tell."),
    ),
    "clicked": Status(pgettext_lazy("status", "Clicked"), Shape.DOT, Tone.GOOD, _("Somebody followed a link in it.")),
    "unsubscribed": Status(
        pgettext_lazy("status", "Unsubscribed"),
        Shape.DIAMOND,
        Tone.WARNING,
        _("The recipient wants no more such e-mails."),
    ),
    "stored": Status(
        pgettext_lazy("status", "Stored"), Shape.RING, Tone.NEUTRAL, _("Mailgun keeps a copy of it for some days.")
    ),
}


def event_status(kind: str) -> Status:
    """Return the look of an event. One of a kind that is not known has Mailgun's own word."""
    if kind in EventKind.values:
        return EVENT_STATUSES[EventKind(kind)]
    return OTHER_EVENTS.get(kind) or Status(kind, Shape.RING, Tone.NEUTRAL)


def _email_address(record: MailgunEvent, table: ListingTable) -> str:
    return email_events_url(table.listing.tool, record.pk)


class MailgunEventTable(ListingTable):
    event = StatusColumn(EVENT_STATUSES, accessor="kind", order_by="event", verbose_name=_("Event"))
    occurred_at = TimeColumn(
        seconds=True,
        verbose_name=_("Event Time Stamp"),
        linkify=_email_address,
        attrs={"cell": {"class": "time"}} | ROW_LINK,
    )
    person_id = Column(verbose_name=_("Recipient PersonID"))
    recipient = AddressColumn(verbose_name=_("Recipient Email"))
    subject = Column(verbose_name=_("Subject"), attrs=WIDE)
    detail = TextColumn(verbose_name=_("Reason"))

    def render_subject(self, record: MailgunEvent, value: str) -> SafeString | str:
        address = self.listing.message_urls.get(record.sent_message_id) if record.sent_message_id else None
        return format_html('<a href="{}">{}</a>', address, value) if address else value

    def value_subject(self, value: str) -> str:
        return value

    def render_person_id(self, value: str) -> SafeString | str:
        if not self.listing.recipient_log_url or value == REMOVED:
            return value
        button = '<button form="find-recipient" name="person" value="{}" class="link" aria-label="{}">{}</button>'
        label = gettext("Find person %(person)s in the Recipient Log") % {"person": value}
        return format_html(button, value, label, value)

    def value_person_id(self, value: str) -> str:
        return value


OTHER_KINDS, ALL_KINDS = "other", "every"


class KindFilter(OptionFilter):
    """Filter by kind. Other kinds, such as opened or clicked, are shown only if they are chosen."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [*EventKind.choices, (OTHER_KINDS, _("Other kinds")), (ALL_KINDS, _("All, with other kinds"))]
        super().__init__(choices=choices, **kwargs)

    def filter(self, qs: MailgunEventQuerySet, value: str) -> MailgunEventQuerySet:
        if not value:
            return qs.shown_by_default()
        if value == ALL_KINDS:
            return qs
        return qs.not_shown_by_default() if value == OTHER_KINDS else qs.of_kind(EventKind(value))


class RecipientFilter(ContainsFilter):
    """Find events whose recipient contains the text, in any spelling of it.

    The addresses are searched first, so PostgreSQL knows their number and chooses the faster plan. An estimate from the
    text alone can be wrong by a factor of a thousand; then PostgreSQL looks for one family in millions of events.
    """

    FEW = 3000

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        addresses = RecipientAddress.objects
        found = list(addresses.containing(value).values_list("address", flat=True)[: self.FEW + 1])
        if len(found) <= self.FEW:
            return qs.sent_to(found)
        odd = addresses.containing_otherwise(value).values_list("address", flat=True)
        return qs.sent_to_many_like(value, or_to=list(odd))


GROUP_HEADINGS = {
    GroupBy.REASON: _("Reason"),
    GroupBy.PROVIDER: _("Mailbox provider"),
    GroupBy.MESSAGE: _("Message"),
}


def group_name(by: GroupBy, event: MailgunEvent) -> str:
    """Return what the events of a group share, in words."""
    match by:
        case GroupBy.REASON:
            return event.reason_text or gettext("(no reason given)")
        case GroupBy.PROVIDER:
            return event.mailbox_provider or gettext("(no address)")
        case GroupBy.MESSAGE:
            return event.subject or gettext("(no subject)")


class GroupField(ValuesField):
    """Hidden until a group is chosen, which is done in the grouped log. Then a drop-down can take it away."""

    widget: Any = HiddenInput
    KEY = re.compile(rf"({'|'.join(GroupBy.values)})-([1-9]\d{{0,18}})", re.ASCII)

    def clean(self, value: Any) -> str:
        key = super().clean(value)
        if key and not self.KEY.fullmatch(key):
            raise ValidationError(gettext("choose a group in the grouped log."))
        return key

    def offer(self, values: Collection[str], *, chosen: str) -> None:
        if chosen:
            self.widget = Select(choices=[("", gettext("all")), (chosen, self.labels.get(chosen, chosen))])


class GroupFilter(ValuesFilter):
    """Find the events of one group. Its value names an event of it, so no address has an explanation or a domain."""

    field_class = GroupField
    # So many are read by their ids, which an index finds; the events of a larger group are never far apart.
    FEW = 3000

    def values(self, rows: Any) -> list[str]:
        """Return nothing to offer, since the grouped log offers groups. But the chosen one has its words by now."""
        _ = self.parent.unbounded
        return []

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        by, _, number = value.partition("-")
        event = self.parent.queryset.filter(pk=number).first()
        labels = self.parent.form.fields["group"].labels
        if event is None:
            labels[value] = gettext("a group whose events are not here any more")
            return qs.none()
        labels[value] = f"{GROUP_HEADINGS[GroupBy(by)]}: {group_name(GroupBy(by), event)}"
        alike = qs.filter(events_like(event, GroupBy(by)))
        bounds = self.parent.bounds
        shown = alike.filter(bounds.condition()) if bounds else alike
        few = list(shown.order_by().values_list("pk", flat=True)[: self.FEW + 1])
        return alike if len(few) > self.FEW else qs.filter(pk__in=few)


class MailgunEventFilters(ListingFilterSet):
    created = DateRangeFilter("occurred_at", default_days=1, days_back=settings.MAILGUN_SHOWN_DAYS)
    event = KindFilter(label=_("Event"))
    person_id = ExactFilter(label=_("Recipient PersonID"))
    recipient = RecipientFilter(label=_("Recipient Email"))
    subject = ContainsFilter(label=_("Subject"))
    detail = ContainsFilter(label=_("Reason"))
    group = GroupFilter(label=_("Group"))

    # A reason may quote the address: "<name@…>: user unknown".
    personal = {"person_id", "recipient", "detail"}


def log_views(listing: ToolListing, *, days: Mapping[str, str], current: str) -> list[View]:
    """Return the ways to see the events of a tool: each alone, or in groups. Each address has the days."""
    log = registry.of_tool(listing.tool)
    assert log
    grouped = registry[f"{log.name}_groups"]
    ways = [(gettext("Events"), log, {}), *((str(by.label), grouped, {"by": by.value}) for by in GroupBy)]
    return [
        View(label, f"{entry.url()}?{urlencode({**way, **days})}".removesuffix("?"), way.get("by", "") == current)
        for label, entry, way in ways
    ]


# A day is counted up to this many times what is shown of it.
COUNTED_TIMES = 5


class MailgunMessageLog(ToolListing):
    """The events of the user's own messages; with the administration's tool, of all messages."""

    table_class = MailgunEventTable
    filterset_class = MailgunEventFilters
    default_sort = "-occurred_at"
    export_name = "mailgun-message-log"
    export_label = _("Generate Report")
    row_name = _("events")
    template_name = "web/mailgun_message_log.html"
    report_kind = "mailgun"
    shows_people = True
    api_resource = "mailgun_events"
    # The addresses of the messages on this page that the user may see, by id.
    message_urls: Mapping[int, str] = MappingProxyType({})

    def get_queryset(self) -> MailgunEventQuerySet:
        # The raw JSON is most of a row, and the page does not show it.
        return MailgunEvent.objects.visible_to(self.user, self.tool).defer("raw")

    @cached_property
    def recipient_log_url(self) -> str:
        """The address of the Recipient Log that a person id leads to, first the one of the same scope; "" for none."""
        logs = (Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG)
        in_order = logs if self.tool is Tool.MAILGUN_MESSAGE_LOG else reversed(logs)
        return next((page_url(tool) for tool in in_order if self.user.may(tool)), "")

    @property
    def views(self) -> list[View]:
        # Today is what this log shows anyway. The grouped one shows a week, if nobody chooses the days.
        names = MailgunEventFilters.base_filters["created"].parameters
        return log_views(self, days={name: self.values[name] for name in names if name in self.values}, current="")

    @cached_property
    def days_seen(self) -> dict[date, bool]:
        """The days of this page so far, and whether the list shows only a part of each."""
        return {}

    def cap_rows(self, queryset: Any, rows: list[Any]) -> MailgunEventQuerySet | None:
        """Show at most MAILGUN_SHOWN_A_DAY events of a day; the report has all of them."""
        capped = queryset
        for day in {timezone.localdate(row.occurred_at) for row in rows} - self.days_seen.keys():
            newest = capped.newest_of_day(day, settings.MAILGUN_SHOWN_A_DAY)
            self.days_seen[day] = newest is not None
            if newest is not None:
                capped = newest
        return None if capped is queryset else capped

    def total(self, queryset: Any) -> Total:
        """Count the events, unless one day alone has more than are counted."""
        if any(self.days_seen.values()) and self.exact_up_to < settings.MAILGUN_SHOWN_A_DAY:
            return Total(self.exact_up_to, exact=False)
        return super().total(queryset)

    def complete_rows(self, rows: list[MailgunEvent]) -> None:
        if messages := {row.sent_message_id for row in rows if row.sent_message_id}:
            self.message_urls = message_urls(self.user, messages)

    def notices(self) -> list[str]:
        bounds = self.filterset.bounds
        fresh = freshness_notices(
            timezone.now(), first=bounds.low if bounds else None, last=bounds.high if bounds else None
        )
        return [*fresh, *(self.cap_notice(day) for day, capped in sorted(self.days_seen.items()) if capped)]

    def cap_notice(self, day: date) -> str:
        shown = settings.MAILGUN_SHOWN_A_DAY
        everything: Any = self.filterset.unbounded
        most = COUNTED_TIMES * shown
        total = kept_count(everything.of_day(day), most=most + 1)
        if total > most:
            words = gettext(
                "%(shown)s of more than %(total)s on %(day)s are shown here: the newest ones. %(export)s gives all of"
                " them."
            )
        else:
            words = gettext(
                "%(shown)s of %(total)s on %(day)s are shown here: the newest ones. %(export)s gives all of them."
            )
        total_text = f"{min(total, most):,}"
        return words % {
            "shown": f"{shown:,}",
            "total": total_text,
            "day": written(day),
            "export": self.export_label,
        }
