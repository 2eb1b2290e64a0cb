"""Sentences about *Allow again*: what the provider answered, and what the next reading of its lists showed."""

from __future__ import annotations

from core.dates import time_text
from mailgun_sync.models import Removal


def removal_text(removal: Removal) -> str:
    where = f"the {removal.get_list_display().lower()} of {removal.domain}"
    if removal.answered_at is None:
        return (
            f"We asked Mailgun to take it off {where}. No answer is known yet."
            " The next reading of the lists shows more."
        )
    if not removal.done:
        return f"It is on {where} still: {removal.answer} Try again later."
    return f"Mailgun took it off {where}: “{removal.answer}” {proof_text(removal)}"


def proof_text(removal: Removal) -> str:
    """What the first reading of the lists after the answer showed."""
    if removal.read_at is None:
        return "The next reading of the lists shows whether it is off."
    when = time_text(removal.read_at)
    if removal.still_listed:
        return f"But the list that was read {when} has it still, or again."
    return f"The list that was read {when} does not have it any more."
