"""What is wrong with sending: a mode that stands still, and what is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from core.troubles import Trouble
from dispatch.choices import ModeState
from dispatch.due import oldest_due
from dispatch.models import Claim
from dispatch.status import COUNTED_TO, ModeStatus, mode_statuses
from messenger_logs.choices import Mode

_SENTENCES = {
    ModeState.MISSING: "Something is due, and nothing goes out. {reason}",
    ModeState.PAUSED: "Nothing goes out. It is paused {reason}",
    ModeState.HANGS: "{reason}",
}
_TO_DO = {
    ModeState.MISSING: "Name a provider in the settings, or cancel the messages that wait.",
    ModeState.PAUSED: "We try again automatically. If that does not work, check the key and the state of the"
    " account at the provider.",
    ModeState.HANGS: "Check that the dispatcher runs, and read its log.",
}


def troubles(now: datetime, statuses: Iterable[ModeStatus] | None = None) -> Iterator[Trouble]:
    """Yield what is wrong with each mode, of which the caller may know the status.

    The number of queries does not grow with the messages.
    """
    for status in mode_statuses(now) if statuses is None else statuses:
        if status.state in _SENTENCES and (status.state is not ModeState.MISSING or status.due):
            yield _standstill(status, now)
        if status.in_doubt:
            yield _doubt(status)


def _standstill(status: ModeStatus, now: datetime) -> Trouble:
    reason = status.reason[:1].lower() + status.reason[1:] if status.state is ModeState.PAUSED else status.reason
    return Trouble(
        key=f"dispatch.{status.state.value}.{status.mode.value}",
        part=f"Sending: {status.mode.label}",
        words=_SENTENCES[status.state].format(reason=reason),
        to_do=_TO_DO[status.state],
        since=_since(status.mode, now),
        urgent=True,
    )


def _since(mode: Mode, now: datetime) -> datetime | None:
    """Return since when the mode stands still: since its last claim, or since something is due."""
    latest = Claim.objects.filter(mode=mode).order_by("-claimed_at").values_list("claimed_at", flat=True).first()
    known = [moment for moment in (latest, oldest_due(mode, now)) if moment]
    return max(known, default=None)


def _doubt(status: ModeStatus) -> Trouble:
    count = f"{COUNTED_TO:,}+" if status.in_doubt > COUNTED_TO else f"{status.in_doubt:,}"
    what = "device is" if status.in_doubt == 1 else "devices are"
    return Trouble(
        key=f"dispatch.in_doubt.{status.mode.value}",
        part=f"Sending: {status.mode.label}",
        words=f"{count} {what} in doubt: the provider never answered, so nobody knows whether the message arrived.",
        to_do="Open the message under In doubt, and decide whether these devices get it again.",
    )
