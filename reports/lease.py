"""Who makes a report holds a lease on it: so one worker makes it at a time, and another if that one ends."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from reports.models import ReportJob

LEASE = timedelta(seconds=30)
RENEWED_EVERY = 1.0  # seconds

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Somebody canceled the report, or another worker took it up."""


class Lease:
    """Renews the lease and tells how many rows are written, once a second, as long as the context lasts.

    It does so in a thread with a connection of its own: the report's own connection is busy with its snapshot, and a
    long statement must not look like a worker that has ended.
    """

    def __init__(self, *, job_id: int, claim: UUID) -> None:
        self.job_id, self.claim = job_id, claim
        self.rows = 0
        self.total: int | None = None
        self.lost = Event()
        self._over = Event()
        self._thread = Thread(target=self._renew, name=f"lease of report {job_id}", daemon=True)

    def progress(self, rows: int) -> None:
        """For the writer. Raises LeaseLost once the report is no longer ours."""
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
                    held = ReportJob.objects.held(self.claim).filter(pk=self.job_id)
                    if not held.update(lease_until=timezone.now() + LEASE, rows_done=self.rows, rows_total=self.total):
                        self.lost.set()
                        return
                except DatabaseError:
                    # The database may be away for a moment; the lease is longer than that.
                    log.warning("The lease of report %s could not be renewed.", self.job_id)
        finally:
            connection.close()
