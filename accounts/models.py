from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Lower
from django.utils import timezone

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
