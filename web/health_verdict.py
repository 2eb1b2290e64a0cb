"""The verdict on the site: what does not work, as System Health and Home show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tools import Tool
from core.statuses import Shape, Status, Tone
from core.troubles import Trouble
from dispatch.status import ModeStatus
from health.troubles import all_troubles

WORKS = Status(_("Everything works."), Shape.CHECK, Tone.GOOD)
URGENT = Status(_("Does not work"), Shape.CROSS, Tone.BAD)
NOT_URGENT = Status(_("Needs a look"), Shape.TRIANGLE, Tone.WARNING)
# They count devices and messages of the whole district: with the tool for some schools, the states alone are shown.
_WITH_FIGURES = ("messages.", "dispatch.in_doubt.", "jobs.")


def troubles_for(user: User, now: datetime, statuses: Iterable[ModeStatus] | None = None) -> list[Trouble]:
    """Return the troubles that a user with System Health sees, the urgent first."""
    everything = user.scope_of(Tool.MAILGUN_SYNC).everything
    return [one for one in all_troubles(now, statuses) if everything or not one.key.startswith(_WITH_FIGURES)]


def status_of(trouble: Trouble) -> Status:
    return URGENT if trouble.urgent else NOT_URGENT
