"""Every write of this app."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from knox.models import AuthToken

from accounts.default_groups import DEFAULT_GROUPS
from accounts.models import AuditEvent, GroupPolicy, HiddenAdvice, TokenFactor, User
from accounts.querysets import LOOK, rights_of, tool_permissions
from accounts.tools import Right, Tool, right_names
from core.languages import ENGLISH, in_language
from core.text import storable

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LOCKOUT_SECONDS = 15 * 60


# The audit trail


def record_audit_event(
    *, by: User | None, action: str, target: StrOrPromise = "", details: dict[str, Any] | None = None
) -> AuditEvent:
    """Append an event to the audit trail, in the same transaction as the action.

    `action` is a kind and a verb ("export.mailgun_message_log", "sync.started"). `by` is None if nobody was signed in.
    What an administrator does who sees the product as `by` is the administrator's; the detail "as" names `by`.
    Lazy texts are stored in English, whatever the person reads. Text that PostgreSQL cannot hold (NUL, lone surrogates)
    is replaced, so that input never makes the recording fail.
    """
    event = _event(by, action, target, details)
    event.save()
    return event


def record_audit_events(*, by: User | None, events: Iterable[tuple[str, StrOrPromise, dict[str, Any]]]) -> None:
    """Append many events of one action to the audit trail: triples of action, target and details, as above."""
    AuditEvent.objects.bulk_create((_event(by, *event) for event in events), batch_size=1000)


def record_look(
    *, by: User | None, action: str, target: StrOrPromise = "", details: dict[str, Any] | None = None
) -> None:
    """Record that a person looked at something, searched for something, or was refused; the arguments as above.

    One look is one row. The next page of a list, and a page that refreshes, belong to the same look.
    """
    event = _event(by, action, target, details)
    if not AuditEvent.objects.like(event).filter(occurred_at__gt=timezone.now() - LOOK).exists():
        event.save()


def record_part_of_look(*, by: User, action: str, target: StrOrPromise, details: dict[str, Any], part: str) -> None:
    """Record that a person saw a part of something: its page, a text on it, a list of it; the arguments as above.

    All parts that a person sees within LOOK are one look. The first one begins it; each other names that event in the
    detail "look", so that a list can show the look as one row.
    """
    event = _event(by, action, target, details)
    begun = AuditEvent.objects.beginning(event)
    event.details["shown"] = part
    if begun is None:
        event.save()
    elif begun.details["shown"] != part:
        event.details["look"] = begun.pk
        if not AuditEvent.objects.like(event).exists():
            event.save()


def record_search(*, by: User, target: StrOrPromise, text: str) -> None:
    """Record a search for a person; `target` says where.

    The trail keeps only a hash of the text, because it outlasts the data about people.
    """
    record_look(by=by, action="person.searched", target=target, details={"searched": [hashed_search(text)]})


def hashed_search(text: str) -> str:
    """Return what was searched as a hash, with the site's secret as its key: 32 hexadecimal digits.

    Who knows the text can look for it in the audit trail; nobody can read it there. Case and spaces do not count.
    """
    usual = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return salted_hmac("accounts.hashed_search", usual, algorithm="sha256").hexdigest()[:32]


def _event(by: User | None, action: str, target: StrOrPromise, details: dict[str, Any] | None) -> AuditEvent:
    if by and by.viewed_by:
        by, details = by.viewed_by, {**(details or {}), "as": by.username}
    with in_language(ENGLISH):
        return AuditEvent(
            who_id=by.pk if by else None,
            who=by.listed_name if by else "",
            action=action,
            target=_as_json(target),
            details=_as_json(details or {}),
        )


def record_lockout(*, account: User | None) -> None:
    """Record that sign-in is locked: once for each lockout."""
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


def issue_token(*, user: User, with_factor: bool = False) -> tuple[str, datetime]:
    """Make a token. Return it and the time when it expires. Only its hash is stored, so it can be read only now.

    `with_factor` says that the person showed a second factor for it.
    """
    with transaction.atomic():
        row, token = AuthToken.objects.create(user=user)
        if with_factor:
            TokenFactor.objects.create(token=row)
        record_audit_event(by=user, action="api_token.issued", details={"second_factor": True} if with_factor else {})
    return token, row.expiry


def end_tokens(*, user: User, by: User | None = None, made_before: datetime | None = None, because: str = "") -> None:
    """End the tokens of this account, or those made before a moment. `by` is another person who ends them."""
    tokens = AuthToken.objects.filter(user=user)
    with transaction.atomic():
        ended, _ = (tokens.filter(created__lte=made_before) if made_before else tokens).delete()
        if ended:
            target, why = user.username if by else "", {"because": because} if because else {}
            record_audit_event(by=by or user, action="api_token.ended", target=target, details={"tokens": ended, **why})


# Accounts


# User groups and their rights


class Refused(Exception):
    """A change of groups or rights was refused; the subclass says why."""


class LastAdministrator(Refused):
    """After the change, nobody could change rights."""


class ChangedMeanwhile(Refused):
    """Another person changed the rights of the group after this person had opened it."""


class GroupDeleted(Refused):
    """Another person deleted the group meanwhile."""


class NameTaken(Refused):
    """Another group has this name; upper and lower case count as the same."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@contextmanager
