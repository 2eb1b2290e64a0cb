"""What of a claim is handed over: its deliveries, without those whose family refuses texts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch.gateways import Answer, HandOff, Item, Result
from dispatch.models import Claim
from dispatch.services.recording import record_answer
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage, TextConsent
from messenger_logs.services.addresses import deliverable, number_of
from messenger_logs.services.erased import refusing_texts
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.services.totals import lock_totals
from providers import voxology


def hand_off_of(claim: Claim, items: list[Item], handed_at: datetime) -> HandOff:
    """Return the hand-off of a claim. ``handed_at`` counts only when the claim has no time of its own yet."""
    return HandOff(
        key=claim.pk, message=claim.message, mode=Mode(claim.mode), items=items, handed_at=claim.handed_at or handed_at
    )


def items_of(claim: Claim) -> list[Item]:
    """Return the items of a claim: its deliveries without a result, in the order of their ids."""
    rows = Delivery.objects.filter(pk__in=claim.deliveries).order_by("pk")
    attempts = claim.attempt_numbers
    person = ("recipient__person_id", "recipient__name", "recipient__merge_fields")
    return [
        Item(
            delivery_id=pk,
            attempt=attempts[pk],
            address=deliverable(given or address, address) if claim.mode == Mode.EMAIL else address,
            person_id=person_id,
            name=name,
            merge_fields=merge_fields,
        )
        for pk, address, given, person_id, name, merge_fields in rows.values_list(
            "pk", "address", "given_address", *person
        )
    ]


def without_opted_out(claim: Claim, items: list[Item]) -> list[Item]:
    """Return the items that may get texts. Record the others as opted out, without an attempt."""
    numbers = {number_of(item.address) for item in items}
    refusing = TextConsent.objects.filter(number__in=numbers, opted_out=True)
    opted_out = set(refusing.values_list("number", flat=True)) | refusing_texts(numbers)
    refused = [item for item in items if number_of(item.address) in opted_out]
    if refused:
        with transaction.atomic():
            lock_totals(message_id=claim.message_id)
            # In a canceled message they stay what its figures say: never started.
            running = SentMessage.objects.running().filter(pk=claim.message_id).select_for_update(no_key=True)
            if running.first():
                record_answer(claim, Answer([_not_tried(item) for item in refused]))
    return [item for item in items if item not in refused]


def _not_tried(item: Item) -> Result:
    report = StatusReport(
        delivery_id=item.delivery_id, attempt=item.attempt, code=voxology.OPTED_OUT, at=timezone.now()
    )
    return Result(item.delivery_id, report)
