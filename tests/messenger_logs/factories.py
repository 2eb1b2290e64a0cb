"""Messages, recipients and deliveries with sensible values, to be told apart by what a test says of them."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.utils import timezone

from messenger_logs.choices import DeliveryStatus, Engine, MessageStatus, Mode
from messenger_logs.models import Delivery, Recipient, School, SentMessage
from messenger_logs.statuses import OUTCOMES

numbers = count(1)


def make_school(name: str = "Harrison High") -> School:
    return School.objects.get_or_create(name=name)[0]


def make_message(**fields: Any) -> SentMessage:
    """A classic message of an hour ago that was sent by e-mail; `school` may be a name."""
    created = fields.pop("created_at", None) or timezone.now() - timedelta(hours=1)
    if isinstance(school := fields.pop("school", "Harrison High"), str):
        school = make_school(school)
    sender = fields.get("sender")
    given: dict[str, Any] = {
        "engine": Engine.CLASSIC,
        "message_type": "Message Builder",
        "status": MessageStatus.SENT,
        "subject": "Library Hours",
        "sender_name": sender.listed_name if sender else "Administrator, System",
        "school": school,
        "created_at": created,
        "scheduled_at": created,
        "listed_from": created,
        "modes": [Mode.EMAIL],
    }
    return SentMessage.objects.create(**(given | fields))


def make_copies(message: SentMessage, number: int) -> None:
    """So many messages like this one, each created a second before the last."""
    same = [field.column for field in SentMessage._meta.concrete_fields if field.name not in ("id", "created_at")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO messenger_logs_sentmessage (created_at, {', '.join(same)})"
            f" SELECT created_at - make_interval(secs => n), {', '.join(same)}"
            " FROM messenger_logs_sentmessage, generate_series(1, %s) AS n WHERE id = %s",
            [number, message.pk],
        )


def make_recipient(message: SentMessage, **fields: Any) -> Recipient:
    """A parent; the first row of a person in a message is the one that is counted."""
    number = next(numbers)
    person_id = fields.pop("person_id", str(number))
    first = not message.recipients.filter(person_id=person_id).exists()
    given = {"name": f"Parent, {number}", "student_name": f"Student, {number}", "counted": first}
    return Recipient.objects.create(message=message, person_id=person_id, **(given | fields))


def make_delivery(recipient: Recipient, **fields: Any) -> Delivery:
    """An e-mail that was handed over; `address` is "" where there is no device."""
    mode = Mode(fields.pop("mode", Mode.EMAIL))
    address = fields.pop("address", default_address(recipient, mode))
    usual = DeliveryStatus.SENT if mode is not Mode.VOICE else DeliveryStatus.CONFIRMED
    status = DeliveryStatus(fields.pop("status", usual if address else DeliveryStatus.NO_DEVICE))
    message = recipient.message
    given = {
        "outcome": OUTCOMES[status],
        "duplicate": bool(address) and message.deliveries.filter(mode=mode, address=address).exists(),
    }
    return Delivery.objects.create(
        message=message, recipient=recipient, mode=mode, address=address, status=status, **(given | fields)
    )


def default_address(recipient: Recipient, mode: Mode) -> str:
    if mode is Mode.INBOX:
        return recipient.person_id
    return f"parent{recipient.pk}@example.com" if mode is Mode.EMAIL else f"+1763555{recipient.pk % 10_000:04}"
