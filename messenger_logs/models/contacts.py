"""Contacts to fix: addresses and numbers at which nothing arrives for good."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest, Upper

from messenger_logs.choices import ContactProblem, ContactState, Mode
from messenger_logs.models.messages import School
from messenger_logs.querysets import ContactPersonQuerySet, ContactToFixQuerySet
from messenger_logs.search import NormalizedText

# The newest reason why nothing arrives. NULL if there is none.
_FAILS_SINCE = Greatest("failed_at", "listed_at")
# It closes at the next success, and opens again at the next failure. A family that was told is told until then.
_CONTACT_STATE = Case(
    When(handled_as=ContactState.FIXED, handled_at__gte=_FAILS_SINCE, then=Value(ContactState.FIXED)),
    When(failed_at=None, listed_at=None, then=Value(ContactState.FIXED)),
    When(succeeded_at__gt=_FAILS_SINCE, then=Value(ContactState.FIXED)),
    When(
        Q(succeeded_at=None) | Q(handled_at__gte=F("succeeded_at")),
        handled_as=ContactState.TOLD,
        then=Value(ContactState.TOLD),
    ),
    default=Value(ContactState.OPEN),
)


class ContactToFix(models.Model):
    """An address or number at which nothing arrives for good, until a success says otherwise.

    services/contacts.py derives it from all deliveries to it, and from the lists of a provider that does not try it. So
    it is the same in whatever order these came.
    """

    mode = models.CharField(max_length=16, choices=Mode)
    address = models.CharField(max_length=512, help_text="the canonical form")
    given_address = models.CharField(max_length=320, blank=True, db_default="")
    problem = models.CharField(max_length=16, choices=ContactProblem)
    reason = models.CharField(max_length=2000, blank=True, help_text="in the provider's words")
    code = models.SmallIntegerField(null=True, blank=True, help_text="the provider's code, see statuses.py")
    since = models.DateTimeField(help_text="the first failure after the last success before it")
    # The time of a failure or a success is that of the attempt, because its result may come in any order.
    failed_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    last_tried_at = models.DateTimeField(null=True, blank=True)
    # Why a provider does not try it at all, and since when.
    listed_as = models.CharField(max_length=16, choices=ContactProblem, blank=True, db_default="")
    listed_at = models.DateTimeField(null=True, blank=True)
    listed_reason = models.CharField(max_length=2000, blank=True, db_default="")
    # What a person did about it.
    handled_as = models.CharField(max_length=16, choices=ContactState, blank=True, db_default="")
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    handled_by_name = models.CharField(max_length=200, blank=True, db_default="")
    state = models.GeneratedField(
        expression=_CONTACT_STATE, output_field=models.CharField(max_length=16, choices=ContactState), db_persist=True
    )

    objects = ContactToFixQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "contacts to fix"
        constraints = [models.UniqueConstraint(fields=["address", "mode"], name="contact_to_fix_key")]
        indexes = [
            models.Index(fields=["since", "id"], name="contact_to_fix_since"),
            models.Index(fields=["state", "since", "id"], name="contact_to_fix_state"),
            GinIndex(OpClass(Upper("address"), name="gin_trgm_ops"), name="contact_to_fix_address"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.problem}"

    @property
    def display_address(self) -> str:
        """The address as it was given."""
        return self.given_address or self.address

    @property
    def state_label(self) -> str:
        return str(ContactState(self.state).label)

    @property
    def handled(self) -> bool:
        """Whether the state is what a person said. Otherwise the deliveries say it."""
        return bool(self.handled_as) and self.state == self.handled_as


class ContactPerson(models.Model):
    """A person and student behind a contact to fix, in the messages of one sender."""

    contact = models.ForeignKey(ContactToFix, on_delete=models.CASCADE, db_index=False, related_name="people")
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    # The student's school; where it is not known, that of the message.
    school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    person_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    student_number = models.CharField(max_length=64, blank=True)
    student_name = models.CharField(max_length=200, blank=True)
    plain_name = models.GeneratedField(
        expression=NormalizedText("name"), output_field=models.TextField(), db_persist=True
    )
    plain_student_name = models.GeneratedField(
        expression=NormalizedText("student_name"), output_field=models.TextField(), db_persist=True
    )

    objects = ContactPersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "contact people"
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "sender", "person_id", "student_number", "student_name", "school"],
                nulls_distinct=False,
                name="contact_person_key",
            )
        ]
        indexes = [
            models.Index(fields=["sender", "contact"], name="contact_person_sender"),
            models.Index(fields=["school", "contact"], name="contact_person_school"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactNews(models.Model):
    """Something was heard of an address or number, and its contact to fix is not derived again yet.

    A transaction that changes deliveries only adds such rows. So it waits for no other that knows the same address.
    """

    mode = models.CharField(max_length=16, choices=Mode)
    address = models.CharField(max_length=512)

    class Meta:
        verbose_name_plural = "contact news"

    def __str__(self) -> str:
        return self.mode
