"""Every read of this app."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

from roster.choices import RunStatus

if TYPE_CHECKING:
    from roster.models import RosterRun  # noqa: F401


class RosterRunQuerySet(QuerySet["RosterRun"]):
    def newest_first(self) -> Self:
        return self.order_by("-asked_at", "-pk")

    def unfinished(self) -> Self:
        return self.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING])

    def asked_before(self, moment: datetime) -> Self:
        return self.filter(asked_at__lt=moment)
