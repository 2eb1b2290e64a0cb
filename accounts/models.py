from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.querysets import AuditEventQuerySet, Users, scopes_by_right
from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope, ScopeReach
from accounts.tools import Right, Tool, every_right
from core.dates import time_text


class User(AbstractUser):
    """A person who signs in: district staff."""

    # The schools that the person belongs to. Groups that hold their rights for "the schools of each member" read them.
    schools = models.ManyToManyField("messenger_logs.School", blank=True, related_name="+")

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

    def scope_of(self, tool: Tool, right: Right = Right.READ) -> Scope:
        """Return the schools for which the person holds a right: no school without the right.

        It is the union over the groups that give the right. A right given to the person alone is for all schools.
        """
        if not self.may(tool, right):
            return NO_SCHOOL
        if self.is_superuser or tool.permission(right) in self.get_user_permissions():
            return ALL_SCHOOLS
        return self._scopes_by_right.get(tool.codename(right), NO_SCHOOL)

    @cached_property
    def _scopes_by_right(self) -> dict[str, Scope]:
        # Kept with the object, as Django keeps the permissions.
        return scopes_by_right(self)


class GroupScope(models.Model):
    """The schools for which the members of a user group hold its rights. A group without a row: all schools."""

    group = models.OneToOneField(Group, primary_key=True, on_delete=models.CASCADE, related_name="scope")
    reach = models.CharField(max_length=8, choices=ScopeReach, default=ScopeReach.ALL)
    schools = models.ManyToManyField(
        "messenger_logs.School", blank=True, related_name="+", help_text="the chosen schools; else of no effect"
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.get_reach_display()


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


# The models of parts with a folder of their own. They name the tables above as text.
from accounts.service_accounts.models import ServiceAccount as ServiceAccount  # noqa: E402
from accounts.sso.models import ProviderIdentity as ProviderIdentity  # noqa: E402
