"""What is wrong with sending: a mode that stands still, and what is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.troubles import Trouble
from dispatch.choices import ModeState
from dispatch.due import oldest_due
from dispatch.models import Claim
from dispatch.status import COUNTED_TO, ModeStatus, mode_statuses
from messenger_logs.choices import Mode

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_SENTENCES: dict[ModeState, StrOrPromise] = {
    ModeState.MISSING: _("Something is due, and nothing goes out. %(reason)s"),
    ModeState.PAUSED: _("Nothing goes out. It is paused %(reason)s"),
    ModeState.HANGS: "%(reason)s",
}
_TO_DO = {
    ModeState.MISSING: _("Name a provider in the settings, or cancel the messages that wait."),
    ModeState.PAUSED: _(
        "We try again automatically. If that does not work, check the key and the state of the account at the provider."
    ),
    ModeState.HANGS: _("Check that the dispatcher runs, and read its log."),
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
        part=gettext("Sending: %(mode)s") % {"mode": status.mode.label},
        words=_SENTENCES[status.state] % {"reason": reason},
        to_do=str(_TO_DO[status.state]),
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
    words = ngettext(
        "%(count)s device is in doubt: the provider never answered, so nobody knows whether the message arrived.",
        "%(count)s devices are in doubt: the provider never answered, so nobody knows whether the message arrived.",
        status.in_doubt,
    )
    return Trouble(
        key=f"dispatch.in_doubt.{status.mode.value}",
        part=gettext("Sending: %(mode)s") % {"mode": status.mode.label},
        words=words % {"count": count},
        to_do=gettext("Open the message under In doubt, and decide whether these devices get it again."),
    )
