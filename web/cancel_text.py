"""The sentences about a cancel, for pages and API."""

from __future__ import annotations

from django.utils.translation import gettext

from core.dates import time_text
from messenger_logs.cancel_figures import CancelFigures
from messenger_logs.cancel_figures import figures_text as figures_as_text
from messenger_logs.services.cancel import CancelAnswer, Result


def figures_text(figures: CancelFigures) -> str:
    """Return the figures of a cancel: "96 left, … 1,204 never started, …". What may still change sides stands apart."""
    if not figures.under_way:
        return f"{figures}."
    apart = figures_as_text(figures.by_name | {"left": figures.gone})
    words = gettext(
        "%(under_way)s still under way, %(others)s. The figures are final when nothing is under way any more."
    )
    return words % {"under_way": f"{figures.under_way:,}", "others": apart}


def cancel_text(answer: CancelAnswer) -> str:
    """Return the result of a cancel, as a sentence for the person who asked for it."""
    message, figures = answer.message, figures_text(answer.figures)
    match answer.result:
        case Result.CANCELED:
            if message.dispatched_here:
                return gettext("The message is canceled: %(figures)s") % {"figures": figures}
            words = gettext("The message is canceled: %(figures)s Another system sends it: stop it there as well.")
            return words % {"figures": figures}
        case Result.ALREADY_CANCELED if message.cancel_asked_at:
            known = {
                "who": message.canceled_by_name,
                "time": time_text(message.cancel_asked_at, seconds=True),
                "figures": figures,
            }
            if message.canceled_by_id == answer.by.pk:
                return gettext("You canceled this message already, on %(time)s: %(figures)s") % known
            return gettext("%(who)s canceled this message already, on %(time)s: %(figures)s") % known
        case Result.ALREADY_CANCELED:
            words = gettext("The system that sends this message had canceled it already: %(figures)s")
            return words % {"figures": figures}
    words = gettext("Nothing was canceled: the message is finished (%(status)s).")
    return words % {"status": message.get_status_display()}
