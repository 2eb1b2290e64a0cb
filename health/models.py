"""Signs of life of what runs in the background."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Heartbeat(models.Model):
    """When a part last said that it runs: beat, or some worker of a queue. Each part has one row."""

    part = models.CharField(max_length=100, primary_key=True)
    beaten_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.part
