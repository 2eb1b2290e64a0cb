"""Whose turn it is. Jobs of one kind stand in a line, in which people take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.clock import DATABASE_NOW
from core.leased_jobs.models import LeasedJob
from core.leased_jobs.querysets import LEASE, LeasedJobQuerySet

Job = TypeVar("Job", bound=LeasedJob)

MOST_TRIES = 3
_GAVE_UP = _("It was begun %(times)s times and never came to its end. Tell your administrator.")
# One worker claims at a time. Else two of them would count the jobs of a person before either has taken one.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('core.leased_jobs'))"


def gave_up() -> str:
    """Return why a job failed whose worker ended each time."""
    return _GAVE_UP % {"times": MOST_TRIES}


def claim_next(jobs: LeasedJobQuerySet[Job]) -> Job | None:
    """Claim the job whose turn it is.

    Returns None if none of `jobs` waits, or if each is of a person for whom REPORTS_AT_ONCE workers are at work.
    """
    now, claim = timezone.now(), uuid4()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        lost = jobs.free().filter(tries__gte=MOST_TRIES)
        lost.update(status="failed", error=gave_up(), finished_at=now)
        allowed = jobs.in_line().filter(running__lt=settings.REPORTS_AT_ONCE)
        # A job that somebody cancels at this moment is left alone.
        first = allowed.select_for_update(skip_locked=True, no_key=True).values("pk")[:1]
        jobs.filter(pk=Subquery(first)).update(
            status="running",
            claim=claim,
            started_at=now,
            lease_until=DATABASE_NOW + LEASE,
            tries=F("tries") + 1,
            rows_done=0,
            rows_total=None,
        )
    return jobs.filter(claim=claim).select_related("owner").first()


def show_places(jobs: Sequence[LeasedJob]) -> None:
    """Give each of these jobs that waits its place in the line, for a page. They are of one kind."""
    waiting = [job for job in jobs if job.status == "queued"]
    if waiting:
        places = places_in_line(type(waiting[0]).objects.all())
        for job in waiting:
            job.place = places.get(job.pk)


def places_in_line(jobs: LeasedJobQuerySet[Job]) -> dict[int, int]:
    """Return the place of each job that waits, from 1, as if no job ended before and no new one came.

    A person's second job begins when all have had as many turns as that person then has.
    """
    seen: Counter[int] = Counter()
    first: dict[int, int] = {}
    turns = []
    for position, (pk, owner, running) in enumerate(jobs.in_line().values_list("pk", "owner_id", "running")):
        first.setdefault(owner, position)
        turns.append((running + seen[owner], seen[owner], first[owner], pk))
        seen[owner] += 1
    return {turn[-1]: place for place, turn in enumerate(sorted(turns), start=1)}
