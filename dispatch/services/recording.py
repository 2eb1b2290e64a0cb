"""Record the results of attempts in the ledger, with the redials and open calls that follow, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from core.text import storable
from dispatch.announcements import RELEASED, answers_recorded
from dispatch.choices import ClaimState
from dispatch.due import EMERGENCY, needs_redial
from dispatch.gateways import Answer, Result
from dispatch.models import Claim, OpenCall
from dispatch.services.calling_hours import next_allowed
from dispatch.services.claims import release
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import DeviceAttempt, Redial, SentMessage
from messenger_logs.services.complete_cancel import close_cancel, complete_cancel
from messenger_logs.services.message_status import reopen, settle_status
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import lock_totals
from messenger_logs.statuses import OUTCOMES, code_of
from providers import voxology


def record_answer(claim: Claim, answer: Answer, *, only: ClaimState | None = None) -> bool:
    """Record the answer about the deliveries of a claim, from a provider or from recovery. It may repeat and come late.

    A delivery without a result stays in the claim. A claim without deliveries is settled. With ``only``, a claim in
    another state stays as it is, and the return value is False.
    """
    with transaction.atomic():
        lock_totals(message_id=claim.message_id)
        locked = Claim.objects.select_for_update().get(pk=claim.pk)
        if only and locked.state != only:
            return False
        if first := locked.state != ClaimState.SETTLED:
            _remove_answered(locked, answer)
        reports = [result.report for result in answer.results if result.report]
        _store(claim.message_id, Mode(claim.mode), reports)
        finish(claim.message_id)
    if first:
        answers_recorded.send(sender=Claim, mode=Mode(claim.mode), results=_counted(answer))
    # A later cancel finds what was recorded here. A cancel that committed meanwhile did not see it.
    if _canceled(claim.message_id):
        OpenCall.objects.filter(message=claim.message_id, delivery__in=claim.deliveries).update(hang_up=True)
        if any(result.report is None for result in answer.results):
            complete_cancel(message_id=claim.message_id)
    return True


def release_claim(claim: Claim, *, why: str) -> bool:
    """Release a claim of which nothing has left: its deliveries wait again, or are canceled with their message.

    Returns whether the claim was still claimed.
    """
    nothing = Answer([Result(pk, None) for pk in claim.deliveries], raw=why)
    return record_answer(claim, nothing, only=ClaimState.CLAIMED)


def record_reports(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> None:
    """Record later reports of a provider about attempts at devices of one message and mode."""
    with transaction.atomic():
        lock_totals(message_id=message_id)
        _store(message_id, mode, reports)
        finish(message_id)


def ready_to_finish() -> QuerySet[SentMessage]:
    """Return the unfinished messages that have ended. A canceled one ends with its cancel."""
    # The messages without an end time are few, and have an index of their own.
    unfinished = SentMessage.objects.filter(
        dispatched_here=True, dispatch_started_at__isnull=False, dispatch_finished_at=None
    )
    stopped = Q(status=MessageStatus.CANCELED_IN_PROGRESS, cancel_completed_at__isnull=False)
    return unfinished.filter(Q(status__in=[MessageStatus.SENT, MessageStatus.ERROR]) | stopped)


def finish(message_id: int) -> None:
    """Let the message's status follow, and say when all of it was done. The caller holds the message's lock."""
    settle_status(message_id=message_id)
    close_cancel(message_id=message_id)
    ready_to_finish().filter(pk=message_id).update(dispatch_finished_at=Coalesce("cancel_completed_at", Now()))


@transaction.atomic
def lock_and_finish(message_id: int) -> None:
    """Take the message's lock, then finish the message."""
    lock_totals(message_id=message_id)
    finish(message_id)


def _counted(answer: Answer) -> Counter[str]:
    """Return how many items of an answer had each result, as `answers_recorded` tells it."""
    return Counter(_result(result.report) for result in answer.results)


def _result(report: StatusReport | None) -> str:
    if report is None:
        return RELEASED
    if report.code is not None:
        return code_of(report.code).outcome.value
    return OUTCOMES[DeliveryStatus(report.status)].value


def _canceled(message_id: int) -> bool:
    return SentMessage.objects.filter(pk=message_id, cancel_asked_at__isnull=False).exists()


