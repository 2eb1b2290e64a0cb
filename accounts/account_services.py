"""Every write about the account of a person, and the schools for which a user group holds its rights."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.db.models import Model
from knox.models import AuthToken

from accounts.models import GroupScope, User
from accounts.querysets import reach_and_schools
from accounts.scopes import ScopeReach
from accounts.services import Refused, changing_rights, end_tokens, group_with_id, record_audit_event
from accounts.sessions import end_sessions
from core.languages import english

Ids = frozenset[int]


class AccountTaken(Refused):
    """Another account has this username or e-mail address."""


class AccountChanged(Refused):
    """Another person changed the groups or schools of the account after this person had opened it."""


class ScopeChanged(Refused):
    """Another person changed the schools of the group after this person had opened it."""


class OwnAccount(Refused):
    """Nobody closes their own account."""


class SuperuserAccount(Refused):
    """Only a superuser changes, opens or closes the account of a superuser."""


@dataclass(frozen=True)
class Memberships:
    """The user groups and the schools of a person, by id."""

    groups: Ids
    schools: Ids

    @classmethod
    def of(cls, user: User) -> "Memberships":
        return cls(_ids(user.groups.all()), _ids(user.schools.all()))


def add_account(*, by: User, email: str, first_name: str, last_name: str, memberships: Memberships) -> User:
    """Make the account of a person, who has no password yet. The e-mail address is the username, too.

    Raises AccountTaken.
    """
    with changing_rights():
        user = User(username=email.lower(), email=email, first_name=first_name, last_name=last_name)
        user.set_unusable_password()
        _save(user)
        _join(user, memberships)
        details = {"after": {"last_name": last_name, "first_name": first_name, "email": user.email, **_names(user)}}
        record_audit_event(by=by, action="account.created", target=user.username, details=details)
    return user


def set_memberships(*, by: User, user_id: int, seen: Memberships, wanted: Memberships) -> None:
    """Set the groups and schools of a person.

    `seen` are those that the administrator saw while choosing. Raises AccountChanged if the person has others by now.
    """
    with changing_rights():
        user = User.objects.get(pk=user_id)
        if Memberships.of(user) != seen:
            raise AccountChanged
        if seen == wanted:
            return
        before = _names(user)
        _join(user, wanted)
        after = _names(user)
        changed = [name for name in after if after[name] != before[name]]
        details = {when: {name: names[name] for name in changed} for when, names in _times(before, after)}
        record_audit_event(by=by, action="account.changed", target=user.username, details=details)


def set_details(*, by: User, user_id: int, first_name: str, last_name: str, email: str) -> None:
    """Set the name and the e-mail address of a person. A username that is the address stays the address.

    Raises AccountTaken, or SuperuserAccount: who changes the address of an account can get a password for it.
    """
    with changing_rights():
        user = User.objects.get(pk=user_id)
        if user.is_superuser and not by.is_superuser:
            raise SuperuserAccount
        before = _details(user)
        if email and user.username == user.email:
            user.username = email.lower()
        user.first_name, user.last_name, user.email = first_name, last_name, email.lower()
        after = _details(user)
        changed = [name for name in after if after[name] != before[name]]
        if not changed:
            return
        _save(user)
        details = {when: {name: values[name] for name in changed} for when, values in _times(before, after)}
        record_audit_event(by=by, action="account.changed", target=user.username, details=details)


def set_password(*, by: User, user: User, password: str) -> None:
    """Set the password of another person, and end the person's tokens and sessions."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        record_audit_event(by=by, action="account.password_set", target=user.username)
        end_tokens(user=user, by=by)
        sessions = UserSession.objects.filter(user=user).select_related("user")
        end_sessions(sessions, by=by, because="somebody else set the password")


def close_account(*, by: User, user_id: int) -> None:
    """Let a person sign in no more, and end their tokens. Raises OwnAccount, SuperuserAccount or LastAdministrator."""
    if user_id == by.pk:
        raise OwnAccount
    _set_open(False, by=by, user_id=user_id)


def close_accounts(ids: Collection[int]) -> None:
    """Close accounts, and end their tokens and sessions. In a transaction of the caller, who records it."""
    User.objects.filter(pk__in=ids).update(is_active=False)
    AuthToken.objects.filter(user__in=ids).delete()
    end_sessions_of(ids, by=None)


def end_sessions_of(ids: Collection[int], *, by: User | None) -> None:
    """End the sessions of closed accounts: else they would go on if somebody opened the account again."""
    sessions = UserSession.objects.filter(user__in=ids).select_related("user")
    end_sessions(sessions, by=by, because="the account was closed")


def open_account(*, by: User, user_id: int) -> None:
    """Let a person sign in again. Raises SuperuserAccount."""
    _set_open(True, by=by, user_id=user_id)


def set_group_scope(
    *, by: User, group_id: int, seen: tuple[str, Ids], reach: ScopeReach, schools: Collection[int]
) -> None:
    """Set for which schools a group holds its rights. `schools` count only for chosen schools.

    `seen` are the reach and the schools that the person saw while choosing. Raises ScopeChanged if they differ by now.
    """
    wanted = frozenset(schools) if reach == ScopeReach.CHOSEN else frozenset[int]()
    with changing_rights():
        group = group_with_id(group_id)
        before, chosen = reach_and_schools(group)
        if (before, _ids(chosen)) != seen:
            raise ScopeChanged
        if seen == (reach, wanted):
            return
        details = {"before": _scope_text(before, chosen)}
        scope, _ = GroupScope.objects.update_or_create(group=group, defaults={"reach": reach})
        scope.schools.set(wanted)
        details["after"] = _scope_text(reach, scope.schools.all())
        record_audit_event(by=by, action="user_group.scope_changed", target=group.name, details=details)


def _set_open(is_open: bool, *, by: User, user_id: int) -> None:
    with changing_rights():
        others = User.objects.filter(pk=user_id, is_active=not is_open)
        if not by.is_superuser and others.filter(is_superuser=True).exists():
            raise SuperuserAccount
        if not others.update(is_active=is_open):
            return
        user = User.objects.get(pk=user_id)
        details = {when: {"is_active": value} for when, value in _times(not is_open, is_open)}
        record_audit_event(by=by, action="account.changed", target=user.username, details=details)
        if not is_open:
            end_tokens(user=user, by=by)
            end_sessions_of([user_id], by=by)


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise AccountTaken from None


def _details(user: User) -> dict[str, str]:
    return {name: getattr(user, name) for name in ("username", "last_name", "first_name", "email")}


def _times(before: Any, after: Any) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("before", before), ("after", after)


def _join(user: User, wanted: Memberships) -> None:
    user.groups.set(wanted.groups)
    user.schools.set(wanted.schools)


def _ids(rows: Iterable[Model]) -> Ids:
    return frozenset(row.pk for row in rows)


def _names(user: User) -> dict[str, list[str]]:
    groups = user.groups.order_by("name").values_list("name", flat=True)
    return {"groups": list(groups), "schools": [str(school) for school in user.schools.order_by("name")]}


def _scope_text(reach: str, schools: Collection[Model]) -> Any:
    return sorted(map(str, schools)) if reach == ScopeReach.CHOSEN else english(ScopeReach(reach).label)
