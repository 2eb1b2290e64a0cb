from __future__ import annotations

from dataclasses import replace

from django.urls import reverse
from django_tables2 import Column

from core.statuses import Status
from listings.columns import ROW_LINK, WIDE, ListingTable, StatusColumn, TimeColumn
from messenger_logs.models import SentMessage
from messenger_logs.status_labels import MESSAGE_STATUSES


class MessageStatusColumn(StatusColumn):
    """The status of a message and, while it goes out, how far it has come."""

    def status(self, record: SentMessage) -> Status:
        status = super().status(record)
        percent: int | None = getattr(record, "percent", None)
        return status if percent is None else replace(status, word=f"{status.word} {percent} %")


def _message_address(record: SentMessage, table: ClassicLogTable) -> str:
    return reverse(table.message_url_name, kwargs={"pk": record.pk})


class ClassicLogTable(ListingTable):
    status = MessageStatusColumn(MESSAGE_STATUSES)
    message_type = Column(verbose_name="Message Type")
    school_name = Column(verbose_name="District/School")
    subject = Column(verbose_name="Message Subject", linkify=_message_address, attrs=ROW_LINK | WIDE, empty_values=())
    sender_name = Column(verbose_name="Sender")
    created_at = TimeColumn(verbose_name="Date Created")
    scheduled_at = TimeColumn(verbose_name="Date Scheduled")
    schedule_id = Column(verbose_name="ScheduleID", default="")

    # The address of a message depends on the log it is opened from.
    message_url_name = "web:sent_message_log_message"

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject
