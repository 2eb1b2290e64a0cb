"""The state of the dispatcher: what is due in each mode, what is under way, and why it waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet

from dispatch.choices import ClaimState, ModeState
from dispatch.delays import NOTHING_SET_UP, clock, paused_modes
from dispatch.due import not_left, running
from dispatch.gateways import gateway_for
from dispatch.models import Claim, OpenCall
from dispatch.services.calling_hours import calls_allowed, next_allowed
from dispatch.services.retry import DOUBTFUL
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Delivery, Redial, SentMessage

COUNTED_TO = 10_000
DOUBT_DAYS = 7


@dataclass(frozen=True)
class ModeStatus:
    """The state of one mode. Counts are exact up to COUNTED_TO; a larger count is COUNTED_TO + 1."""

    mode: Mode
    state: ModeState
    reason: str
    a_minute: int
    """0 without a limit"""
    due: int
    redials: int
    claims: int
    oldest_claim: datetime | None
    calls: int
    in_doubt: int


def mode_statuses(now: datetime) -> list[ModeStatus]:
    """Return the state of every mode, in the order of Mode. The number of queries does not grow with the messages."""
    claims = {row["mode"]: row for row in _open_claims()}
    redials, calls = _by_mode(Redial.objects.filter(claim=None)), _by_mode(OpenCall.objects.all())
    recent = SentMessage.objects.filter(dispatched_here=True, scheduled_at__gte=now - timedelta(days=DOUBT_DAYS))
    doubtful = Delivery.objects.filter(DOUBTFUL, redial__isnull=True, message__in=recent)
    statuses = []
    for mode in Mode:
        state, reason = _state(mode, now)
        statuses.append(
            ModeStatus(
                mode=mode,
                state=state,
                reason=reason,
                a_minute=settings.ITEMS_A_MINUTE.get(mode.value, 0),
                due=_counted(not_left(mode).filter(message__in=running(mode, now))),
                redials=redials.get(mode, 0),
                claims=claims[mode]["count"] if mode in claims else 0,
                oldest_claim=claims[mode]["oldest"] if mode in claims else None,
                calls=calls.get(mode, 0),
                in_doubt=_counted(doubtful.filter(mode=mode)) if mode in PHONE else 0,
            )
        )
    return statuses


def _state(mode: Mode, now: datetime) -> tuple[ModeState, str]:
    if gateway_for(mode) is None:
        return ModeState.MISSING, NOTHING_SET_UP[mode].capitalize()
    if paused := paused_modes(now).get(mode):
        return ModeState.PAUSED, paused[0].upper() + paused[1:]
    if mode is Mode.VOICE and not calls_allowed(now):
        return ModeState.NIGHT, f"Calls are allowed again at {clock(next_allowed(now), now)}; emergencies go out."
    return ModeState.WORKS, ""


def _open_claims() -> Any:
    unsettled = Claim.objects.exclude(state=ClaimState.SETTLED)
    return unsettled.order_by().values("mode").annotate(count=Count("pk"), oldest=Min("claimed_at"))


def _by_mode(rows: QuerySet[Any]) -> dict[str, int]:
    return dict(rows.order_by().values_list("mode").annotate(Count("pk")))


def _counted(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: COUNTED_TO + 1].count()
