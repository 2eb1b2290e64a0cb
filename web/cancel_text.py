"""The sentences about a cancel, for pages and API."""

from __future__ import annotations

from core.dates import time_text
from messenger_logs.services.cancel import CancelAnswer, Result
from messenger_logs.services.complete_cancel import StoppedAndLeft

_ELSEWHERE = " Another system sends it: stop it there as well."


def figures_text(figures: StoppedAndLeft) -> str:
    """Return the two figures of a cancel as text: "stopped 1,204; 30 had already left"."""
    return f"stopped {figures.stopped:,}; {figures.left:,} had already left"


def cancel_text(answer: CancelAnswer) -> str:
    """Return the result of a cancel, as a sentence for the person who asked for it."""
    message, figures = answer.message, figures_text(answer.figures)
    match answer.result:
        case Result.CANCELED:
            return f"The message is canceled: {figures}.{'' if message.dispatched_here else _ELSEWHERE}"
        case Result.ALREADY_CANCELED if message.cancel_asked_at:
            who = "You" if message.canceled_by_id == answer.by.pk else message.canceled_by_name
            at = time_text(message.cancel_asked_at, seconds=True)
            return f"{who} canceled this message already, on {at}: {figures}."
        case Result.ALREADY_CANCELED:
            return f"The system that sends this message had canceled it already: {figures}."
    return f"Nothing was canceled: the message is finished ({message.get_status_display()})."
