"""Requests for records, the files that were made for them, and who received these."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope
from core.leased_jobs.models import LeasedJob
from records.criteria import Criteria
from records.querysets import RecordsRequestQuerySet

FOLDER = "records"


class RecordsRequest(LeasedJob):
    """A request for records, which a worker makes into one file. The row stays when the file is removed.

    The worker holds a lease: `claim` names the attempt, and each attempt writes its own file.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")
        EXPIRED = "expired", _("File removed")

    criteria = models.JSONField(help_text="what is wanted: see criteria.py")
    schools = models.JSONField(null=True, blank=True, help_text="of which it has records, by id; null for all")
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    messages = models.PositiveIntegerField(default=0)
    people = models.PositiveIntegerField(default=0, help_text="of the family")
    size = models.BigIntegerField(default=0, help_text="of the file, in bytes")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file")

    objects = RecordsRequestQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="records_by_time"),
            models.Index(
                fields=["lease_until"], name="records_unfinished", condition=Q(status__in=["queued", "running"])
            ),
        ]

    def __str__(self) -> str:
        return f"Records request {self.pk}"

    @property
    def stored_name(self) -> str:
        """The file of the attempt that has, or last had, the lease: see core/files.py."""
        return f"{FOLDER}/{self.pk}-{self.claim}.zip"

    @property
    def file_name(self) -> str:
        return f"records-request-{self.pk}.zip"

    @property
    def wanted(self) -> Criteria:
        return Criteria.from_json(self.criteria)

    @property
    def scope(self) -> Scope:
        return Scope.of(self.schools)

    @property
    def ready(self) -> bool:
        return self.status == self.Status.DONE


class RecordsReceipt(models.Model):
    """Somebody received the file of a request."""

    request = models.ForeignKey(RecordsRequest, on_delete=models.CASCADE, related_name="receipts")
    received_by = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    handed_by_name = models.CharField(max_length=310)

    class Meta:
        default_permissions = ()
        ordering = ["received_at", "pk"]

    def __str__(self) -> str:
        return f"Receipt {self.pk}"
