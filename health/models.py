"""Signs of life of what runs in the background, and what it counted."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Heartbeat(models.Model):
    """When a part last said that it runs: beat, or some worker of a queue. Each part has one row."""

    part = models.CharField(max_length=100, primary_key=True)
    beaten_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.part


class Figure(models.Model):
    """What a process counted in an hour. A figure is the sum of its rows.

    Each process only adds rows, so none waits for another; a task puts the rows of an hour together, and later those of
    all old hours: see services/figures.py. No row has personal data.
    """

    hour = models.DateTimeField(help_text="its first moment in UTC; 1970 for all that is older than the kept hours")
    name = models.CharField(max_length=40)
    part = models.CharField(max_length=60, blank=True, help_text="a mode, or a provider")
    result = models.CharField(max_length=40, blank=True)
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["name", "hour"], name="figure_of_hours")]

    def __str__(self) -> str:
        return f"{self.name} {self.count}"
