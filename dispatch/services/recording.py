"""What became of tries, recorded: in the ledger, with the redials and open calls that follow, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from core.text import storable
from dispatch.choices import ClaimState
from dispatch.due import EMERGENCY, needs_redial, not_left
from dispatch.gateways import Answer
from dispatch.models import Claim, OpenCall
from dispatch.services.calling_hours import next_allowed
from dispatch.services.claims import release
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import DeviceAttempt, Redial, SentMessage
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.message_status import reopen, settle_status
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import lock_totals
from messenger_logs.statuses import code_of
from providers import voxology


def record_answer(claim: Claim, answer: Answer, *, only: ClaimState | None = None) -> bool:
    """Record what a provider, or we ourselves, said of the deliveries of a claim. Safe to repeat, and to come late.

    What has no result stays in the claim, which is settled when nothing is left in it. With ``only``, nothing happens
    to a claim that is in another state by now, and the answer is False.
    """
    with transaction.atomic():
        lock_totals(message_id=claim.message_id)
        held = Claim.objects.select_for_update().get(pk=claim.pk)
        if only and held.state != only:
            return False
        if held.state != ClaimState.SETTLED:
            _remove_answered(held, answer)
        reports = [result.report for result in answer.results if result.report]
        _note(claim.message_id, Mode(claim.mode), reports)
        finish(claim.message_id)
    # A cancel that commits from here on finds what was recorded; of one that came meanwhile, we have to think.
    if _canceled(claim.message_id):
        OpenCall.objects.filter(message=claim.message_id, delivery__in=claim.deliveries).update(hang_up=True)
        if any(result.report is None for result in answer.results):
            complete_cancel(message_id=claim.message_id)
            lock_and_finish(claim.message_id)
    return True


def record_reports(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> None:
    """Record what a provider said later of tries at devices of one message."""
    with transaction.atomic():
        lock_totals(message_id=message_id)
        _note(message_id, mode, reports)
        finish(message_id)


def unfinished() -> QuerySet[SentMessage]:
    """Messages of ours that have begun and do not say when they ended: few at any time, an index has just these."""
    return SentMessage.objects.filter(
        dispatched_here=True, dispatch_started_at__isnull=False, dispatch_finished_at=None
    )


def ready_to_finish() -> QuerySet[SentMessage]:
    """Those of them that have ended. Of a canceled one, nothing may wait or be under way any more."""
    claims = Claim.objects.filter(message=OuterRef("pk")).exclude(state=ClaimState.SETTLED)
    calls = OpenCall.objects.filter(message=OuterRef("pk"))
    open = Exists(claims) | Exists(calls) | Exists(not_left().filter(message=OuterRef("pk")))
    stopped = Q(~open, status=MessageStatus.CANCELED_IN_PROGRESS, cancel_completed_at__isnull=False)
    return unfinished().filter(Q(status__in=[MessageStatus.SENT, MessageStatus.ERROR]) | stopped)


def finish(message_id: int) -> None:
    """Let the message's status follow, and say when all of it was done. The caller holds the message's lock."""
    settle_status(message_id=message_id)
    ready_to_finish().filter(pk=message_id).update(dispatch_finished_at=Now())


@transaction.atomic
def lock_and_finish(message_id: int) -> None:
    """The same, for whoever does not have it."""
    lock_totals(message_id=message_id)
    finish(message_id)


def _canceled(message_id: int) -> bool:
    return SentMessage.objects.filter(pk=message_id, cancel_asked_at__isnull=False).exists()


def _remove_answered(held: Claim, answer: Answer) -> None:
    """Take off a claim what is known; what never left waits again."""
    known = {result.delivery_id for result in answer.results}
    release(held, [r.delivery_id for r in answer.results if r.report is None and r.delivery_id in held.attempt_numbers])
    rest = [(pk, attempt) for pk, attempt in held.attempt_numbers.items() if pk not in known]
    held.deliveries, held.attempts = [pk for pk, _ in rest], [attempt for _, attempt in rest]
    held.raw = "\n".join(filter(None, [held.raw, storable(answer.raw)]))
    if not rest:
        held.state, held.settled_at = ClaimState.SETTLED, timezone.now()
    held.save(update_fields=["deliveries", "attempts", "raw", "state", "settled_at"])


def _note(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> None:
    canceled = _canceled(message_id)
    if canceled:
        reports = [_as_canceled(report) for report in reports]
    for attempt in {report.attempt for report in reports}:
        told = [report for report in reports if report.attempt == attempt]
        ended = [report.delivery_id for report in told if report.status != DeliveryStatus.IN_PROGRESS]
        # The try that was to come has come; and of one that ended, nothing is open any more.
        Redial.objects.filter(delivery__in=[report.delivery_id for report in told], attempt__lte=attempt).delete()
        OpenCall.objects.filter(delivery__in=ended, attempt=attempt).delete()
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
                hang_up=canceled,
            )
            for report in reports
            if report.status == DeliveryStatus.IN_PROGRESS and report.provider_id
        ],
        ignore_conflicts=True,
    )
    if mode in PHONE and not canceled and (redials := _redials(message_id, mode, reports)):
        Redial.objects.bulk_create(redials, ignore_conflicts=True)
        # A text may fail after all of its message had gone.
        reopen(message_id=message_id)
    report_statuses(message_id=message_id, reports=reports)


def _delivery(report: StatusReport) -> int:
    """Gateways report of the deliveries that they were given, by their ids."""
    assert report.delivery_id is not None
    return report.delivery_id


def _as_canceled(report: StatusReport) -> StatusReport:
    if report.code == voxology.ENDED_BY_US:
        return replace(report, status=DeliveryStatus.CANCELED.value)
    return report


def _redials(message_id: int, mode: Mode, reports: Sequence[StatusReport]) -> list[Redial]:
    """The tries that follow: as the code says, up to so many, after a while, and calls within the allowed hours."""
    due = timezone.now() + timedelta(minutes=settings.REDIAL_MINUTES)
    if mode is Mode.VOICE and not SentMessage.objects.filter(EMERGENCY, pk=message_id).exists():
        due = next_allowed(due)
    asking = {
        _delivery(report): report.attempt + 1
        for report in reports
        if report.attempt < settings.PHONE_TRIES and _needs_redial(report, mode)
    }
    # What is told late, or again, of a try that others have followed asks for nothing.
    tried = DeviceAttempt.objects.filter(delivery__in=asking).values_list("delivery", "number")
    followed = {pk for pk, number in tried if number >= asking[pk]}
    return [
        Redial(delivery_id=pk, message_id=message_id, mode=mode, attempt=attempt, due_at=due)
        for pk, attempt in asking.items()
        if pk not in followed
    ]


def _needs_redial(report: StatusReport, mode: Mode) -> bool:
    return report.code is not None and needs_redial(code_of(report.code, mode))
