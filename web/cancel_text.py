"""The sentences about a cancel, for pages and API."""

from __future__ import annotations

from core.dates import time_text
from messenger_logs.cancel_figures import CancelFigures
from messenger_logs.services.cancel import CancelAnswer, Result

_ELSEWHERE = " Another system sends it: stop it there as well."


def figures_text(figures: CancelFigures) -> str:
    """Return the figures of a cancel, and what may still change: "96 left, … never started. 2 of those that left …"."""
    if not figures.under_way:
        return f"{figures}."
    are = "is" if figures.under_way == 1 else "are"
    return f"{figures}. {figures.under_way:,} of those that left {are} still under way."


def cancel_text(answer: CancelAnswer) -> str:
    """Return the result of a cancel, as a sentence for the person who asked for it."""
    message, figures = answer.message, figures_text(answer.figures)
    match answer.result:
        case Result.CANCELED:
            return f"The message is canceled: {figures}{'' if message.dispatched_here else _ELSEWHERE}"
        case Result.ALREADY_CANCELED if message.cancel_asked_at:
            who = "You" if message.canceled_by_id == answer.by.pk else message.canceled_by_name
            at = time_text(message.cancel_asked_at, seconds=True)
            return f"{who} canceled this message already, on {at}: {figures}"
        case Result.ALREADY_CANCELED:
            return f"The system that sends this message had canceled it already: {figures}"
    return f"Nothing was canceled: the message is finished ({message.get_status_display()})."
