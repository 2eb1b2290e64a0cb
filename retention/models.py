"""How long each kind of data is kept, what must stay, what is gone, and who was erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.dates import written
from messenger_logs.models import SentMessage
from retention.choices import HoldKind, Kind


class RetentionPeriod(models.Model):
    """The period of a kind that somebody has set. A kind without a row has the period of the configuration."""

    kind = models.CharField(primary_key=True, max_length=16, choices=Kind)
    days = models.PositiveIntegerField(null=True, blank=True, help_text="NULL: it is kept for ever")

    def __str__(self) -> str:
        return self.get_kind_display()


class Hold(models.Model):
    """What must stay whole, whatever periods say, until somebody lifts the hold."""

    kind = models.CharField(max_length=16, choices=HoldKind)
    value = models.CharField(max_length=310, blank=True, help_text="the id, number or name; of a period nothing")
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200)
    set_at = models.DateTimeField(db_default=Now())
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    set_by_name = models.CharField(max_length=310)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by_name = models.CharField(max_length=310, blank=True)

    class Meta:
        ordering = ["-set_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="hold_is_about_something",
                condition=Q(kind=HoldKind.PERIOD, value="", first_day__isnull=False, last_day__gte=F("first_day"))
                | ~Q(kind=HoldKind.PERIOD) & ~Q(value="") & Q(first_day=None, last_day=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.about}"

    @property
    def about(self) -> str:
        """What it protects: an id, a number, a name, or days."""
        if self.first_day and self.last_day:
            days = {"first": written(self.first_day), "last": written(self.last_day)}
            return _("%(first)s to %(last)s") % days
        return self.value


class AgedMessage(models.Model):
    """What is gone of a message because its period was over, and when."""

    message = models.OneToOneField(SentMessage, primary_key=True, on_delete=models.CASCADE, related_name="aged")
    bodies_at = models.DateTimeField(null=True, blank=True)
    people_at = models.DateTimeField(null=True, blank=True)
    raw_at = models.DateTimeField(null=True, blank=True)
    kept = models.PositiveIntegerField(default=0, help_text="people whom a hold protects: they are looked at again")

    def __str__(self) -> str:
        return f"message {self.pk}"


class Erasure(models.Model):
    """A person whose data are erased on request. What names the person is here until the work is done."""

    person_id = models.CharField(max_length=64, blank=True, help_text="empty when it is done")
    digest = models.CharField(max_length=64, help_text="of the person id, with the site's secret")
    # What has to be found again in a later step: rows that are done do not say it any more.
    identity = models.JSONField(default=dict, blank=True, help_text="{names, addresses, messages}; empty when done")
    asked_at = models.DateTimeField(db_default=Now())
    asked_by_name = models.CharField(max_length=310)
    reason = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    figures = models.JSONField(default=dict, blank=True, help_text="{what: how many rows are erased}")
    stays = models.JSONField(default=dict, blank=True, help_text="{held, running, shared: how many}: why some are not")

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"], condition=Q(finished_at=None), name="one_erasure_of_a_person_at_a_time"
            ),
            models.CheckConstraint(
                name="erasure_names_nobody_when_done",
                condition=Q(finished_at=None) | Q(person_id="", identity={}, finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"

    @property
    def gone(self) -> dict[str, int]:
        """The figures for a page. They are stored with their names in English."""
        return {_(name): number for name, number in self.figures.items()}
