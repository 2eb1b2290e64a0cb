"""The sentences about a cancel, for pages and API."""

from __future__ import annotations

from core.dates import time_text
from messenger_logs.cancel_figures import CancelFigures
from messenger_logs.cancel_figures import figures_text as figures_as_text
from messenger_logs.services.cancel import CancelAnswer, Result

_ELSEWHERE = " Another system sends it: stop it there as well."


def figures_text(figures: CancelFigures) -> str:
    """Return the figures of a cancel: "96 left, … 1,204 never started, …". What may still change sides stands apart."""
    if not figures.under_way:
        return f"{figures}."
    apart = figures_as_text(figures.by_name | {"left": figures.gone})
    return f"{figures.under_way:,} still under way, {apart}. The figures are final when nothing is under way any more."


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
