"""Every read of this app."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.auth.models import Group, Permission, UserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, Lower, NullIf, Trim

from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope, ScopeReach
from accounts.tools import Tool, every_right

if TYPE_CHECKING:
    from accounts.models import AuditEvent, User


class Users(UserManager["User"]):
    # Migrations do not need this manager.
    use_in_migrations = False

    def signing_in_as(self, login: str) -> "User | None":
        """Return the account with this username or, if there is none, with this e-mail address; else None."""
        # One query for all cases, so that the time of it tells nothing.
        found = self.filter(Q(username__iexact=login) | Q(email__iexact=login, email__gt=""))
        return min(found, key=lambda user: user.username.lower() != login.lower(), default=None)

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
        return named_like(found, text)

    def people(self) -> QuerySet["User"]:
        """The accounts of people. Programs have a page of their own."""
        people: QuerySet[User] = self.filter(service_account=None)
        return people

    def listed(self) -> QuerySet["User"]:
        """The accounts of people with their groups and schools (prefetched) and the name to sort by (`sort_name`)."""
        name = Concat("last_name", Value(" "), "first_name")
        sort_name = Lower(Coalesce(NullIf(Trim(name), Value("")), "username"))
        by_name = Prefetch("groups", Group.objects.order_by("name"))
        people: QuerySet[User] = self.people().annotate(sort_name=sort_name).prefetch_related(by_name, "schools")
        return people


def named_like(people: QuerySet["User"], text: str) -> QuerySet["User"]:
    """Keep the people whose names, username or e-mail address contain each word of the text."""
    for word in text.split():
        people = people.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    return people


# The same look by the same person within this time is one row of the audit trail.
LOOK = timedelta(minutes=30)
# The action of which several events may be one look.
MESSAGE_VIEWED = "message.viewed"
# What of a message has the people in it: a look at a list of them, each export and each report.
_PEOPLE_SHOWN = Q(details__shown__in=["recipients", "unreached people", "calls and texts in doubt", "drill"])
_FILES = Q(action__regex=r"^(export|report)\.") & ~Q(action__in=["report.canceled", "report.removed"])


class AuditEventQuerySet(QuerySet["AuditEvent"]):
    def visible_to(self, user: "User") -> Self:
        """The events that the Audit Trail shows to a person. They are of no school: all of them, or none."""
        return self.all() if user.scope_of(Tool.AUDIT_TRAIL).everything else self.none()

    def of_message(self, pk: int) -> Self:
        """The events about a message: those with its id in the detail "message"."""
        return self.filter(details__message=pk)

    def like(self, event: "AuditEvent") -> Self:
        """The events that say the same as `event`: who, what, and all details."""
        same = self.filter(who_id=event.who_id) if event.who_id else self.filter(who_id=None)
        return same.filter(action=event.action, target=event.target, details=event.details)

    def beginning(self, event: "AuditEvent") -> "AuditEvent | None":
        """Return the event that began the look to which `event` belongs; None if it begins one itself.

        `event` does not say yet what was shown (the detail "shown"); all else is the same in both.
        """
        rest = Func(
            F("details"), Value("shown"), arg_joiner=" - ", template="(%(expressions)s)", output_field=JSONField()
        )
        same = self.filter(who_id=event.who_id, action=event.action, target=event.target, details__has_key="shown")
        begun = same.filter(occurred_at__gt=event.occurred_at - LOOK).alias(rest=rest).filter(rest=event.details)
        return begun.order_by("-occurred_at", "-pk").first()

    def as_looks(self) -> Self:
        """All events, but of a look at a message only the one that began it, with what else was shown in `parts`."""
        shown = self._parts().order_by("occurred_at", "pk").values(part=KT("details__shown"))
        looks = Case(When(action=MESSAGE_VIEWED, then=ArraySubquery(shown)))
        return self.exclude(details__has_key="look").annotate(parts=looks)

    def _parts(self) -> QuerySet["AuditEvent"]:
        """The other parts of the look that the outer event began. An index finds them by the person, or the message."""
        parts = self.model._default_manager.filter(
            who_id=OuterRef("who_id"),
            occurred_at__gte=OuterRef("occurred_at"),
            occurred_at__lt=OuterRef("occurred_at") + LOOK,
            details__message=OuterRef("details__message"),
        )
        begun_by = Cast(KT("details__look"), BigIntegerField())
        return parts.alias(begun_by=begun_by).filter(begun_by=OuterRef("pk"))

    def of_person(self, person_id: str, *, hashed: str) -> Self:
        """The looks at the record of a person, and the searches for a text (from `accounts.services.hashed_search`)."""
        return self.filter(Q(details__person=person_id) | Q(details__searched__contains=[hashed]))

    def about_people(self, person_ids: Collection[str], *, messages: Collection[int]) -> Self:
        """The events about these people: their records, their contacts, and the lists of people of these messages.

        Of a look it is the event that began it.
        """
        people, wanted = list(person_ids), Q()
        for person_id in people:
            wanted |= Q(details__people__contains=[person_id])
        saw_people = _PEOPLE_SHOWN | Exists(self._parts().filter(_PEOPLE_SHOWN))
        lists = Q(details__message__in=list(messages)) & (Q(action=MESSAGE_VIEWED) & saw_people | _FILES)
        return self.filter(wanted | Q(details__person__in=people) | lists)

    def chain_checks(self) -> Self:
        """The checks of the chain, the newest first."""
        return self.filter(action__in=["audit.verified", "audit.broken"]).order_by("-occurred_at", "-pk")

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
    """Return all user groups by name, each with its number of people (`people`), its rights and its scope (fetched)."""
    counted = groups_with_scopes().annotate(people=Count("user"))
    return counted.prefetch_related("permissions__content_type")


def groups_with_scopes() -> QuerySet[Group]:
    """Return all user groups by name, each with what `reach_and_schools` needs."""
    return Group.objects.order_by("name").select_related("scope").prefetch_related("scope__schools")


def reach_and_schools(group: Group) -> tuple[ScopeReach, list[Any]]:
    """Return for which schools a group holds its rights; the schools are those that were chosen."""
    scope = getattr(group, "scope", None)
    return (ScopeReach(scope.reach), list(scope.schools.all())) if scope else (ScopeReach.ALL, [])


def tool_permissions(codenames: Collection[str]) -> QuerySet[Permission]:
    """Return the Django permissions of tool rights."""
    return Permission.objects.filter(content_type__app_label="accounts", codename__in=codenames)


def scopes_by_right(user: "User") -> dict[str, Scope]:
    """Return for each tool right (codename) that a group of the person gives: for which schools.

    It is one query, and one more where a group means the schools of each member.
    """
    return scopes_of_groups(Group.objects.filter(user=user), user.schools.values_list("pk", flat=True))


def scopes_of_groups(found: QuerySet[Group], schools: Collection[int]) -> dict[str, Scope]:
    """Return the same for a person who would be in these groups, and belong to these schools."""
    groups = list(_with_scopes(found))
    members = any(reach == ScopeReach.MEMBERS for reach, _, _ in groups)
    own = Scope.of(schools) if members else NO_SCHOOL
    scopes: defaultdict[str, Scope] = defaultdict(lambda: NO_SCHOOL)
    for reach, codenames, chosen in groups:
        scope = {ScopeReach.CHOSEN: Scope.of(chosen), ScopeReach.MEMBERS: own}.get(reach, ALL_SCHOOLS)
        for codename in codenames:
            scopes[codename] |= scope
    return dict(scopes)


def _with_scopes(groups: QuerySet[Group]) -> QuerySet[Group, tuple[Any, list[str], list[int]]]:
    """Return of each of the groups: the reach, the rights, and the chosen schools."""
    group = OuterRef("pk")
    rights = Permission.objects.filter(group=group, content_type__app_label="accounts").values("codename")
    chosen = apps.get_model("accounts", "GroupScope").objects.filter(group=group, schools__isnull=False)
    return groups.values_list("scope__reach", ArraySubquery(rights), ArraySubquery(chosen.values("schools")))


def rights_of(group: Group) -> list[str]:
    """Return the codenames of a group's tool rights, in the order of the menu."""
    held = {
        permission.codename for permission in group.permissions.all() if permission.content_type.app_label == "accounts"
    }
    return [cell.codename for cell in every_right() if cell.codename in held]
