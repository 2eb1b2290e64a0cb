"""Columns that several lists of messages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.statuses import Status
from listings.columns import Column, ListingTable, StatusColumn
from messenger_logs.choices import CANCELABLE, MessageStatus
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People, people_of_many
from messenger_logs.reach_figures import read_people, with_people
from messenger_logs.status_labels import EMAIL_OUTCOME_LABELS
from messenger_logs.totals import emails_of_many, totals_of_many, with_emails
from web.message_urls import message_url


class MessageStatusColumn(StatusColumn):
    """The status of a message, the people it reached, its e-mails and, while it goes out, its progress in percent."""

    def render(self, record: Any, table: Any = None) -> SafeString:
        reached, said = people_text(record.status, record.people), emails_text(record.emails)
        address = f"{message_url(table.listing.tool, record.pk, 'recipients')}?reach=reached" if reached else ""
        people = format_html('<p class="people-reached"><a href="{}">{}</a></p>', address, reached) if reached else ""
        emails = format_html('<p class="people-reached">E-mail: {}</p>', said) if said else ""
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


def people_text(status: str, people: People | None) -> str:
    """How many people it reached: 191 of 205. "" where nobody counted them, or where it has not begun."""
    if not people or not _tells(status, people):
        return ""
    so_far = " so far" if status in CANCELABLE else ""
    noun = "person" if people.total == 1 else "people"
    return f"{people.reached:,} of {people.total:,} {noun} reached{so_far}"


def _tells(status: str, people: People) -> bool:
    """Whether the people of a message with this status say anything yet."""
    return bool(people.total) and (status != MessageStatus.WAITING or bool(people.reached))


def emails_text(counts: Mapping[str, int]) -> str:
    """What the provider said of its e-mails: "182 delivered, 10 failed"; "" where it said nothing final."""
    return ", ".join(
        f"{counts[name]:,} {status.word.lower()}" for name, status in EMAIL_OUTCOME_LABELS.items() if counts.get(name)
    )


class ReachedColumn(Column):
    """All people of a message, or (`reached`) those whom it reached. Only a file has it: a page has the status cell."""

    def __init__(self, verbose_name: str, figure: str) -> None:
        super().__init__(verbose_name, accessor="pk", orderable=False, on_page=False)
        self.figure = figure

    def value(self, record: SentMessage) -> str:
        people = read_people(record)
        return str(getattr(people, self.figure)) if _tells(record.status, people) else ""


class EmailsColumn(Column):
    """What the provider said of the e-mails of a message. Only a file has it: a page has the status cell."""

    def __init__(self) -> None:
        super().__init__("E-mail Provider Says", accessor="pk", orderable=False, on_page=False)

    def value(self, record: Any) -> str:
        return emails_text(record.emails or {})


def with_figures(messages: Any) -> SentMessageQuerySet:
    """Add what the columns above show, for a file: it is read row by row."""
    return with_emails(with_people(messages))


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
