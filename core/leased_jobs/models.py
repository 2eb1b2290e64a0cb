"""Work in the background that people ask for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from core.languages import language_now


class LeasedJob(models.Model):
    """Work in the background that somebody asked for: its times, its progress, the lease of the worker that does it.

    A subclass has the `status`, in the words of its page, and a manager of a `LeasedJobQuerySet`. `claim` names the
    attempt: until `lease_until` no other worker may start the job.
    """

    UNFINISHED = frozenset({"queued", "running"})

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    # When its last attempt began. Of two people, the one whose last job began longer ago has the next turn.
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The time when it is removed, with its file.
    expires_at = models.DateTimeField()
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # The language of who asked: in it the file is made, and the reason why there is none.
    language = models.CharField(max_length=16, default=language_now, db_default="")
    claim = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    status: str
    objects: Any
    # The place in the line, where a page shows it: see `line.show_places`.
    place: int | None = None

    class Meta:
        abstract = True

    @property
    def unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    @property
    def percent(self) -> int:
        """The progress in whole percent of the rows; 100 only when it is done."""
        if self.status == "done":
            return 100
        return min(99, 100 * self.rows_done // self.rows_total) if self.rows_total else 0