def _being_canceled(message_id: int) -> bool:
    """Whether the figures of a cancel are still open."""
    asked = SentMessage.objects.filter(pk=message_id, cancel_asked_at__isnull=False)
    return asked.filter(cancel_completed_at=None).exists()


def _remove_answered(claim: Claim, answer: Answer) -> None:
    """Remove the deliveries with a result from a locked claim; those that never left wait again."""
    known = {result.delivery_id for result in answer.results}
    numbers = claim.attempt_numbers
    release(claim, [r.delivery_id for r in answer.results if r.report is None and r.delivery_id in numbers])
    rest = [(pk, attempt) for pk, attempt in numbers.items() if pk not in known]
    claim.deliveries, claim.attempts = [pk for pk, _ in rest], [attempt for _, attempt in rest]
    claim.raw = "\n".join(filter(None, [claim.raw, storable(answer.raw)]))
    if not rest:
        claim.state, claim.settled_at = ClaimState.SETTLED, timezone.now()
    claim.save(update_fields=["deliveries", "attempts", "raw", "state", "settled_at"])


def _store(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> None:
    """Store reports and what follows from them. The caller holds the message's lock."""
    canceled = _canceled(message_id)
    if canceled and _being_canceled(message_id):
        reports = [_as_canceled(report) for report in reports]
    _close_attempts(reports)
    _open_calls(message_id, mode, reports, hang_up=canceled)
    if mode in PHONE and not canceled and (redials := _redials(message_id, mode, reports)):
        Redial.objects.bulk_create(redials, ignore_conflicts=True)
        # A text may fail after its message was finished.
        reopen(message_id=message_id)
    report_statuses(message_id=message_id, reports=reports)


def _close_attempts(reports: Sequence[StatusReport]) -> None:
    """Delete the redials whose attempt was made, and the open calls that have ended."""
    for attempt in {report.attempt for report in reports}:
        same = [report for report in reports if report.attempt == attempt]
        ended = [report.delivery_id for report in same if report.status != DeliveryStatus.IN_PROGRESS]
        Redial.objects.filter(delivery__in=[report.delivery_id for report in same], attempt__lte=attempt).delete()
        OpenCall.objects.filter(delivery__in=ended, attempt=attempt).delete()


def _open_calls(message_id: int, mode: Mode, reports: Sequence[StatusReport], *, hang_up: bool) -> None:
    """Remember the attempts that the provider accepted and whose end it will report later."""
    now = timezone.now()
    OpenCall.objects.bulk_create(
        [
            OpenCall(
                delivery_id=_delivery(report),
                attempt=report.attempt,
                message_id=message_id,
                mode=mode,
                provider_id=report.provider_id,
                placed_at=now,
                poll_at=now,
                hang_up=hang_up,
            )
            for report in reports
            if report.status == DeliveryStatus.IN_PROGRESS and report.provider_id
        ],
        ignore_conflicts=True,
    )


def _delivery(report: StatusReport) -> int:
    """Return the delivery id, which every report of a gateway has."""
    assert report.delivery_id is not None
    return report.delivery_id


def _as_canceled(report: StatusReport) -> StatusReport:
    if report.code == voxology.ENDED_BY_US:
        return replace(report, status=DeliveryStatus.CANCELED.value)
    return report


def _redials(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> list[Redial]:
    """Return the redials that the codes ask for: up to PHONE_TRIES, after REDIAL_MINUTES, calls in allowed hours."""
    due = timezone.now() + timedelta(minutes=settings.REDIAL_MINUTES)
    if mode is Mode.VOICE and not SentMessage.objects.filter(EMERGENCY, pk=message_id).exists():
        due = next_allowed(due)
    wanted = {
        _delivery(report): report.attempt + 1
        for report in reports
        if report.attempt < settings.PHONE_TRIES and _needs_redial(report, mode)
    }
    # A late or repeated report about an attempt that others have followed asks for nothing.
    made = DeviceAttempt.objects.filter(delivery__in=wanted).values_list("delivery", "number")
    followed = {pk for pk, number in made if number >= wanted[pk]}
    return [
        Redial(delivery_id=pk, message_id=message_id, mode=mode, attempt=attempt, due_at=due)
        for pk, attempt in wanted.items()
        if pk not in followed
    ]


def _needs_redial(report: StatusReport, mode: Mode) -> bool:
    return report.code is not None and needs_redial(code_of(report.code, mode))
