"""Columns that several lists of messages share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from core.statuses import Status
from listings.columns import ListingTable, StatusColumn
from messenger_logs.choices import MessageStatus
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.totals import totals_of_many
from web.message_urls import message_url


class MessageStatusColumn(StatusColumn):
    """The status of a message and, while it goes out, its progress in percent."""

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


def add_percent_done(messages: Iterable[Any]) -> None:
    """Set `percent` (0 to 100) on the messages that are going out, with one query."""
    running = [message for message in messages if message.status == MessageStatus.IN_PROGRESS]
    totals = totals_of_many(running) if running else {}
    for message in running:
        message.percent = percent_done(totals[message.pk])


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
