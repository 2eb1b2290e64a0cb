"""Groups and schools follow the claims of a provider."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, ProviderIdentity, User
from accounts.sso.claims import Claims, is_true
from accounts.sso.in_step import change, keep_in_step
from messenger_logs.models import School

IDS = st.frozensets(st.integers(1, 8), max_size=6)
CONFIG = {"groups_claim": "groups", "schools_claim": "schools"}
MEANINGS = {"office": "Front Office", "heads": "Principals", "reg": "Registrars", "typo": "No such group"}


@given(wanted=IDS, held=IDS, before=IDS, others=IDS)
def test_what_the_claim_gives_follows_it_and_nothing_else_does(
    wanted: frozenset[int], held: frozenset[int], before: frozenset[int], others: frozenset[int]
) -> None:
    step = change(wanted=wanted, held=held, before=before, others=others)
    after = (held | step.given) - step.taken
    by_hand = held - before - others
    assert wanted <= after, "all that the claim says is there"
    assert by_hand <= after, "what people gave stays"
    assert (before & held) - wanted - others == held - after, "what the claim gave, and no longer says, goes"
    assert after - held <= wanted
    assert step.of_claim == wanted - by_hand, "the claim never owns what people gave"
    again = change(wanted=wanted, held=after, before=step.of_claim, others=others - by_hand)
    assert (again.given, again.taken) == (frozenset(), frozenset()), "a second time changes nothing"


@pytest.mark.parametrize(
    ("claim", "said", "values"),
    [
        ("groups", {"groups": ["a", "b", "a"]}, ["a", "b"]),
        ("groups", {"groups": "a, b"}, ["a, b"]),
        ("groups", {"groups": 7}, ["7"]),
        ("groups", {"groups": ["a", {"id": 1}, None, ["b"]]}, ["a"]),
        ("groups", {"groups": []}, []),
        ("groups", {}, []),
        ("groups", {"groups": None}, []),
        ("groups", {"_claim_names": {"groups": "src1"}}, None),
        ("groups", {"_claim_names": 7}, []),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, ["a"]),
        ("https://example.org/groups", {"https://example.org/groups": ["a"]}, ["a"]),
        ("a.b", {"a": "x"}, []),
    ],
)
def test_values_of_a_claim(claim: str, said: dict[str, Any], values: list[str] | None) -> None:
    assert Claims(said).values(claim) == values


def test_only_a_clear_yes_is_true() -> None:
    yes, no = [True, "true", "True", "TRUE"], [False, None, "", "false", "1", "yes", 1, [True]]
    assert [is_true(value) for value in yes + no] == [True] * len(yes) + [False] * len(no)


# With the database


@pytest.fixture
def identity(make_user, settings) -> ProviderIdentity:
    settings.SSO_GROUPS, settings.SSO_SCHOOLS = MEANINGS, {"0042": "Harrison High", "0043": "Vang Elementary"}
    make_user(groups=["System Administrators"])
    for name in settings.SSO_SCHOOLS.values():
        School.objects.create(name=name)
    return identity_of(make_user(username="dexter"), "district")


def identity_of(user: User, provider: str) -> ProviderIdentity:
    account = SocialAccount.objects.create(user=user, provider=provider, uid=f"{provider}-{user.pk}")
    return ProviderIdentity.objects.create(account=account, checked_at=timezone.now())


def follow(identity: ProviderIdentity, partial: bool = False, **said: Any) -> tuple[list[str], list[str]]:
    user = identity.account.user
    keep_in_step(identity=identity, user=user, claims=Claims(said), config=CONFIG, partial=partial)
    return sorted(user.groups.values_list("name", flat=True)), sorted(user.schools.values_list("name", flat=True))


def rows(action: str) -> list[Any]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("target", "details"))


@pytest.mark.slow
@pytest.mark.django_db
def test_groups_and_schools_come_and_go_with_the_claims(identity: ProviderIdentity) -> None:
    assert follow(identity, groups=["office", "heads"], schools=["0042"]) == (
        ["Front Office", "Principals"],
        ["Harrison High"],
    )
    assert follow(identity, groups=["heads", "reg"], schools=["0043"]) == (
        ["Principals", "Registrars"],
        ["Vang Elementary"],
    )
    assert follow(identity) == ([], [])
    assert [details["given"] for _, details in rows("account.groups_followed_claim")] == [
        ["Front Office", "Principals"],
        ["Registrars"],
        [],
    ]
    assert [(target, details["taken"]) for target, details in rows("account.schools_followed_claim")] == [
        ("dexter", []),
        ("dexter", ["Harrison High"]),
        ("dexter", ["Vang Elementary"]),
    ]


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_given_by_hand_stays(identity: ProviderIdentity) -> None:
    counselors, office = Group.objects.get(name="Counselors"), Group.objects.get(name="Front Office")
    identity.account.user.groups.add(counselors, office)
    follow(identity, groups=["office", "heads"])
    assert follow(identity, groups=[]) == (["Counselors", "Front Office"], [])


@pytest.mark.django_db
def test_two_providers_take_nothing_from_each_other(identity: ProviderIdentity) -> None:
    other = identity_of(identity.account.user, "other")
    follow(identity, groups=["office"])
    follow(other, groups=["office", "heads"])
    assert follow(identity, groups=[]) == (["Front Office", "Principals"], [])
    assert follow(other, groups=[]) == ([], [])


@pytest.mark.django_db
def test_values_that_mean_nothing_here_are_ignored_and_recorded(identity: ProviderIdentity) -> None:
    assert follow(identity, groups=["cooks", "office", "typo"], schools=["9999"]) == (["Front Office"], [])
    assert rows("sign_in.values_ignored") == [
        ("dexter", {"provider": "district", "groups": ["cooks", "typo"], "schools": ["9999"]})
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "partial"), [({"_claim_names": {"groups": "src1"}}, False), ({}, True), ({"name": "x"}, True)]
)
def test_a_claim_that_the_provider_left_out_takes_nothing(
    identity: ProviderIdentity, said: dict[str, Any], partial: bool
) -> None:
    follow(identity, groups=["office"])
    assert follow(identity, partial=partial, **said)[0] == ["Front Office"]


@pytest.mark.django_db
def test_the_last_administrator_stays_one(identity: ProviderIdentity, settings) -> None:
    settings.SSO_GROUPS = {"root": "System Administrators"}
    follow(identity, groups=["root"])
    User.objects.exclude(username="dexter").update(is_active=False)
    assert follow(identity, groups=[])[0] == ["System Administrators"]
    assert rows("sign_in.groups_kept") == [
        ("dexter", {"provider": "district", "reason": "nobody could change rights any more"})
    ]
    User.objects.update(is_active=True)
    assert follow(identity, groups=[])[0] == []


@pytest.mark.django_db
def test_a_sign_in_that_changes_nothing_takes_no_lock(
    identity: ProviderIdentity, django_assert_max_num_queries
) -> None:
    said = {"groups": ["office"], "schools": ["0042"]}
    follow(identity, **said)
    with django_assert_max_num_queries(20) as asked:
        keep_in_step(identity=identity, user=identity.account.user, claims=Claims(said), config=CONFIG)
    assert not [query for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
