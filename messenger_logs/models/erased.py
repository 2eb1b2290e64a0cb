"""What is kept of an erased address or number: enough to know it again, and nothing to read."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class ErasedAddress(models.Model):
    """An address or number of a person who was erased, as a digest with the site's secret.

    What a provider still reports about it is not stored, and a STOP goes on to count.
    """

    digest = models.CharField(primary_key=True, max_length=64, help_text="in hexadecimal")
    erased_at = models.DateTimeField(db_default=Now())
    opted_out = models.BooleanField(default=False, db_default=False, help_text="the family refused texts")
    said_at = models.DateTimeField(null=True, blank=True, help_text="when the family last said so")

    class Meta:
        verbose_name_plural = "erased addresses"

    def __str__(self) -> str:
        return self.digest[:12]
