"""Column maps that a district keeps, and the files that people upload."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.leased_jobs.models import LeasedJob
from imports.maps import READY, ColumnMap
from imports.querysets import ImportJobQuerySet
from imports.times import DateOrder

FOLDER = "imports"
"""The folder of uploaded files."""


class KeptMap(models.Model):
    """A column map that somebody made for the files of another system. All who import may use it."""

    name = models.CharField(max_length=60)
    columns = models.JSONField(help_text="{field: heading of its column}")
    values = models.JSONField(default=dict, blank=True, help_text="{field: value for all rows}")
    date_order = models.CharField(
        max_length=3, choices=[(order.value, order.label) for order in DateOrder], default=DateOrder.MONTH_FIRST.value
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="one_map_of_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def map(self) -> ColumnMap:
        columns = {name: (heading,) for name, heading in self.columns.items()}
        return ColumnMap(self.name, self.name, columns, self.values, DateOrder(self.date_order))


def map_named(name: str) -> ColumnMap | None:
    """Return a ready or a kept column map; None if there is none of this name."""
    if name in READY:
        return READY[name]
    kept = KeptMap.objects.filter(name__iexact=name).first()
    return kept.map if kept else None


class ImportJob(LeasedJob):
    """A file that somebody uploaded. First it is checked, which stores nothing; then its owner may have it imported.

    The worker that does either holds a lease: `claim` names the attempt, and until `lease_until` no other worker may
    start it. Both may run twice: a message that is here already is not imported again.
    """

    class Stage(models.TextChoices):
        CHECK = "check", pgettext_lazy("stage", "Check")
        IMPORT = "import", pgettext_lazy("stage", "Import")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")

    file = models.UUIDField(default=uuid4, editable=False, unique=True)
    file_name = models.CharField(max_length=255, help_text="as its owner calls it")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    size = models.BigIntegerField(help_text="of the file, in bytes")
    map_name = models.CharField(max_length=60)
    values = models.JSONField(
        default=dict, blank=True, help_text="{field: value for all rows}, beside those of the map"
    )
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.CHECK)
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    result = models.JSONField(default=dict, blank=True, help_text="counts, refusals, notes and preview: see services")

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-asked_at"], name="import_of_a_user"),
            models.Index(fields=["expires_at"], name="import_expiry"),
            models.Index(
                fields=["lease_until"], name="import_unfinished", condition=Q(status__in=["queued", "running"])
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="import_in_progress_has_a_lease",
                condition=~Q(status="running") | Q(claim__isnull=False, lease_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"

    @property
    def stored_name(self) -> str:
        """The file: see core/files.py."""
        return f"{FOLDER}/{self.file}.csv"

    @property
    def checked(self) -> bool:
        """Whether the check is done, so that it may be imported."""
        return self.stage == self.Stage.CHECK and self.status == self.Status.DONE

    @property
    def imported(self) -> bool:
        return self.stage == self.Stage.IMPORT and self.status == self.Status.DONE

    @property
    def recorded_name(self) -> str:
        """The file for the audit trail. Its name may be that of a person, and no erasure changes the trail."""
        return self.name_in_trail(self.pk)

    @staticmethod
    def name_in_trail(number: object) -> str:
        return f"Import {number}"
