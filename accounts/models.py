from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.indexes import GinIndex, HashIndex, OpClass
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

    # Whether keys without Ctrl or Alt do something on the pages. Who steers the browser by voice turns them off.
    single_keys = models.BooleanField("single keys", default=True, db_default=True)

    # The language of the pages and mails for this person. Blank: that of the browser, and the district's in mails.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")

    objects: ClassVar[Users] = Users()

    # Not stored. The administrator who sees the product as this person (accounts/view_as.py): every row of the audit
    # trail is then about the administrator.
    viewed_by: "User | None" = None

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

    # `Users.with_second_factors` reads both with the user.

    @cached_property
    def needs_second_factor(self) -> bool:
        """Whether a group of this person requires a second factor."""
        return User.objects.with_second_factors().get(pk=self.pk).needs_second_factor

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether this person has set up an authenticator app or a passkey. Recovery codes alone do not count."""
        return User.objects.with_second_factors().get(pk=self.pk).has_second_factor


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
        permissions = [(cell.codename, cell.permission_name) for cell in every_right()]


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
            HashIndex(KeyTransform("person", "details"), name="audit_of_a_person"),
            GinIndex(OpClass(KeyTransform("people", "details"), name="jsonb_path_ops"), name="audit_of_people"),
        ]

    def __str__(self) -> str:
        return f"{time_text(self.occurred_at, seconds=True)} {self.action}"


class AuditLink(models.Model):
    """The place of an event in the chain that shows whether somebody changed the audit trail; see audit_chain.py.

    Only a function of the database writes it. Append-only, as the events are.
    """

    number = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    # By the clock of the database. NULL for events of a version without the chain.
    stored_at = models.DateTimeField(null=True)
    # SHA-256 of the hash before it and the content of the event.
    hash = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Number {self.number}"


class AuditWaiting(models.Model):
    """An event that is not in the chain yet. A trigger adds it with the event."""

    event_id = models.BigIntegerField(primary_key=True)
    stored_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Event {self.event_id}"


# The models of parts with a folder of their own. They name the tables above as text.
from accounts.service_accounts.models import ServiceAccount as ServiceAccount  # noqa: E402
from accounts.sso.models import ProviderIdentity as ProviderIdentity  # noqa: E402
