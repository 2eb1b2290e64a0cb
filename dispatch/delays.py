"""Why a due message does not go out now, in one sentence for each mode."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.dates import time_text
from dispatch.due import not_left, start_time
from dispatch.gateways import gateway_for
from dispatch.models import Pace
from dispatch.services.calling_hours import calls_allowed, next_allowed
from messenger_logs.choices import CANCELABLE, MessageStatus, MessageType, Mode
from messenger_logs.models import Redial, SentMessage

NOTHING_SET_UP = {
    Mode.INBOX: _("nothing is set up to fill inboxes."),
    Mode.EMAIL: _("nothing is set up to send e-mail."),
    Mode.VOICE: _("nothing is set up to place calls."),
    Mode.TEXT: _("nothing is set up to send texts."),
}
_A_WHILE = timedelta(minutes=2)


def delay_reasons(message: SentMessage) -> list[str]:
    """Return a sentence for each mode of a message that is due and does not go out.

    The list is empty for a message that is finished, canceled, or sent by another engine.
    """
    if not message.dispatched_here or message.status not in CANCELABLE:
        return []
    now = timezone.now()
    due = [Mode(mode) for mode in message.modes if start_time(message, Mode(mode)) <= now]
    paused = paused_modes(now)
    sentences = []
    for mode in (mode for mode in Mode if mode in due):
        if not_left(mode).filter(message=message).exists():
            reason = _reason(message, mode, paused.get(mode), now)
        else:
            reason = _next_attempt(message, mode, now)
        if reason:
            sentences.append(f"{mode.label}: {reason}")
    return sentences


def paused_modes(now: datetime) -> dict[Mode, str]:
    """Return the paused modes, each with a text: until when, and the provider's message."""
    paused = Pace.objects.paused(now).values_list("mode", "paused_until", "words")
    sentence = gettext("until %(time)s. %(words)s")
    return {
        Mode(mode): sentence % {"time": clock(until, now), "words": words} for mode, until, words in paused if until
    }


def clock(moment: datetime, now: datetime) -> str:
    """Format a moment to come: "8:00 AM", "8:00 AM tomorrow", and with its date where that is further away."""
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate(now)).days
    if days > 1:
        return time_text(moment)
    time = date_format(local, "g:i A")
    return gettext("%(time)s tomorrow") % {"time": time} if days == 1 else time


def _reason(message: SentMessage, mode: Mode, paused: str | None, now: datetime) -> str:
    if gateway_for(mode) is None:
        return str(NOTHING_SET_UP[mode])
    if mode is Mode.VOICE and message.message_type != MessageType.EMERGENCY and not calls_allowed(now):
        allowed = {"time": clock(next_allowed(now), now)}
        return gettext("waiting until %(time)s, when calls are allowed.") % allowed
    if paused:
        return gettext("paused %(until)s") % {"until": paused}
    # A due message starts within seconds, so a message that waits longer shows that no dispatcher runs.
    late = message.status == MessageStatus.WAITING and start_time(message, mode) < now - _A_WHILE
    return gettext("due, but the dispatcher has not begun with it.") if late else ""


def _next_attempt(message: SentMessage, mode: Mode, now: datetime) -> str:
    """Say when the next redial is due; "" without one."""
    redials = Redial.objects.filter(message=message, mode=mode, claim=None, due_at__gt=now).order_by("due_at")
    first = redials.values_list("due_at", flat=True).first()
    if first is None:
        return ""
    return gettext("who was not reached is tried again from %(time)s on.") % {"time": clock(first, now)}
