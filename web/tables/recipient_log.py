from __future__ import annotations

from typing import Any

from django_tables2 import Column

from listings.columns import ROW_LINK, TimeColumn
from messenger_logs.failure_reasons import why_not_reached
from messenger_logs.models import Delivery
from web.tables.recipients import RecipientTable


def _message_address(record: Delivery, table: RecipientLogTable) -> str | None:
    return table.addresses.get(record.message_id)


class RecipientLogTable(RecipientTable):
    """What RecipientTable says of a device, and before it of which message."""

    created_at = TimeColumn(accessor="message__created_at", verbose_name="Date Created")
    person_id = Column(accessor="recipient__person_id", verbose_name="PersonID", orderable=False)
    subject = Column(
        accessor="message__subject",
        verbose_name="Message Subject",
        linkify=_message_address,
        attrs=ROW_LINK,
        empty_values=(),
    )
    sender = Column(accessor="message__sender_name", verbose_name="Sender")
    why = Column(accessor="pk", verbose_name="Why Not Reached", orderable=False)

    class Meta:
        exclude = ("as_sent",)
        sequence = (
            *("created_at", "recipient", "person_id", "student", "subject", "sender"),
            *("mode", "device", "status", "detail", "why", "time", "provider"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The pages of the messages that the user may open, by their id.
        self.addresses: dict[int, str] = {}

    def render_subject(self, record: Delivery) -> str:
        return record.message.display_subject

    def render_why(self, record: Delivery) -> str:
        return why_not_reached(record)
