from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import Column, TemplateColumn

from core.statuses import Shape, Status, Tone
from listings.columns import WIDE, ListingTable, NumberColumn, StatusColumn, TimeColumn
from mailgun_sync.models import EventKind, MailgunEvent, SendingDomain, SyncRun

EVENT_STATUSES = {
    EventKind.ACCEPTED: Status(
        "Accepted",
        Shape.RING,
        Tone.NEUTRAL,
        "Mailgun has it in its queue; whether it arrived is not known yet.",
    ),
    EventKind.DELIVERED: Status(
        "Delivered",
        Shape.CHECK,
        Tone.GOOD,
        "The recipient's mail server took it. It may still sort it as spam.",
    ),
    EventKind.FAILED_TEMPORARILY: Status(
        "Failed (temporary)",
        Shape.HALF,
        Tone.WARNING,
        "The mail server did not take it yet; Mailgun tries again.",
    ),
    EventKind.FAILED_PERMANENTLY: Status(
        "Failed (permanent)", Shape.CROSS, Tone.BAD, "The mail server refused it for good, or Mailgun gave up trying."
    ),
    EventKind.SUPPRESSED: Status(
        "Failed (suppressed)",
        Shape.SQUARE,
        Tone.BAD,
        "Mailgun did not try, because this address bounced, unsubscribed or complained before.",
    ),
    EventKind.REJECTED: Status("Rejected", Shape.CROSS, Tone.BAD, "Mailgun did not take the e-mail from us."),
    EventKind.COMPLAINED: Status(
        "Complained", Shape.TRIANGLE, Tone.WARNING, "The recipient marked the e-mail as spam."
    ),
}


class MailgunEventTable(ListingTable):
    event = StatusColumn(EVENT_STATUSES, accessor="shown_kind", order_by="event", verbose_name="Event")
    occurred_at = TimeColumn(seconds=True, verbose_name="Event Time Stamp")
    person_id = Column(verbose_name="Recipient PersonID")
    recipient = Column(verbose_name="Recipient Email", attrs={"td": {"class": "address"}})
    subject = Column(verbose_name="Subject", attrs=WIDE)
    detail = Column(verbose_name="Reason")

    # Whether the page has a form that looks for a person (mailgun_sync/log.html).
    leads_to_people = False
    # The pages of those messages that the user may see, by id.
    message_addresses: Mapping[int, str] = {}

    def render_subject(self, record: MailgunEvent, value: str) -> SafeString | str:
        address = self.message_addresses.get(record.sent_message_id) if record.sent_message_id else None
        return format_html('<a href="{}">{}</a>', address, value) if address else value

    def value_subject(self, value: str) -> str:
        return value

    def render_person_id(self, value: str) -> SafeString | str:
        if not self.leads_to_people:
            return value
        button = '<button form="find-recipient" name="person" value="{}" class="link" aria-label="{}">{}</button>'
        return format_html(button, value, f"Find person {value} in the Recipient Log", value)

    def value_person_id(self, value: str) -> str:
        return value


DOMAIN_STATUSES = {
    "synced": Status("Synced", Shape.CHECK, Tone.GOOD, "The last sync read everything there was."),
    "failed": Status("Failed", Shape.CROSS, Tone.BAD, "The last sync stopped with an error; the next one starts over."),
    "paused": Status("Paused", Shape.SQUARE, Tone.NEUTRAL, "Scheduled syncs leave this domain out."),
    "new": Status("Not synced yet", Shape.RING, Tone.NEUTRAL, "No sync has come to its end so far."),
}
RUN_STATUSES = {
    SyncRun.Outcome.RUNNING: Status("Running", Shape.HALF, Tone.RUNNING, "Under way now."),
    SyncRun.Outcome.SUCCEEDED: Status("Succeeded", Shape.CHECK, Tone.GOOD, "Everything was read to the end."),
    SyncRun.Outcome.FAILED: Status("Failed", Shape.CROSS, Tone.BAD, "Stopped by the error that stands beside it."),
    SyncRun.Outcome.INTERRUPTED: Status(
        "Interrupted", Shape.TRIANGLE, Tone.WARNING, "The program ended in the middle; the next run read it again."
    ),
}


class OutcomeColumn(StatusColumn):
    """A status with the error, if any, that led to it."""

    def __init__(self, statuses: Mapping[Any, Status], *args: Any, error: str, **kwargs: Any) -> None:
        super().__init__(statuses, *args, **kwargs)
        self.error = error

    def render(self, record: SendingDomain | SyncRun) -> SafeString:
        status, error = super().render(record), getattr(record, self.error)
        return format_html('{}<p class="reason">{}</p>', status, error) if error else format_html("{}", status)


def _minutes(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):,.0f} min"


class PlainTable(ListingTable):
    class Meta:
        orderable = False


class DomainTable(PlainTable):
    name = Column(verbose_name="Domain")
    state = OutcomeColumn(DOMAIN_STATUSES, error="last_error", verbose_name="State")
    settled_through = TimeColumn(verbose_name="Complete up to", default="not known yet")
    settle_after = Column(verbose_name="Waits for late events")
    covered_from = TemplateColumn(
        template_name="web/_sync_coverage.html", verbose_name="Complete since", empty_values=()
    )
    actions = TemplateColumn(template_name="web/_sync_domain_actions.html", verbose_name="Actions", empty_values=())

    def render_settle_after(self, value: timedelta) -> str:
        return _minutes(value)


class RunTable(PlainTable):
    started_at = TimeColumn(seconds=True, verbose_name="Started")
    domain = Column()
    kind = Column()
    outcome = OutcomeColumn(RUN_STATUSES, error="error")
    begin = TimeColumn(verbose_name="Events from", default="")
    end = TimeColumn(verbose_name="to", default="")
    pages = NumberColumn()
    events_seen = NumberColumn(verbose_name="Events")
    events_new = NumberColumn(verbose_name="New")
    quarantined = NumberColumn()
    late = NumberColumn()

    def render_kind(self, record: SyncRun) -> str:
        kind = record.get_kind_display()
        return f"{kind}, asked for by {record.asked_by.listed_name}" if record.asked_by else kind

    def render_late(self, record: SyncRun) -> str:
        return f"{record.late:,} (by up to {_minutes(record.latest_by)})" if record.late else "0"


class QuarantineTable(PlainTable):
    first_seen_at = TimeColumn(verbose_name="First seen")
    domain = Column()
    error = Column(verbose_name="Why it could not be read")
    raw = TemplateColumn(template_name="web/_sync_raw_event.html", verbose_name="Event as it came")
    retry = TemplateColumn(template_name="web/_sync_retry.html", verbose_name="Actions", empty_values=())


class GapTable(PlainTable):
    domain = Column()
    begin = TimeColumn(verbose_name="From")
    end = TimeColumn(verbose_name="To")
