"""Recover what a crash left behind: claims of dead workers, hand-offs without an answer, redials without a need."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.clock import has_come, stepped_within
from dispatch.choices import ClaimState
from dispatch.due import reached_after_all
from dispatch.gateways import Answer, Gateway, Result, TryLaterError, gateway_for
from dispatch.models import Claim
from dispatch.services.items import hand_off_of, items_of
from dispatch.services.recording import lock_and_finish, ready_to_finish, record_answer, release_claim
from messenger_logs.choices import PHONE, DeliveryStatus, Mode
from messenger_logs.models import Delivery, Redial
from messenger_logs.services.status_reports import StatusReport

log = structlog.get_logger(__name__)

UNKNOWN_DETAIL = "Status unknown"


def recover(*, until: float | None = None) -> int:
    """Settle stale claims. Any number of processes may run this at once. Returns how many claims it settled.

    After ``until`` (time.monotonic()) no provider is asked about another claim.
    """
    if stepped_within(settings.STALE_CLAIM_SECONDS):
        return 0  # A claim of a moment ago would look old, and go out twice.
    settled = sum(_settle_safely(release_stale, claim) for claim in _stale(ClaimState.CLAIMED))
    for claim in _stale(ClaimState.HANDED):
        if until is not None and time.monotonic() >= until:
            break
        settled += _settle_safely(partial(look_up, until=until), claim)
    delete_obsolete_redials()
    return settled


def _look_again() -> timedelta:
    """How long after a question without an answer the provider is asked again."""
    return timedelta(seconds=settings.LOOK_AGAIN_SECONDS)


def _settle_safely(settle: Callable[[Claim], bool], claim: Claim) -> bool:
    """Settle one claim. A claim that cannot be settled must not keep the others waiting."""
    try:
        return settle(claim)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        log.exception("dispatch.not_settled", mode=claim.mode, claim=str(claim.pk))
        return False


def _stale(state: ClaimState) -> list[Claim]:
    now = timezone.now()
    since = now - timedelta(seconds=settings.STALE_CLAIM_SECONDS)
    stale = has_come("look_up_at", now, at_most=_look_again()) | Q(look_up_at__isnull=True, since__lte=since)
    claims = Claim.objects.alias(since=Coalesce("handed_at", "claimed_at")).filter(stale, state=state)
    return list(claims.select_related("message").order_by("claimed_at")[:1000])


def release_stale(claim: Claim) -> bool:
    """Release a claim that no worker began to hand over: its deliveries wait again, or are canceled with their message.

    A worker that was only slow finds the claim settled and leaves it alone. Returns whether the claim is settled now.
    """
    return release_claim(claim, why="released: its worker was gone")


def look_up(claim: Claim, *, until: float | None = None) -> bool:
    """Record what is known of a hand-off without an answer, else ask the provider. Returns whether it is settled.

    The provider gets no request after ``until`` (time.monotonic()).

    An outcome of an e-mail proves that its provider took it, and the ledger has it already.
    """
    mode = Mode(claim.mode)
    if mode is Mode.EMAIL and _record_known(claim):
        return True
    gateway = gateway_for(mode)
    # Only the process that moves the time asks.
    mine = Claim.objects.filter(pk=claim.pk, state=ClaimState.HANDED, look_up_at=claim.look_up_at)
    if gateway is None or not mine.update(look_up_at=timezone.now() + _look_again()):
        return False
    answer = _ask(gateway, claim, until)
    if answer is None and not _too_old(claim):
        return False
    answer = answer or Answer([])
    known = {result.delivery_id for result in answer.results}
    unknown = [
        Result(pk, _unknown(pk, attempt, mode)) for pk, attempt in claim.attempt_numbers.items() if pk not in known
    ]
    record_answer(claim, Answer([*answer.results, *unknown], answer.raw))
    return True


def _record_known(claim: Claim) -> bool:
    """Record the e-mails of a claim that have an outcome as sent. Returns whether that settled the claim."""
    known = Delivery.objects.filter(pk__in=claim.deliveries).exclude(email_outcome="").values_list("pk", flat=True)
    numbers, at = claim.attempt_numbers, claim.handed_at
    results = [
        Result(pk, StatusReport(delivery_id=pk, attempt=numbers[pk], status=DeliveryStatus.SENT.value, at=at))
        for pk in known
    ]
    if results:
        record_answer(claim, Answer(results))
        claim.refresh_from_db(fields=["deliveries", "attempts", "state"])
    return claim.state == ClaimState.SETTLED


def _ask(gateway: Gateway, claim: Claim, until: float | None) -> Answer | None:
    try:
        return gateway.look_up(hand_off_of(claim, items_of(claim), claim.claimed_at), until=until)
    except TryLaterError as later:
        log.warning("dispatch.look_up_later", mode=claim.mode, error=str(later))
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        log.exception("dispatch.look_up_crashed", mode=claim.mode, claim=str(claim.pk))
    return None


def _too_old(claim: Claim) -> bool:
    return timezone.now() - claim.claimed_at > timedelta(hours=settings.LOOK_UP_HOURS)


def _unknown(delivery_id: int, attempt: int, mode: Mode) -> StatusReport:
    """Return the report of an unknown result. The device may have been reached, so only a person may try it again."""
    status = DeliveryStatus.VENDOR_RECEIVED if mode in PHONE else DeliveryStatus.NO_CALL_STATUS
    return StatusReport(
        delivery_id=delivery_id, attempt=attempt, status=status.value, detail=UNKNOWN_DETAIL, at=timezone.now()
    )


def delete_obsolete_redials() -> None:
    """Delete the redials of canceled messages, and of devices that were reached after all. Finish what that ends."""
    unclaimed = Redial.objects.filter(claim__isnull=True)
    unclaimed.filter(message__cancel_asked_at__isnull=False).delete()
    reached = unclaimed.filter(reached_after_all())
    messages = set(reached.values_list("message", flat=True))
    reached.delete()
    # The last report of some messages came in through the API and not through the dispatcher.
    for message_id in messages | set(ready_to_finish().values_list("pk", flat=True)[:100]):
        lock_and_finish(message_id)
