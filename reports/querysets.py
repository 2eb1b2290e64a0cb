from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db.models import Model, Q, QuerySet, Sum

from accounts.models import User
from core.clock import has_come

if TYPE_CHECKING:
    from reports.models import ReportJob  # noqa: F401  (named in a string)

LEASE = timedelta(seconds=30)

Job = TypeVar("Job", bound=Model)


class LeasedJobQuerySet(QuerySet[Job]):
    """Jobs that workers do for people, one worker a job: see reports/lease.py. Such a model has `UNFINISHED`."""

    model: Any

    def of(self, user: User) -> Self:
        """The user's own jobs, the newest first. Nobody sees those of others."""
        return self.filter(owner=user).order_by("-asked_at", "-pk")

    def unfinished(self) -> Self:
        return self.filter(status__in=self.model.UNFINISHED)

    def free(self, now: datetime) -> Self:
        """The jobs that no worker is doing: not begun, or left by a worker that ended."""
        return self.filter(Q(status="queued") | Q(has_come("lease_until", now, at_most=LEASE), status="running"))

    def orphaned(self, now: datetime) -> Self:
        """The jobs that no worker will do, because their task was lost or their worker ended."""
        return self.free(now).filter(asked_at__lt=now - timedelta(minutes=1))

    def held(self, claim: Any) -> Self:
        """The job that this attempt may still finish: nobody canceled it, and no other attempt took over."""
        return self.filter(status="running", claim=claim)

    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lt=now)


class ReportJobQuerySet(LeasedJobQuerySet["ReportJob"]):
    def kept_bytes(self) -> int:
        """The size of the files of these reports."""
        return int(self.filter(status="done").aggregate(total=Sum("size", default=0))["total"])

    def same(self, *, kind: str, options: dict[str, Any], format: str) -> Self:
        return self.filter(kind=kind, options=options, format=format)
