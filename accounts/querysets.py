"""Every read of this app."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import Group, Permission, UserManager
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.tools import every_right

if TYPE_CHECKING:
    from accounts.models import AuditEvent, User


class Users(UserManager["User"]):
    # Migrations do not need this manager.
    use_in_migrations = False

    def signing_in_as(self, login: str) -> "User | None":
        """Return the account with this username or, if there is none, with this e-mail address; else None."""
        return self.filter(username__iexact=login).first() or self.filter(email__iexact=login, email__gt="").first()

    def with_second_factors(self) -> QuerySet["User"]:
        """Read with each user whether a group requires a second factor, and whether the person has one."""
        from allauth.mfa.models import Authenticator  # its table refers to the model of this manager

        strict = Group.objects.filter(user=OuterRef("pk"), policy__second_factor=True)
        factors: QuerySet[Any] = Authenticator.objects.filter(user=OuterRef("pk"))
        factors = factors.exclude(type=Authenticator.Type.RECOVERY_CODES)
        # They fill the properties of the same names.
        answers = {"needs_second_factor": Exists(strict), "has_second_factor": Exists(factors)}
        return self.annotate(**answers)

    def to_add_to(self, group: Group, text: str) -> QuerySet["User"]:
        """Find active people outside a group whose names, username or e-mail address contain each word of the text."""
        found = self.filter(is_active=True).exclude(groups=group).order_by("last_name", "first_name", "username")
        for word in text.split():
            found = found.filter(
                Q(username__icontains=word)
                | Q(email__icontains=word)
                | Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
            )
        return found


class AuditEventQuerySet(QuerySet["AuditEvent"]):
    def of_message(self, pk: int) -> Self:
        """The events about a message: those with its id in the detail "message"."""
        return self.filter(details__message=pk)

    def like(self, event: "AuditEvent") -> Self:
        """The events that say the same as `event`: who, what, and all details."""
        same = self.filter(who_id=event.who_id) if event.who_id else self.filter(who_id=None)
        return same.filter(action=event.action, target=event.target, details=event.details)

    def of_search(self, hashed: str) -> Self:
        """The events that record this search; `hashed` is from `accounts.services.hashed_search`."""
        return self.filter(details__searched__contains=[hashed])

    def of_person(self, person_id: str) -> Self:
        """The events about the record of a person: those with the person id in the detail "person"."""
        return self.filter(details__person=person_id)

    def actions(self) -> list[str]:
        """Return each action that occurs. It jumps through the index, from one action to the next."""
        with connection.cursor() as cursor:
            cursor.execute("""
                WITH RECURSIVE seen(action) AS (
                    (SELECT min(action) FROM accounts_auditevent)
                    UNION ALL
                    SELECT (SELECT min(action) FROM accounts_auditevent WHERE action > seen.action)
                    FROM seen WHERE seen.action IS NOT NULL
                )
                SELECT action FROM seen WHERE action IS NOT NULL
            """)
            return [action for (action,) in cursor]


def second_factor_anywhere() -> bool:
    """Whether any user group requires a second factor."""
    return Group.objects.filter(policy__second_factor=True).exists()


def factor_figures(group: Group) -> dict[str, int]:
    """Return how many active people a group has (`people`), and how many of them have a second factor (`ready`)."""
    from accounts.models import User

    members = User.objects.with_second_factors().filter(groups=group, is_active=True)
    return members.aggregate(people=Count("pk"), ready=Count("pk", filter=Q(has_second_factor=True)))


def groups_with_people() -> QuerySet[Group]:
    """Return all user groups by name, each with its rights (prefetched) and its number of people (`people`)."""
    return Group.objects.order_by("name").annotate(people=Count("user")).prefetch_related("permissions__content_type")


def tool_permissions(codenames: Collection[str]) -> QuerySet[Permission]:
    """Return the Django permissions of tool rights."""
    return Permission.objects.filter(content_type__app_label="accounts", codename__in=codenames)


def rights_of(group: Group) -> list[str]:
    """Return the codenames of a group's tool rights, in the order of the menu."""
    held = {
        permission.codename for permission in group.permissions.all() if permission.content_type.app_label == "accounts"
    }
    return [cell.codename for cell in every_right() if cell.codename in held]
