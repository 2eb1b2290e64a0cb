"""The lease on a job. The worker that does the job holds it. If the worker ends, another one takes over."""

from __future__ import annotations

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from core.clock import DATABASE_NOW
from core.leased_jobs.models import LeasedJob
from core.leased_jobs.querysets import LEASE

RENEWED_EVERY = 1.0  # seconds

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Somebody canceled the job, or another worker took over."""


class Lease:
    """Renews the lease and stores the number of rows that are done, once a second, during the context.

    It uses a thread with its own connection: that of the job is busy in its transaction, and a long statement must not
    look like a worker that has ended.
    """

    def __init__(self, job: LeasedJob) -> None:
        self.job = job
        self.rows = 0
        self.total: int | None = None
        self.lost = Event()
        self._over = Event()
        self._thread = Thread(target=self._renew, name=f"lease of job {job.pk}", daemon=True)

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
        held = type(self.job).objects.held(self.job.claim).filter(pk=self.job.pk)
        try:
            while not self._over.wait(RENEWED_EVERY):
                try:
                    if not held.update(lease_until=DATABASE_NOW + LEASE, rows_done=self.rows, rows_total=self.total):
                        self.lost.set()
                        return
                except DatabaseError:
                    # The database may be away for a moment; the lease lasts longer.
                    log.warning("The lease of job %s could not be renewed.", self.job.pk)
        finally:
            connection.close()