def changing_rights() -> Iterator[None]:
    """Run one change of groups, rights or accounts at a time, in a transaction.

    If nobody could change rights afterwards, it raises LastAdministrator and rolls the change back.
    """
    with transaction.atomic():
        # Without the lock, two administrators could take the right from each other at the same moment.
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
    """Rename a group. Raises GroupDeleted or NameTaken."""
    with changing_rights():
        group = group_with_id(group_id)
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
        group = group_with_id(group_id)
        members = list(group.user_set.order_by("username").values_list("username", flat=True))
        details = {"rights": right_names(rights_of(group)), "members": members}
        record_audit_event(by=by, action="user_group.deleted", target=group.name, details=details)
        group.delete()


def set_group_rights(*, by: User, group_id: int, seen: Collection[str], wanted: Collection[str]) -> None:
    """Set the tool rights (codenames) of a group.

    `seen` are the rights that the person saw while choosing. Raises ChangedMeanwhile if the group has others by now.
    """
    with changing_rights():
        group = group_with_id(group_id)
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


def require_second_factor(*, by: User, group_id: int, required: bool) -> None:
    """Set whether a group requires a second factor. It holds from the next request of each member."""
    with changing_rights():
        group = group_with_id(group_id)
        policy, _ = GroupPolicy.objects.get_or_create(group=group)
        if policy.second_factor == required:
            return
        details = {"second_factor": {"before": policy.second_factor, "after": required}}
        policy.second_factor = required
        policy.save()
        record_audit_event(by=by, action="user_group.policy_changed", target=group.name, details=details)


def hide_sign_in_advice(*, by: User) -> None:
    """Recommend nothing about signing in to this person any more."""
    HiddenAdvice.objects.get_or_create(user=by)


def turn_single_keys(*, by: User, on: bool) -> None:
    """Turn the keys of one letter on or off for this person."""
    User.objects.filter(pk=by.pk).update(single_keys=on)


def add_member(*, by: User, group_id: int, user: User) -> None:
    with changing_rights():
        group = group_with_id(group_id)
        if not user.groups.contains(group):
            user.groups.add(group)
            record_audit_event(
                by=by, action="user_group.member_added", target=group.name, details={"account": user.username}
            )


def remove_member(*, by: User, group_id: int, user: User) -> None:
    with changing_rights():
        group = group_with_id(group_id)
        if user.groups.contains(group):
            user.groups.remove(group)
            record_audit_event(
                by=by, action="user_group.member_removed", target=group.name, details={"account": user.username}
            )


def create_default_groups() -> None:
    """Make the user groups of a new installation. An installation that has a group stays as it is."""
    with transaction.atomic():
        if Group.objects.exists():
            return
        for name, cells in DEFAULT_GROUPS.items():
            group = Group.objects.create(name=name)
            group.permissions.set(tool_permissions([cell.codename for cell in cells]))


def group_with_id(group_id: int) -> Group:
    """Raises GroupDeleted."""
    try:
        return Group.objects.get(pk=group_id)
    except Group.DoesNotExist:
        raise GroupDeleted from None


def _refuse_taken(name: str, *, besides: str = "") -> None:
    if Group.objects.filter(name__iexact=name).exclude(name=besides).exists():
        raise NameTaken(name)
