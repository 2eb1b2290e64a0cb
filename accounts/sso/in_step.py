"""Groups and schools that follow what the provider says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Model

from accounts.models import ProviderIdentity, User
from accounts.services import LastAdministrator, changing_rights, record_audit_event, record_look
from accounts.sso.claims import Claims


@dataclass(frozen=True)
class Mapped:
    """The rows here that the values of a claim mean, by id, and the values that mean nothing here."""

    found: Mapping[int, Model] = field(default_factory=dict)
    ignored: Collection[str] = ()


@dataclass(frozen=True)
class Change:
    """What a person gets and loses, and what is then given by the claim. Ids."""

    given: frozenset[int]
    taken: frozenset[int]
    of_claim: frozenset[int]


def change(
    *, wanted: Collection[int], held: Collection[int], before: Collection[int], others: Collection[int]
) -> Change:
    """Work out how what a person holds follows a claim.

    `wanted` is what the claim says now, `before` what it gave earlier, `others` what other identities of the person
    give. What the person holds beyond these was given by hand: it stays, and the claim never takes it.
    """
    by_hand = set(held) - set(before) - set(others)
    return Change(
        given=frozenset(wanted) - frozenset(held),
        taken=(frozenset(before) & frozenset(held)) - frozenset(wanted) - frozenset(others),
        of_claim=frozenset(wanted) - by_hand,
    )


def mapped_groups(claims: Claims, config: Mapping[str, Any]) -> Mapped:
    return _mapped(claims.values(config["groups_claim"]) or [], settings.SSO_GROUPS, Group)


def keep_in_step(
    *, identity: ProviderIdentity, user: User, claims: Claims, config: Mapping[str, Any], partial: bool = False
) -> None:
    """Give and take what the claims say. A claim that is not configured, or too large for a token, changes nothing.

    `partial` says that the claims may be fewer than at a sign-in, so that a missing one says nothing.
    """
    ignored: dict[str, list[str]] = {}
    for kind, model, mapping in _KINDS:
        claim = config[f"{kind}_claim"]
        if not claim or (partial and not claims.has(claim)) or (values := claims.values(claim)) is None:
            continue
        mapped = _mapped(values, getattr(settings, mapping), model())
        _follow(identity, user, kind, mapped.found)
        if mapped.ignored:
            ignored[kind] = list(mapped.ignored)
    if ignored:
        details = {"provider": identity.account.provider, **ignored}
        record_look(by=None, action="sign_in.values_ignored", target=user.username, details=details)


def _schools() -> type[Model]:
    # The table is the ledger's, which this room does not know.
    return User._meta.get_field("schools").related_model


_KINDS = (("groups", lambda: Group, "SSO_GROUPS"), ("schools", _schools, "SSO_SCHOOLS"))


def _mapped(values: Collection[str], meanings: Mapping[str, str], model: type[Model]) -> Mapped:
    names = {value: meanings[value] for value in values if value in meanings}
    rows: dict[str, Model] = model._default_manager.in_bulk(set(names.values()), field_name="name")
    return Mapped(
        found={row.pk: row for row in rows.values()},
        ignored=[value for value in values if names.get(value) not in rows],
    )


def _follow(identity: ProviderIdentity, user: User, kind: str, wanted: Mapping[int, Model]) -> None:
    kept, held = getattr(identity, kind), getattr(user, kind)
    others = ProviderIdentity.objects.filter(account__user=user).exclude(pk=identity.pk)
    step = change(
        wanted=wanted,
        held=held.values_list("pk", flat=True),
        before=kept.values_list("pk", flat=True),
        others=others.exclude(**{kind: None}).values_list(kind, flat=True),
    )
    if not step.given and not step.taken:
        kept.set(step.of_claim)
        return
    try:
        with changing_rights():
            _record(identity, user, kind, step)
            held.add(*step.given)
            held.remove(*step.taken)
            kept.set(step.of_claim)
    except LastAdministrator:
        details = {"provider": identity.account.provider, "reason": "nobody could change rights any more"}
        record_audit_event(by=None, action=f"sign_in.{kind}_kept", target=user.username, details=details)


def _record(identity: ProviderIdentity, user: User, kind: str, step: Change) -> None:
    rows = getattr(identity, kind).model._default_manager.in_bulk(step.given | step.taken)
    given, taken = (sorted(str(rows[pk]) for pk in pks) for pks in (step.given, step.taken))
    details = {"provider": identity.account.provider, "given": given, "taken": taken}
    record_audit_event(by=None, action=f"account.{kind}_followed_claim", target=user.username, details=details)
