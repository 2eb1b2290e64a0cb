"""Sentences about *Allow again*: what the provider answered, and what the next reading of its lists showed."""

from __future__ import annotations

from django.utils.translation import gettext

from core.dates import time_text
from mailgun_sync.models import Removal


def removal_text(removal: Removal) -> str:
    known = {"list": removal.get_list_display().lower(), "domain": removal.domain, "answer": removal.answer}
    if removal.answered_at is None:
        words = gettext(
            "We asked Mailgun to take it off the %(list)s of %(domain)s. No answer is known yet. The next reading of"
            " the lists shows more."
        )
    elif not removal.done:
        words = gettext("It is on the %(list)s of %(domain)s still: %(answer)s Try again later.")
    else:
        words = gettext("Mailgun took it off the %(list)s of %(domain)s: “%(answer)s” %(proof)s")
        known["proof"] = proof_text(removal)
    return words % known


def proof_text(removal: Removal) -> str:
    """What the first reading of the lists after the answer showed."""
    if removal.read_at is None:
        return gettext("The next reading of the lists shows whether it is off.")
    when = {"time": time_text(removal.read_at)}
    if removal.still_listed:
        return gettext("But the list that was read %(time)s has it still, or again.") % when
    return gettext("The list that was read %(time)s does not have it any more.") % when
