"""Every read of the pace."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

from core.clock import has_come
from providers.http import LONGEST_WAIT

if TYPE_CHECKING:
    from dispatch.models import Pace  # noqa: F401  (named in a string)


class PaceQuerySet(QuerySet["Pace"]):
    def paused(self, now: datetime) -> Self:
        """The modes that are still paused at ``now``."""
        return self.filter(paused_until__isnull=False).exclude(has_come("paused_until", now, at_most=LONGEST_WAIT))
