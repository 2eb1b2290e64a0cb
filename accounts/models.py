from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.querysets import AuditEventQuerySet, Users
from accounts.tools import Right, Tool, every_right
from core.dates import time_text


class User(AbstractUser):
    """A person who signs in: district staff."""

    objects: ClassVar[Users] = Users()

    class Meta(AbstractUser.Meta):
        # Only superusers make and close accounts, in Django's admin.
        default_permissions = ()
        constraints = [
            # People sign in with either, in upper or lower case, so each must name one person.
            models.UniqueConstraint(
                Lower("username"),
                name="one_account_for_a_username",
                violation_error_message="Another account has this username.",
            ),
            models.UniqueConstraint(
                Lower("email"),
                condition=~Q(email=""),
                name="one_account_for_an_email",
                violation_error_message="Another account has this e-mail address.",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        # The password reset searches for the address in lower case.
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    @property
    def listed_name(self) -> str:
        """The name as the logs list it: "Administrator, System"; the username if there is no name."""
        return ", ".join(part for part in (self.last_name, self.first_name) if part) or self.get_username()

    def may(self, tool: Tool, right: Right = Right.READ) -> bool:
        return self.has_perm(tool.permission(right))

    # `Users.with_second_factors` reads both with the user.

    @cached_property
    def needs_second_factor(self) -> bool:
        """Whether a group of this person requires a second factor."""
        return User.objects.with_second_factors().get(pk=self.pk).needs_second_factor

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether this person has set up an authenticator app or a passkey. Recovery codes alone do not count."""
        return User.objects.with_second_factors().get(pk=self.pk).has_second_factor


class GroupPolicy(models.Model):
    """What a user group asks of its members. A group without a row asks nothing."""

    group = models.OneToOneField(Group, models.CASCADE, primary_key=True, related_name="policy")
    second_factor = models.BooleanField("second factor required", default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.group}: {'second factor required' if self.second_factor else 'nothing required'}"


class HiddenAdvice(models.Model):
    """Says that Home recommends no second factor to a person any more."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="hidden_advice")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"hidden from {self.user}"


class TokenFactor(models.Model):
    """Says of a token of the REST API that the person showed a second factor for it."""

    token = models.OneToOneField("knox.AuthToken", models.CASCADE, primary_key=True, related_name="factor")
    shown_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"shown {time_text(self.shown_at)}"


class ToolRight(models.Model):  # noqa: DJ008 (there is never a row to name)
    """Has no table. Its permissions are the rights of the registry in accounts/tools.py."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [(cell.codename, cell.name) for cell in every_right()]


class AuditEvent(models.Model):
    """Something that a person did. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE.

    Names are copied as text and ids are plain numbers, so that an event stays when its subject is deleted.
    """

    occurred_at = models.DateTimeField("when", default=timezone.now)
    who_id = models.BigIntegerField(null=True)
    who = models.CharField(max_length=310, blank=True)
    action = models.CharField(max_length=80)
    target = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index("occurred_at", "id", name="audit_by_time"),
            models.Index("action", "occurred_at", "id", name="audit_by_action"),
            models.Index("who_id", "occurred_at", name="audit_by_person"),
            # Events that are not about a message are not in this index.
            HashIndex(KeyTransform("message", "details"), name="audit_of_message"),
        ]

    def __str__(self) -> str:
        return f"{time_text(self.occurred_at, seconds=True)} {self.action}"
