"""Reports that are made in the background."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.leased_jobs.models import LeasedJob
from reports.querysets import ReportJobQuerySet
from reports.writers import Format


class ReportJob(LeasedJob):
    """A report that somebody asked for, and that is too large to make while they wait.

    The worker that makes it holds a lease: `claim` names the attempt, and until `lease_until` no other worker may start
    it. Each attempt writes its own file.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")

    kind = models.CharField(max_length=32)
    options = models.JSONField(help_text="what it is of, and with which choices: see reports/kinds")
    format = models.CharField(max_length=8, choices=Format)
    title = models.CharField(max_length=1200)
    criteria = models.TextField(
        blank=True, default="", db_default="", help_text="its filters or choices, in words: what tells it from others"
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    size = models.BigIntegerField(default=0, help_text="of the file, in bytes")
    permissions = models.JSONField(
        default=list, help_text="what the owner had to have so that the file has these rows: names of permissions"
    )

    schools = models.JSONField(
        null=True, default=None, help_text="of which the owner saw the rows of others: their ids; null for all schools"
    )

    objects = ReportJobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-asked_at"], name="report_of_a_user"),
            models.Index(fields=["expires_at"], name="report_expiry"),
            models.Index(
                fields=["lease_until"], name="report_unfinished", condition=Q(status__in=["queued", "running"])
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="report_in_progress_has_a_lease",
                condition=~Q(status="running") | Q(claim__isnull=False, lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="report_that_is_ready_has_a_file", condition=~Q(status="done") | Q(claim__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def stored_name(self) -> str:
        """The file of the attempt that has, or last had, the lease: see core/files.py."""
        return f"{self.pk}-{self.claim}.{self.format}"

    @property
    def message_id(self) -> int | None:
        """The message that the report, or the list that it exports, is about; None if it is about many."""
        found: int | None = self.options.get("message") or self.options.get("arguments", {}).get("pk")
        return found

    @property
    def ready(self) -> bool:
        return self.status == self.Status.DONE
