"""Who wants a digest, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from core.recurrence import Every, Recurrence


class HowOften(TextChoices):
    DAY = "day", _("Every day")
    WEEK = "week", _("Every week")


class DigestChoice(models.Model):
    """A person who wants a digest. Without a row a person gets none.

    `next_at` is moved by one conditional UPDATE: so each time sends one mail.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="digest_choice"
    )
    every = models.CharField(max_length=8, choices=HowOften)
    hour = models.PositiveSmallIntegerField(help_text="of the district's clock")
    weekday = models.PositiveSmallIntegerField(default=0, help_text="0 is Monday; for every week")
    only_news = models.BooleanField(default=True, help_text="whether no mail is sent when nothing happened")
    next_at = models.DateTimeField(db_index=True)
    # What happened last, in a sentence without personal data.
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="digest_has_a_time", condition=Q(hour__lt=24, weekday__lt=7))]

    def __str__(self) -> str:
        return f"digest of account {self.user_id}"

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(Every(self.every), self.hour, weekday=self.weekday)
