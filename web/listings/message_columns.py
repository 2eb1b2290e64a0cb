"""Columns that several lists of messages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.statuses import Status
from listings.columns import ListingTable, StatusColumn
from messenger_logs.choices import CANCELABLE, MessageStatus
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.reach import People, people_of_many
from messenger_logs.status_labels import EMAIL_OUTCOME_LABELS
from messenger_logs.totals import emails_of_many, totals_of_many
from web.message_urls import message_url


class MessageStatusColumn(StatusColumn):
    """The status of a message, the people it reached, its e-mails and, while it goes out, its progress in percent."""

    def render(self, record: SentMessage) -> SafeString:
        reached = people_text(record)
        people = format_html('<p class="people-reached">{}</p>', reached) if reached else ""
        emails = format_html('<p class="people-reached">E-mail: {}</p>', said) if (said := emails_text(record)) else ""
        return format_html("{} {}{}", super().render(record), people, emails)

    def status(self, record: SentMessage) -> Status:
        status = super().status(record)
        percent: int | None = getattr(record, "percent", None)
        return status if percent is None else replace(status, word=f"{status.word} {percent} %")


# attrs of a column of short texts.
NARROW = {"cell": {"class": "narrow-column"}}

_CALENDARS_SHOWN = 3


def link_of_message(record: SentMessage, table: ListingTable) -> str:
    """Return the address of the message's page, in the log that this list is of."""
    return message_url(table.listing.tool, record.pk)


def add_progress(messages: Sequence[Any]) -> None:
    """Set `people` and `emails` on the messages, and `percent` (0 to 100) on those that are going out."""
    people = people_of_many(message.pk for message in messages)
    emails = emails_of_many(message.pk for message in messages)
    running = [message for message in messages if message.status == MessageStatus.IN_PROGRESS]
    totals = totals_of_many(running) if running else {}
    for message in messages:
        message.people = people.get(message.pk)
        message.emails = emails.get(message.pk, {})
    for message in running:
        message.percent = percent_done(totals[message.pk])


def people_text(message: SentMessage) -> str:
    """How many people it reached: 191 of 205. "" where nobody counted them, or where it has not begun."""
    people: People | None = getattr(message, "people", None)
    if not people or not people.total or (message.status == MessageStatus.WAITING and not people.reached):
        return ""
    so_far = " so far" if message.status in CANCELABLE else ""
    noun = "person" if people.total == 1 else "people"
    return f"{people.reached:,} of {people.total:,} {noun} reached{so_far}"


def emails_text(message: SentMessage) -> str:
    """What the provider said of its e-mails: "182 delivered, 10 failed"; "" where it said nothing final."""
    counts: Mapping[str, int] = getattr(message, "emails", {})
    return ", ".join(
        f"{counts[name]:,} {status.word.lower()}" for name, status in EMAIL_OUTCOME_LABELS.items() if counts.get(name)
    )


class MessageColumns(ListingTable):
    """Columns that the lists of 2.0 messages share."""

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject

    def render_calendars(self, record: SentMessage) -> str:
        """Name the first calendars only; the message's page has all of them."""
        names = [calendar.name for calendar in record.calendars.all()]
        more = len(names) - _CALENDARS_SHOWN
        return ", ".join(names[:_CALENDARS_SHOWN]) + (f" and {more} more" if more > 0 else "") or "—"

    def value_calendars(self, record: SentMessage) -> str:
        return record.display_calendars

    def render_modes(self, record: SentMessage) -> str:
        return record.display_modes
