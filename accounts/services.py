"""Every write of this app."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from knox.models import AuthToken

from accounts.default_groups import DEFAULT_GROUPS
from accounts.models import AuditEvent, User
from accounts.querysets import rights_of, tool_permissions
from accounts.tools import Right, Tool, right_names
from core.text import storable

LOCKOUT_SECONDS = 15 * 60


# The audit trail


def record_audit_event(
    *, by: User | None, action: str, target: str = "", details: dict[str, Any] | None = None
) -> AuditEvent:
    """Append an event to the audit trail, in the transaction of what it records.

    `action` is a kind and a verb ("export.mailgun_message_log", "sync.started"), `by` is None where nobody was signed
    in. Text that PostgreSQL cannot hold (NUL, lone surrogates) is replaced, so that recording never fails on input.
    """
    return AuditEvent.objects.create(
        who_id=by.pk if by else None,
        who=by.listed_name if by else "",
        action=action,
        target=_as_json(target),
        details=_as_json(details or {}),
    )


def record_lockout(*, account: User | None) -> None:
    """Record that sign-in is locked, once in a lockout however often it is tried."""
    if cache.add(f"accounts:lockout:{account.pk if account else 'unknown'}", True, LOCKOUT_SECONDS):
        record_audit_event(by=None, action="sign_in.locked", target=account.username if account else "")


def _as_json(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {_as_json(str(key)): _as_json(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_as_json(part) for part in value]
        case None | bool() | int() | float():
            return value
    return _as_json(str(value))


# Tokens of the REST API


def issue_token(*, user: User) -> tuple[str, datetime]:
    """A new token, and when it expires. Only its hash is stored, so this is the one time that it can be read."""
    with transaction.atomic():
        row, token = AuthToken.objects.create(user=user)
        record_audit_event(by=user, action="api_token.issued")
    return token, row.expiry


def end_tokens(*, user: User) -> None:
    """From now on no token of this account is good any more."""
    with transaction.atomic():
        ended, _ = AuthToken.objects.filter(user=user).delete()
        if ended:
            record_audit_event(by=user, action="api_token.ended", details={"tokens": ended})


# User groups and their rights


class Refused(Exception):
    """A change of groups or rights that was not made; the subclass says why."""


class LastAdministrator(Refused):
    """After the change nobody could change rights any more."""


class ChangedMeanwhile(Refused):
    """Somebody else changed the rights of the group after this person had opened it."""


class GroupDeleted(Refused):
    """Somebody else deleted the group meanwhile."""


class NameTaken(Refused):
    """Another group has this name, in the same or in another case."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@contextmanager
def changing_rights() -> Iterator[None]:
    """Allow one change of groups, rights or accounts at a time, and none after which nobody could make another.

    Raises LastAdministrator at the end of the block, and rolls it back.
    """
    with transaction.atomic():
        # Otherwise two administrators could each take the right from the other at the same moment.
        tool_permissions([Tool.USER_GROUPS.codename(Right.WRITE)]).select_for_update(no_key=True).get()
        yield
        if not User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE)).exists():
            raise LastAdministrator


def create_group(*, by: User, name: str) -> Group:
    """Make a group without rights and members. Raises NameTaken."""
    with changing_rights():
        _refuse_taken(name)
        group = Group.objects.create(name=name)
        record_audit_event(by=by, action="user_group.created", target=name)
    return group


def rename_group(*, by: User, group_id: int, name: str) -> None:
    """Raises GroupDeleted or NameTaken."""
    with changing_rights():
        group = _group(group_id)
        if name == group.name:
            return
        _refuse_taken(name, besides=group.name)
        record_audit_event(
            by=by, action="user_group.renamed", target=name, details={"before": group.name, "after": name}
        )
        group.name = name
        group.save()


def delete_group(*, by: User, group_id: int) -> None:
    with changing_rights():
        group = _group(group_id)
        members = list(group.user_set.order_by("username").values_list("username", flat=True))
        details = {"rights": right_names(rights_of(group)), "members": members}
        record_audit_event(by=by, action="user_group.deleted", target=group.name, details=details)
        group.delete()


def set_group_rights(*, by: User, group_id: int, seen: Collection[str], wanted: Collection[str]) -> None:
    """Give a group just these tool rights (codenames).

    `seen` are the rights that the person saw when choosing: raises ChangedMeanwhile when the group has others by now.
    """
    with changing_rights():
        group = _group(group_id)
        before, after = set(rights_of(group)), set(wanted)
        if before != set(seen):
            raise ChangedMeanwhile
        if before == after:
            return
        group.permissions.remove(*tool_permissions(before - after))
        group.permissions.add(*tool_permissions(after - before))
        details = {
            "given": right_names(after - before),
            "taken": right_names(before - after),
            "before": right_names(before),
            "after": right_names(after),
        }
        record_audit_event(by=by, action="user_group.rights_changed", target=group.name, details=details)


def add_member(*, by: User, group_id: int, user: User) -> None:
    with changing_rights():
        group = _group(group_id)
        if not user.groups.contains(group):
            user.groups.add(group)
            record_audit_event(
                by=by, action="user_group.member_added", target=group.name, details={"account": user.username}
            )


def remove_member(*, by: User, group_id: int, user: User) -> None:
    with changing_rights():
        group = _group(group_id)
        if user.groups.contains(group):
            user.groups.remove(group)
            record_audit_event(
                by=by, action="user_group.member_removed", target=group.name, details={"account": user.username}
            )


def create_default_groups() -> None:
    """Give a new installation its user groups; one that has any group keeps what it has."""
    with transaction.atomic():
        if Group.objects.exists():
            return
        for name, cells in DEFAULT_GROUPS.items():
            group = Group.objects.create(name=name)
            group.permissions.set(tool_permissions([cell.codename for cell in cells]))


def _group(group_id: int) -> Group:
    try:
        return Group.objects.get(pk=group_id)
    except Group.DoesNotExist:
        raise GroupDeleted from None


def _refuse_taken(name: str, *, besides: str = "") -> None:
    if Group.objects.filter(name__iexact=name).exclude(name=besides).exists():
        raise NameTaken(name)
