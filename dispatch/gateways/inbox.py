"""The inbox, which is part of this installation. A message is a row; the person's portal reads it through the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.html import escape

from dispatch.gateways import Answer, HandOff, Result
from dispatch.models import InboxMessage
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.merge_fields import is_html, merged
from messenger_logs.services.status_reports import StatusReport


def gateway() -> InboxGateway:
    """Return the gateway of the inbox, which needs no settings."""
    return InboxGateway()


class InboxGateway:
    """Writes messages into the inbox."""

    batch = 1000
    at_once = 0

    async def hand_off(self, hand_off: HandOff) -> Answer:
        """Write the rows. A second hand-off changes nothing, because a delivery has one row."""
        message = hand_off.message
        body = message.bodies.get(Mode.INBOX, "")
        rows = [
            InboxMessage(
                delivery_id=item.delivery_id,
                person_id=item.person_id,
                subject=merged(message.subject, item.merge_fields)[:1000],
                body=merged(body, _escaped(item.merge_fields) if is_html(body) else item.merge_fields),
                sender_name=message.sender_name,
            )
            for item in hand_off.items
        ]
        with transaction.atomic():
            await hand_off.begin_request()
            InboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
        return _answer(hand_off, {item.delivery_id for item in hand_off.items})

    def look_up(self, hand_off: HandOff, *, until: float | None = None) -> Answer:
        """Return which items have a row. There is always an answer, because the rows are in the same database."""
        stored = InboxMessage.objects.filter(pk__in=[item.delivery_id for item in hand_off.items])
        return _answer(hand_off, stored.values_list("pk", flat=True))


def _answer(hand_off: HandOff, delivery_ids: Iterable[int]) -> Answer:
    now, stored = timezone.now(), set(delivery_ids)
    results = []
    for item in hand_off.items:
        sent = StatusReport(
            delivery_id=item.delivery_id, attempt=item.attempt, status=DeliveryStatus.SENT.value, at=now
        )
        results.append(Result(item.delivery_id, sent if item.delivery_id in stored else None))
    return Answer(results)


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in values.items()}
