"""What families text back."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from messenger_logs.models.messages import School, SentMessage
from messenger_logs.querysets import ReplyQuerySet, RowsOfSchools


class TextConsent(models.Model):
    """A number's STOP or START."""

    number = models.CharField(max_length=20, unique=True, help_text="E.164")
    opted_out = models.BooleanField()
    said_at = models.DateTimeField(help_text="when the family last said so")

    def __str__(self) -> str:
        return "opted out" if self.opted_out else "opted in"


class Reply(models.Model):
    """A text from a family that says more than STOP or START."""

    class TakenAs(models.TextChoices):
        STOP = "stop", _("STOP: no more texts")
        START = "start", _("START: texts again")

    number = models.CharField(max_length=64, help_text="E.164; as it came if it is no number")
    text = models.TextField(blank=True)
    received_at = models.DateTimeField()
    taken_as = models.CharField(max_length=8, choices=TakenAs, blank=True, help_text="what it changed, if anything")
    # The people with this number, as the newest message to each of them named them; the id if it is one person.
    name = models.CharField(max_length=1000, blank=True)
    person_id = models.CharField(max_length=64, blank=True)
    message = models.ForeignKey(
        SentMessage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="the newest to them"
    )
    raw = models.TextField(blank=True, help_text="the provider's report as it came")

    objects = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "replies"
        indexes = [models.Index(fields=["received_at", "id"], name="reply_received")]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"


class ReplyPerson(models.Model):
    """A person with the number of a reply, once for each school of the students. It decides who may read the reply.

    The schools are those of the newest message to the person that names one.
    """

    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, db_index=False, related_name="people")
    school = models.ForeignKey(School, on_delete=models.PROTECT, db_index=False, related_name="+")
    person_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)

    objects = RowsOfSchools["ReplyPerson"].as_manager()

    class Meta:
        verbose_name_plural = "reply people"
        constraints = [models.UniqueConstraint(fields=["reply", "school", "person_id"], name="reply_person_key")]
        indexes = [models.Index(fields=["school", "reply"], name="reply_person_school")]

    def __str__(self) -> str:
        return self.name
