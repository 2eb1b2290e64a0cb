"""The lease on a job. The worker that does the job holds it. If the worker ends, another one takes over."""

from __future__ import annotations

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from reports.querysets import LEASE, LeasedJobQuerySet

RENEWED_EVERY = 1.0  # seconds
MOST_TRIES = 3
GAVE_UP = f"It was begun {MOST_TRIES} times and never came to its end. Tell your administrator."

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Somebody canceled the job, or another worker took over."""


def claim_job(jobs: LeasedJobQuerySet[Any], job_id: int) -> UUID | None:
    """Claim a job. Returns None if another worker does it, or if it must not be done."""
    now, claim = timezone.now(), uuid4()
    free = jobs.free(now).filter(pk=job_id)
    if free.filter(tries__gte=MOST_TRIES).update(status="failed", error=GAVE_UP, finished_at=now):
        return None
    taken = free.update(
        status="running", claim=claim, lease_until=now + LEASE, tries=F("tries") + 1, rows_done=0, rows_total=None
    )
    return claim if taken else None


class Lease:
    """Renews the lease and stores the number of rows that are done, once a second, during the context.

    It uses a thread with its own connection: that of the job is busy in its transaction, and a long statement must not
    look like a worker that has ended.
    """

    def __init__(self, jobs: LeasedJobQuerySet[Any], *, job_id: int, claim: UUID) -> None:
        self.jobs, self.job_id, self.claim = jobs, job_id, claim
        self.rows = 0
        self.total: int | None = None
        self.lost = Event()
        self._over = Event()
        self._thread = Thread(target=self._renew, name=f"lease of job {job_id}", daemon=True)

    def progress(self, rows: int) -> None:
        """Take the number of rows that are done. Raises LeaseLost if the lease was lost."""
        self.rows = rows
        if self.lost.is_set():
            raise LeaseLost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        try:
            while not self._over.wait(RENEWED_EVERY):
                try:
                    held = self.jobs.held(self.claim).filter(pk=self.job_id)
                    if not held.update(lease_until=timezone.now() + LEASE, rows_done=self.rows, rows_total=self.total):
                        self.lost.set()
                        return
                except DatabaseError:
                    # The database may be away for a moment; the lease lasts longer.
                    log.warning("The lease of job %s could not be renewed.", self.job_id)
        finally:
            connection.close()
