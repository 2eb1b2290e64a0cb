"""Views of lists that people keep, the reports that are made of them at fixed times, and each of these reports."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.recurrence import Every, Recurrence
from listings.dates import Days
from reports.models import ReportJob
from reports.writers import Format
from saved_views.querysets import SavedViewQuerySet, ScheduledReportQuerySet, ScheduleQuerySet


class SavedView(models.Model):
    """The filters and the order of a list, under a name. It has no rows: who opens it sees what that person may see.

    `days` move on with the calendar; without them, `values` have the days, or the list has its usual ones.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    listing = models.CharField(max_length=80, help_text="its name in the registry")
    name = models.CharField(max_length=100)
    values = models.JSONField(default=dict, help_text="texts by parameter; a search for a person may be among them")
    days = models.CharField(max_length=16, choices=Days, blank=True)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint("owner", "listing", Lower("name"), name="one_view_of_a_name")]

    def __str__(self) -> str:
        # The name may say whom somebody searched for.
        return f"view {self.pk}"


class HiddenColumns(models.Model):
    """The columns of a list that a person chose not to see on its page. Without a row: those that it has at first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    listing = models.CharField(max_length=80, help_text="its name in the registry")
    columns = models.JSONField(default=list, help_text="names")

    objects: ClassVar[models.Manager[HiddenColumns]] = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "listing"], name="one_choice_of_columns")]

    def __str__(self) -> str:
        return f"columns of {self.listing}"


class ReportSchedule(models.Model):
    """A report of a saved view at fixed times, for the owner of the view and, if wanted, for the group that shares it.

    `next_at` is moved by one conditional UPDATE: so each time makes its reports once. One that has ended says why.
    """

    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="schedules")
    format = models.CharField(max_length=8, choices=Format)
    every = models.CharField(max_length=8, choices=Every)
    hour = models.PositiveSmallIntegerField(help_text="of the district's clock")
    weekday = models.PositiveSmallIntegerField(default=0, help_text="0 is Monday")
    day = models.PositiveSmallIntegerField(default=1, help_text="of the month")
    for_group = models.BooleanField(default=False)
    declined_by = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    attach = models.BooleanField(default=False, help_text="whether an administrator lets it go out as an attachment")
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=200, blank=True)
    # What happened last, in sentences without personal data.
    note = models.CharField(max_length=500, blank=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["next_at"], name="schedule_that_is_due", condition=Q(ended_at=None))]
        constraints = [
            models.CheckConstraint(
                name="schedule_has_a_time", condition=Q(hour__lt=24, weekday__lt=7, day__gte=1, day__lte=31)
            )
        ]

    def __str__(self) -> str:
        return f"schedule {self.pk}"

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(Every(self.every), self.hour, weekday=self.weekday, day=self.day)


class ScheduledReport(models.Model):
    """A report that a schedule asked for, for one reader. Once it is made, or failed, the reader gets one mail."""

    schedule = models.ForeignKey(ReportSchedule, on_delete=models.CASCADE, related_name="reports")
    job = models.OneToOneField(ReportJob, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField()
    # When a worker took the mail to send it; also where there was none to send.
    mailed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    objects = ScheduledReportQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["id"], name="scheduled_without_mail", condition=Q(mailed_at=None))]

    def __str__(self) -> str:
        return f"scheduled report {self.pk}"
