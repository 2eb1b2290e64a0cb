"""What the last roster said, what of it is ours, and the runs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext

from messenger_logs.models import School
from roster.choices import Change, Kind, RunStatus, Source
from roster.querysets import RosterRunQuerySet

SOURCED_ID = 255
"""The longest sourcedId that we take, in characters."""


class Listed(models.Model):
    """Something that the roster names by its `sourcedId`. What has left is still known when it comes back."""

    sourced_id = models.CharField(max_length=SOURCED_ID, unique=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class RosterOrg(Listed):
    """An organization: a school, or a district or department above schools."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=64, help_text="OneRoster's type: school, district, department …")
    parent = models.CharField(max_length=SOURCED_ID, blank=True, help_text="the sourcedId of the organization above")
    school = models.OneToOneField(School, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="roster_school_is_a_school_that_is_here",
                condition=Q(school=None) | Q(kind="school", left_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RosterTerm(Listed):
    """An academic session: a school year, a term, a semester, a grading period."""

    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=64, help_text="OneRoster's type: schoolYear, term, semester, gradingPeriod …")
    starts_on = models.DateField()
    ends_on = models.DateField()
    school_year = models.CharField(max_length=20, blank=True, help_text="the year in which it ends")

    def __str__(self) -> str:
        return self.title


class RosterAccount(models.Model):
    """The account of a person of the roster."""

    sourced_id = models.CharField(max_length=SOURCED_ID, unique=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roster_account")
    made = models.BooleanField(help_text="the roster made it; else it found it by the e-mail address")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="when the roster closed it")

    def __str__(self) -> str:
        return self.sourced_id


class GivenGroup(models.Model):
    """A membership that the roster gave, and may take back. What an administrator gave has no row."""

    account = models.ForeignKey(RosterAccount, on_delete=models.CASCADE, db_index=False, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "group"], name="roster_group_given_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.group_id}"


class GivenSchool(models.Model):
    """A school that the roster gave to an account, as `GivenGroup`."""

    account = models.ForeignKey(RosterAccount, on_delete=models.CASCADE, db_index=False, related_name="+")
    school = models.ForeignKey(School, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "school"], name="roster_school_given_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.school_id}"


FOLDER = "roster"
"""The folder of uploaded rosters."""


class RosterRun(models.Model):
    """One reading of a roster. A check changes nothing; what it would change is its difference."""

    source = models.CharField(max_length=8, choices=Source)
    check_only = models.BooleanField(help_text="it only shows the difference")
    status = models.CharField(max_length=8, choices=RunStatus, default=RunStatus.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    file = models.UUIDField(null=True, blank=True, help_text="of an uploaded zip")
    file_name = models.CharField(max_length=255, blank=True, help_text="as its owner calls it")
    allows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="the run whose difference a person has seen: as many may leave",
    )  # fmt: skip
    read = models.CharField(max_length=200, blank=True, help_text="what was read: the version, and how")
    difference = models.JSONField(default=dict, blank=True, help_text="{kind: {change: number, before, rows}}")
    problems = models.JSONField(default=list, blank=True, help_text="[[where, what]] of the first rows that were left")
    problem_count = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    objects = RosterRunQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="roster_runs_newest_first"),
            models.Index(
                fields=["asked_at"],
                name="roster_run_unfinished",
                condition=Q(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]),
            ),
        ]

    def __str__(self) -> str:
        return f"roster run {self.pk}"

    @property
    def stored_name(self) -> str:
        """The uploaded file that it reads: see core/files.py."""
        return f"{FOLDER}/{self.file}.zip"

    @property
    def error_text(self) -> str:
        """Why it failed, in the language of the reader. What the server of the roster said stays as it is."""
        return gettext(self.error) if self.error else ""

    @property
    def problem_texts(self) -> list[tuple[str, str]]:
        """The problems, in the language of the reader. Those with values in them stay in English."""
        return [(where, gettext(what) if what else "") for where, what in self.problems]

    @property
    def unfinished(self) -> bool:
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def changes(self) -> int:
        """How many rows it changed, or would change."""
        return sum(kind[change] for kind in self.difference.values() for change in Change.values)

    def leaving(self, kind: Kind) -> int:
        """How many of a kind leave."""
        number: int = self.difference.get(kind, {}).get(Change.LEAVING, 0)
        return number
