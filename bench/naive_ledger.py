"""The usual ways with a ledger: a model instance for each row, bulk_create in batches, save(), and aggregate()."""

from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, Sum

from accounts.models import User
from messenger_logs.choices import PHONE, MessageStatus, Mode, Outcome
from messenger_logs.models import Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.services.addresses import read_address
from messenger_logs.statuses import code_of

BATCH = 1000


@transaction.atomic
def add_message(data: dict[str, Any]) -> None:
    """Add a message, without any check and without its totals."""
    message = SentMessage.objects.create(
        external_id=data["external_id"],
        engine=data["engine"],
        message_type=data["message_type"],
        status=MessageStatus.SENT,
        subject=data["subject"],
        sender=User.objects.get(username=data["sender"]),
        sender_name=data["sender"],
        school=School.objects.get(name=data["school"]),
        created_at=data["created_at"],
        scheduled_at=data["created_at"],
        listed_from=data["created_at"],
        modes=data["modes"],
        bodies=data["bodies"],
    )
    people = [
        Recipient(message=message, counted=True, **{name: each[name] for name in each if name != "devices"})
        for each in data["recipients"]
    ]
    Recipient.objects.bulk_create(people, batch_size=BATCH)
    deliveries = [
        _delivery(message, person, device)
        for person, each in zip(people, data["recipients"], strict=True)
        for device in each["devices"]
    ]
    Delivery.objects.bulk_create(deliveries, batch_size=BATCH)


def _delivery(message: SentMessage, person: Recipient, device: dict[str, Any]) -> Delivery:
    mode, code = Mode(device["mode"]), code_of(device["code"])
    return Delivery(
        message=message,
        recipient=person,
        mode=mode,
        address=read_address(mode, device["address"]).canonical,
        status=code.status,
        detail=code.detail,
        outcome=Outcome.SUCCESS,
        code=code.number,
        attempt_count=1,
        first_attempt_at=device["time"],
        last_attempt_at=device["time"],
    )


@transaction.atomic
def report(message_id: int, mode: str, address: str, number: int) -> None:
    """Store one report, without a look at what is known already."""
    delivery = Delivery.objects.get(message=message_id, mode=mode, address=address, duplicate=False)
    code = code_of(number)
    attempt, _ = DeviceAttempt.objects.get_or_create(delivery=delivery, number=1)
    for row in (attempt, delivery):
        row.code, row.status, row.detail, row.outcome = number, code.status, code.detail, code.outcome
        row.save()


def totals(message_id: int) -> object:
    """Compute the totals of the message page by aggregation."""
    deliveries = Delivery.objects.filter(message=message_id)
    modes = (
        deliveries.filter(duplicate=False)
        .values("mode")
        .annotate(
            devices=Count("address", distinct=True),
            all_attempts=Sum("attempt_count"),
            last_first_attempt_at=Max("first_attempt_at"),
            **{outcome.value: Count("pk", filter=Q(outcome=outcome)) for outcome in Outcome},
        )
    )
    people = Recipient.objects.filter(message=message_id).aggregate(
        recipients=Count("person_id", distinct=True),
        contacted=Count(
            "person_id",
            distinct=True,
            filter=Q(deliveries__mode__in=PHONE, deliveries__outcome=Outcome.SUCCESS),
        ),
    )
    return list(modes), people
