from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import Column

from core.statuses import Shape, Status, Tone
from listings.columns import ON_SCREEN, WIDE, ListingTable, StatusColumn, TimeColumn
from listings.exports import DUPLICATE
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import Delivery, Recipient
from messenger_logs.status_labels import DELIVERY_STATUSES, DUPLICATE_MARK, EMAIL_FAILURES, EMAIL_OUTCOMES, device_text


class EmailOutcomeColumn(StatusColumn):
    """What the e-mail provider finally said, flagged where it contradicts our Sent."""

    def status(self, record: Delivery) -> Status:
        found = self.statuses.get(record.email_outcome)
        return found or Status(record.email_outcome, Shape.RING, Tone.NEUTRAL)

    def render(self, record: Delivery) -> SafeString:
        contradicts = record.status == DeliveryStatus.SENT and record.email_outcome in EMAIL_FAILURES
        flag = format_html('<p class="flag">{} Sent, but not delivered</p>', Shape.TRIANGLE) if contradicts else ""
        reason = format_html('<p class="reason">{}</p>', record.email_reason) if record.email_reason else ""
        return format_html("{}{}{}", super().render(record), flag, reason)

    def value(self, record: Delivery) -> str:
        return ": ".join(filter(None, [self.status(record).word, record.email_reason]))


def _as_sent(record: Delivery, table: RecipientTable) -> str:
    return f"{table.message_url}?recipient={record.recipient_id}"


class RecipientTable(ListingTable):
    recipient = Column(accessor="recipient__name", order_by="recipient__plain_name", verbose_name="Recipient")
    student = Column(accessor="recipient", order_by="recipient__plain_student_name", verbose_name="Student")
    mode = Column(accessor="mode", verbose_name="Delivery Mode")
    device = Column(accessor="address", verbose_name="Device", attrs=WIDE)
    status = StatusColumn(DELIVERY_STATUSES)
    detail = Column(verbose_name="Status Detail")
    time = TimeColumn(accessor="last_attempt_at", verbose_name="Time", orderable=False)
    provider = EmailOutcomeColumn(
        EMAIL_OUTCOMES, accessor="email_outcome", verbose_name="E-mail Provider Says", orderable=False
    )
    as_sent = Column(
        accessor="pk",
        verbose_name="Message",
        orderable=False,
        linkify=_as_sent,
        exclude_from_export=True,
        attrs=ON_SCREEN,
    )

    # Where the message is shown.
    message_url = ""

    def render_student(self, value: Recipient) -> str:
        number = f"({value.student_number})" if value.student_number else ""
        return " ".join(filter(None, [value.student_name, number])) or "—"

    def value_student(self, value: Recipient) -> str:
        return self.render_student(value).replace("—", "")

    def render_mode(self, record: Delivery) -> str:
        return Mode(record.mode).label

    def render_device(self, record: Delivery) -> SafeString | str:
        device = device_text(record.mode, record.address)
        if not record.duplicate:
            return device
        return format_html('{} <abbr title="Duplicate in this message">{}</abbr>', device, DUPLICATE_MARK)

    def value_device(self, record: Delivery) -> str:
        mark = DUPLICATE if record.duplicate else ""
        return f"{device_text(record.mode, record.address)} {mark}".strip()

    def render_as_sent(self) -> str:
        return "with values"
