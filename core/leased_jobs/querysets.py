from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db.models import Count, F, Max, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.clock import DATABASE_NOW, has_come

LEASE = timedelta(seconds=30)

Job = TypeVar("Job", bound=Model)


class LeasedJobQuerySet(QuerySet[Job]):
    """Jobs that workers do for people, one worker a job: see `lease.py`. The model is a `LeasedJob`."""

    model: Any

    def of(self, user: Model) -> Self:
        """The user's own jobs, the newest first. Nobody sees those of others."""
        return self.filter(owner=user).order_by("-asked_at", "-pk")

    def unfinished(self) -> Self:
        return self.filter(status__in=self.model.UNFINISHED)

    def free(self) -> Self:
        """The jobs that no worker is doing: not begun, or left by a worker that ended."""
        return self.filter(Q(status="queued") | Q(_lease_is_over(), status="running"))

    def at_work(self) -> Self:
        """The jobs that a worker does now."""
        return self.filter(~_lease_is_over(), status="running")

    def in_line(self) -> Self:
        """The free jobs in the order of their turns; `running` is how many workers are at work for their owner.

        People take turns: the first is the one for whom the fewest workers are at work, then the one whose last job
        began longest ago. Each person's own jobs go by their age.
        """
        of_owner = self.model.objects.filter(owner=OuterRef("owner")).order_by().values("owner")
        running = of_owner.at_work().annotate(number=Count("pk")).values("number")
        served = of_owner.annotate(at=Max("started_at")).values("at")
        free = self.free().annotate(running=Coalesce(Subquery(running), 0), served_at=Subquery(served))
        return free.order_by("running", F("served_at").asc(nulls_first=True), "asked_at", "pk")

    def orphaned(self, now: datetime) -> Self:
        """The jobs that no worker will do, because their task was lost or their worker ended."""
        return self.free().filter(asked_at__lt=now - timedelta(minutes=1))

    def held(self, claim: Any) -> Self:
        """The job that this attempt may still finish: nobody canceled it, and no other attempt took over."""
        return self.filter(status="running", claim=claim)

    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lt=now)


def _lease_is_over() -> Q:
    # By one clock for all hosts: where the clock of one were wrong, another would take its job over, or wait for ever.
    return has_come("lease_until", DATABASE_NOW, at_most=LEASE)
