"""When calls are allowed: the hours of VOICE_HOURS, in the district's time zone. Emergencies ignore them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from core.dates import moment_of


def calls_allowed(at: datetime) -> bool:
    """Whether calls are allowed at this moment; the end of VOICE_HOURS is not part of them."""
    opens, closes = settings.VOICE_HOURS
    return bool(opens <= timezone.localtime(at).time() < closes)


def next_allowed(at: datetime) -> datetime:
    """Return ``at`` if calls are allowed then, else the next opening."""
    if calls_allowed(at):
        return at
    opens, _ = settings.VOICE_HOURS
    local = timezone.localtime(at)
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    return moment_of(day, opens, after=at)
