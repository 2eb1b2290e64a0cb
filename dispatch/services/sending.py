"""Hand claims over. Each step is committed before the next, so that after a crash we know how far a claim came."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from core.timeouts import words_for
from dispatch.gateways import (
    Answer,
    CanceledError,
    Gateway,
    HandOff,
    Item,
    Result,
    TryLaterError,
    UnknownError,
    gateway_for,
)
from dispatch.models import Claim
from dispatch.services.claims import claim_next, lock_running, mark_handed
from dispatch.services.rate_limit import may_go, pause, spend
from dispatch.services.recording import record_answer, release_claim
from dispatch.services.scheduling import restrict_calls
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage, TextConsent
from messenger_logs.services.addresses import deliverable, number_of
from messenger_logs.services.erased import refusing_texts
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.services.totals import lock_totals
from providers import voxology

log = structlog.get_logger(__name__)


def send_due(mode: Mode, *, until: float | None = None) -> int:
    """Hand over the due deliveries of a mode. Returns how many went to the provider.

    It ends when nothing is due, when the pace is used up, or when ``until`` (time.monotonic()) is past. Any number of
    workers may do this at once.
    """
    gateway = gateway_for(mode)
    if gateway is None:
        return 0
    if mode is Mode.VOICE:
        restrict_calls()
    handed = 0
    while (until is None or time.monotonic() < until) and may_go(mode):
        claim = claim_next(mode, batch=gateway.batch)
        if claim is None:
            break
        handed += hand_over(claim, gateway)
    return handed


def hand_over(claim: Claim, gateway: Gateway) -> int:
    """Hand a claim to its provider and record the answer. Returns how many deliveries the provider answered for.

    Without an answer the claim stays as it is, and services/recovery.py looks it up. Nothing of a message leaves after
    its cancel has committed: each request asks the message's row just before it begins.
    """
    items = items_of(claim)
    if claim.mode == Mode.TEXT:
        items = _without_opted_out(claim, items)
    leaving = _begin(claim, items) if items else []
    answer = _ask(claim, gateway, leaving) if leaving else None
    if answer is None:
        return 0
    held = {item.delivery_id for item in items} - {item.delivery_id for item in leaving}
    record_answer(claim, replace(answer, results=[*answer.results, *(Result(pk, None) for pk in held)]))
    return sum(result.report is not None for result in answer.results)


def _begin(claim: Claim, items: list[Item]) -> list[Item]:
    """Begin to hand over. Returns the items that may leave. When nothing may, the claim is released."""
    mode = Mode(claim.mode)
    spend(mode, len(items))
    marked = mark_handed(claim)
    leaving = [item for item in items if item.delivery_id in marked]
    if len(leaving) < len(items):
        spend(mode, len(leaving) - len(items))
    if not leaving:
        release_claim(claim, why="released: its message was canceled, its worker was slow, or others have its rows")
    return leaving


def _ask(claim: Claim, gateway: Gateway, items: list[Item]) -> Answer | None:
    """Call the gateway. None when no answer came: the provider may have something of it."""
    mode = Mode(claim.mode)
    hand_off = hand_off_of(claim, items, timezone.now())
    try:
        return gateway.hand_off(replace(hand_off, runs=partial(lock_running, claim.message_id)))
    except CanceledError as canceled:
        return _nothing_taken(items, canceled)
    except TryLaterError as later:
        log.warning("dispatch.try_later", mode=mode.value, error=str(later))
        pause(mode, after=later.after, words=str(later))
        return _nothing_taken(items, later)
    except UnknownError as lost:
        log.warning("dispatch.unknown", mode=mode.value, claim=str(claim.pk), error=str(lost))
        _look_up_now(claim)
    except SoftTimeLimitExceeded:
        _look_up_now(claim)
        pause(mode, after=timedelta(minutes=1), words="The provider did not answer in time.")
        raise
    except Exception as unexpected:
        # A bug in this program: nobody knows what the provider has. The pause keeps it from hitting every message.
        log.exception("dispatch.crashed", mode=mode.value, claim=str(claim.pk))
        pause(mode, after=timedelta(minutes=1), words=words_for(unexpected))
    return None


def _nothing_taken(items: list[Item], error: TryLaterError) -> Answer:
    return Answer([Result(item.delivery_id, None) for item in items], raw=str(error))


def _look_up_now(claim: Claim) -> None:
    Claim.objects.filter(pk=claim.pk).update(look_up_at=timezone.now())


def hand_off_of(claim: Claim, items: list[Item], handed_at: datetime) -> HandOff:
    """Return the hand-off of a claim. ``handed_at`` counts only when the claim has no time of its own yet."""
    return HandOff(
        key=claim.pk, message=claim.message, mode=Mode(claim.mode), items=items, handed_at=claim.handed_at or handed_at
    )


def items_of(claim: Claim) -> list[Item]:
    """Return the items of a claim: its deliveries without a result, in the order of their ids."""
    deliveries = Delivery.objects.filter(pk__in=claim.deliveries).select_related("recipient").order_by("pk")
    return [
        Item(
            delivery_id=delivery.pk,
            attempt=claim.attempt_numbers[delivery.pk],
            address=(
                deliverable(delivery.display_address, delivery.address)
                if claim.mode == Mode.EMAIL
                else delivery.address
            ),
            person_id=delivery.recipient.person_id,
            name=delivery.recipient.name,
            merge_fields=delivery.recipient.merge_fields,
        )
        for delivery in deliveries
    ]


def _without_opted_out(claim: Claim, items: list[Item]) -> list[Item]:
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
