"""The state of the dispatcher: what is due in each mode, what is under way, and why it waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _

from dispatch.choices import ClaimState, ModeState
from dispatch.delays import NOTHING_SET_UP, clock, paused_modes
from dispatch.due import messages_late, running, unclaimed
from dispatch.gateways import gateway_for
from dispatch.models import Claim, OpenCall, Pace
from dispatch.services.calling_hours import calls_allowed, next_allowed
from dispatch.services.failures import failure_of
from dispatch.services.rate_limit import at_once_of, may_go
from dispatch.services.retry import DOUBT_DAYS, DOUBTFUL
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Delivery, Redial, SentMessage

COUNTED_TO = 10_000
HANGS_AFTER = timedelta(minutes=1)
_NOTHING: dict[str, Any] = {"count": 0, "oldest": None, "silent": None}


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
    claims, calls, redials = _open_claims(), _open_calls(), _redials()
    busy, paces = _busy_modes(now), Pace.objects.in_bulk()
    recent = SentMessage.objects.filter(dispatched_here=True, scheduled_at__gte=now - timedelta(days=DOUBT_DAYS))
    doubtful = Delivery.objects.filter(DOUBTFUL, redial__isnull=True, message__in=recent)
    statuses = []
    for mode in Mode:
        claim, call = claims.get(mode, _NOTHING), calls.get(mode, _NOTHING)
        hangs = _late_calls(call, now) or ("" if mode in busy else _standstill(mode, claim, now))
        state, reason = _state(mode, hangs, paces.get(mode), now)
        statuses.append(
            ModeStatus(
                mode=mode,
                state=state,
                reason=reason,
                a_minute=settings.ITEMS_A_MINUTE.get(mode.value, 0),
                due=_counted(unclaimed(mode).filter(message__in=running(mode, now))),
                redials=redials.get(mode, 0),
                claims=claim["count"],
                oldest_claim=claim["oldest"],
                calls=call["count"],
                in_doubt=_counted(doubtful.filter(mode=mode)) if mode in PHONE else 0,
            )
        )
    return statuses


def _state(mode: Mode, hangs: str, pace: Pace | None, now: datetime) -> tuple[ModeState, str]:
    if gateway_for(mode) is None:
        return ModeState.MISSING, str(NOTHING_SET_UP[mode]).capitalize()
    if paused := paused_modes(now).get(mode):
        return ModeState.PAUSED, paused[0].upper() + paused[1:]
    if hangs:
        return ModeState.HANGS, hangs
    if slowed := _slowed(mode, pace, now):
        return ModeState.SLOWED, slowed
    if mode is Mode.VOICE and not calls_allowed(now):
        allowed = {"time": clock(next_allowed(now), now)}
        return ModeState.NIGHT, _("Calls are allowed again at %(time)s; emergencies go out.") % allowed
    return ModeState.WORKS, ""


def _slowed(mode: Mode, pace: Pace | None, now: datetime) -> str:
    """Say that fewer requests than usual are on the way, and why; "" if that is not so."""
    gateway = gateway_for(mode)
    most = gateway.at_once if gateway else 0
    if pace is None or (allowed := at_once_of(pace, most, now)) >= most:
        return ""
    return _("%(reason)s Each worker makes %(allowed)s of %(most)s requests at a time, and again more with time.") % {
        "reason": pace.slowed_words,
        "allowed": allowed,
        "most": most,
    }


def _late_calls(calls: dict[str, Any], now: datetime) -> str:
    """Say that nobody asks for the results of calls in time; "" if somebody does."""
    since: datetime | None = calls["oldest"]
    if since is None or since > now - HANGS_AFTER:
        return ""
    asked = {"time": clock(since, now)}
    return _("Results of calls come late: the provider should have been asked at %(time)s.") % asked


def _standstill(mode: Mode, claims: dict[str, Any], now: datetime) -> str:
    """Say why nothing of a mode has been claimed for a minute although something is due; "" if nothing is."""
    if silent := claims["silent"]:
        claimed = {"time": clock(silent, now)}
        return _("Nothing has gone out for a minute. No answer came to what was claimed at %(time)s.") % claimed
    if not (messages_late(mode, now - HANGS_AFTER).exists() and may_go(mode)):
        return ""
    if error := failure_of(mode):
        return _("Nothing has gone out for a minute, although it is due. %(error)s") % {"error": error}
    return _("Nothing has gone out for a minute, although it is due: no dispatcher runs, or all of them are busy.")


def _busy_modes(now: datetime) -> set[str]:
    """Return the modes of which something was claimed in the last minute."""
    latest = Claim.objects.filter(mode__in=Mode.values, claimed_at__gt=now - HANGS_AFTER)
    return set(latest.order_by().values_list("mode", flat=True).distinct())


def _open_claims() -> dict[str, dict[str, Any]]:
    """Return, for each mode, how many claims are open, the oldest of them, and the oldest that is not looked up."""
    unsettled = Claim.objects.exclude(state=ClaimState.SETTLED).order_by().values("mode")
    silent = Min("claimed_at", filter=Q(look_up_at=None))
    return _by_mode(unsettled.annotate(count=Count("pk"), oldest=Min("claimed_at"), silent=silent))


def _open_calls() -> dict[str, dict[str, Any]]:
    """Return, for each mode, how many calls are open, and since when the provider should be asked about one."""
    return _by_mode(OpenCall.objects.order_by().values("mode").annotate(count=Count("pk"), oldest=Min("poll_at")))


def _redials() -> dict[str, int]:
    return dict(Redial.objects.filter(claim=None).order_by().values_list("mode").annotate(Count("pk")))


def _by_mode(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    return {row["mode"]: dict(row) for row in rows}


def _counted(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: COUNTED_TO + 1].count()
