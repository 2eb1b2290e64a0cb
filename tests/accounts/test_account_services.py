"""Accounts are made, opened, closed, and put into groups and schools; groups hold their rights for schools."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from knox.models import AuthToken

from accounts import account_services as services
from accounts.account_services import Memberships
from accounts.models import AuditEvent, User
from accounts.querysets import reach_and_schools
from accounts.scopes import ScopeReach
from accounts.services import GroupDeleted, LastAdministrator, issue_token
from accounts.tools import Right, Tool
from messenger_logs.models import School
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
ALL, CHOSEN, MEMBERS = ScopeReach.ALL, ScopeReach.CHOSEN, ScopeReach.MEMBERS


@pytest.fixture
def administrator(make_user: MakeUser) -> User:
    return make_user((Tool.USER_GROUPS, Right.WRITE), username="admin")


@pytest.fixture
def schools() -> dict[str, int]:
    return {name: School.objects.create(name=name).pk for name in "ABC"}


@pytest.fixture
def groups() -> dict[str, int]:
    return dict(Group.objects.filter(name__in=["Counselors", "Principals"]).values_list("name", "pk"))


def rows() -> list[tuple[str, str, dict[str, Any]]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "target", "details"))


def memberships(groups: list[int], schools: list[int]) -> Memberships:
    return Memberships(frozenset(groups), frozenset(schools))


NOBODY = memberships([], [])

# Adding


def add(by: User, email: str, wanted: Memberships = NOBODY) -> User:
    return services.add_account(by=by, email=email, first_name="Mai", last_name="Vang", memberships=wanted)


def test_an_added_person_has_no_password_and_is_in_the_trail(
    administrator: User, groups: dict[str, int], schools: dict[str, int]
) -> None:
    user = add(administrator, "Mai.Vang@Example.org", memberships([groups["Principals"]], [schools["B"]]))
    assert (user.username, user.email, user.listed_name) == ("mai.vang@example.org",) * 2 + ("Vang, Mai",)
    assert not user.has_usable_password()
    after = {"last_name": "Vang", "first_name": "Mai", "email": "mai.vang@example.org"}
    after |= {"groups": ["Principals"], "schools": ["B"]}
    assert rows() == [("account.created", "mai.vang@example.org", {"after": after})]


@pytest.mark.parametrize("taken", [{"username": "MAI@example.org"}, {"username": "mai", "email": "mai@example.org"}])
def test_an_address_that_another_account_has_is_refused(
    administrator: User, make_user: MakeUser, taken: dict[str, str]
) -> None:
    make_user(**taken)
    with pytest.raises(services.AccountTaken):
        add(administrator, "Mai@Example.org")
    assert rows() == []


# Groups and schools


def test_groups_and_schools_are_set_and_only_what_changed_is_recorded(
    administrator: User, make_user: MakeUser, groups: dict[str, int], schools: dict[str, int]
) -> None:
    user, seen = make_user(username="mai"), NOBODY
    steps = [
        (memberships([*groups.values()], [schools["A"]]), {"groups": ([], [*groups]), "schools": ([], ["A"])}),
        (memberships([*groups.values()], [schools["B"]]), {"schools": (["A"], ["B"])}),
        (memberships([*groups.values()], [schools["B"]]), None),
        (memberships([], [schools["B"]]), {"groups": ([*groups], [])}),
    ]
    for wanted, change in steps:
        count = AuditEvent.objects.count()
        services.set_memberships(by=administrator, user_id=user.pk, seen=seen, wanted=wanted)
        assert Memberships.of(User.objects.get(pk=user.pk)) == wanted
        details = change and {
            when: {name: sorted(values[place]) for name, values in change.items()}
            for place, when in enumerate(("before", "after"))
        }
        assert rows()[count:] == ([("account.changed", "mai", details)] if details else [])
        seen = wanted


def test_a_choice_made_on_an_old_page_changes_nothing(
    administrator: User, make_user: MakeUser, schools: dict[str, int]
) -> None:
    user = make_user()
    user.schools.add(schools["A"])
    for wanted in (NOBODY, memberships([], [schools["B"]])):
        with pytest.raises(services.AccountChanged):
            services.set_memberships(by=administrator, user_id=user.pk, seen=NOBODY, wanted=wanted)
    assert Memberships.of(user) == memberships([], [schools["A"]])
    assert rows() == []


def test_the_last_administrator_stays_in_the_group(administrator: User) -> None:
    seen = Memberships.of(administrator)
    with pytest.raises(LastAdministrator):
        services.set_memberships(by=administrator, user_id=administrator.pk, seen=seen, wanted=NOBODY)
    assert Memberships.of(administrator) == seen
    assert rows() == []


# Open and closed


def test_a_closed_person_has_no_token_any_more(administrator: User, make_user: MakeUser) -> None:
    user = make_user(username="mai")
    issue_token(user=user)
    closed = ("account.changed", "mai", {"before": {"is_active": True}, "after": {"is_active": False}})
    services.close_account(by=administrator, user_id=user.pk)
    services.close_account(by=administrator, user_id=user.pk)
    assert rows()[1:] == [closed, ("api_token.ended", "mai", {"tokens": 1})]
    assert not AuthToken.objects.exists()
    services.open_account(by=administrator, user_id=user.pk)
    assert User.objects.get(pk=user.pk).is_active
    assert len(rows()) == 4


@pytest.mark.slow
def test_a_closed_person_is_signed_out_and_stays_so_when_the_account_is_opened_again(
    administrator: User, make_user: MakeUser, client: Client
) -> None:
    person = make_user(username="vang")
    client.post("/accounts/login/", {"login": "vang", "password": PASSWORD})
    assert client.get("/").status_code == 200
    services.close_account(by=administrator, user_id=person.pk)
    services.open_account(by=administrator, user_id=person.pk)
    assert client.get("/").status_code == 302


def test_nobody_closes_their_own_account(administrator: User, make_user: MakeUser) -> None:
    make_user((Tool.USER_GROUPS, Right.WRITE))
    with pytest.raises(services.OwnAccount):
        services.close_account(by=administrator, user_id=administrator.pk)


def test_only_a_superuser_closes_and_opens_a_superuser(administrator: User, make_user: MakeUser) -> None:
    root, other = make_user(is_superuser=True), make_user(is_superuser=True)
    with pytest.raises(services.SuperuserAccount):
        services.close_account(by=administrator, user_id=root.pk)
    services.close_account(by=other, user_id=root.pk)
    with pytest.raises(services.SuperuserAccount):
        services.open_account(by=administrator, user_id=root.pk)
    assert not User.objects.get(pk=root.pk).is_active


def test_the_last_administrator_is_not_closed(administrator: User, make_user: MakeUser) -> None:
    """Not even by a person whose right is just being taken."""
    with pytest.raises(LastAdministrator):
        services.close_account(by=make_user(), user_id=administrator.pk)
    assert User.objects.get(pk=administrator.pk).is_active


# The schools of a group

# Reach and schools before, those wanted, and what is then stored; None if nothing changes.
SCOPES = [
    ((ALL, ""), (CHOSEN, "AB"), (CHOSEN, "AB")),
    ((ALL, ""), (MEMBERS, ""), (MEMBERS, "")),
    ((ALL, ""), (ALL, ""), None),
    ((ALL, ""), (ALL, "A"), None),
    ((CHOSEN, "AB"), (CHOSEN, "BC"), (CHOSEN, "BC")),
    ((CHOSEN, "AB"), (CHOSEN, "AB"), None),
    ((CHOSEN, "AB"), (MEMBERS, "AB"), (MEMBERS, "")),
    ((MEMBERS, ""), (ALL, ""), (ALL, "")),
]


def scope_text(reach: ScopeReach, names: str) -> Any:
    return list(names) if reach == CHOSEN else reach.label


@pytest.mark.parametrize(("before", "wanted", "after"), SCOPES)
def test_the_schools_of_a_group_are_set(
    administrator: User,
    groups: dict[str, int],
    schools: dict[str, int],
    before: tuple[ScopeReach, str],
    wanted: tuple[ScopeReach, str],
    after: tuple[ScopeReach, str] | None,
) -> None:
    pk = groups["Principals"]

    def ids(names: str) -> frozenset[int]:
        return frozenset(schools[name] for name in names)

    def choose(seen: tuple[ScopeReach, str], wish: tuple[ScopeReach, str]) -> None:
        services.set_group_scope(
            by=administrator, group_id=pk, seen=(seen[0], ids(seen[1])), reach=wish[0], schools=ids(wish[1])
        )

    choose((ALL, ""), before)
    count = len(rows())
    choose(before, wanted)
    reach, found = reach_and_schools(Group.objects.get(pk=pk))
    assert (reach, "".join(map(str, found))) == (after or before)
    details = after and {"before": scope_text(*before), "after": scope_text(*after)}
    assert rows()[count:] == ([("user_group.scope_changed", "Principals", details)] if details else [])


def test_schools_chosen_on_an_old_page_change_nothing(
    administrator: User, groups: dict[str, int], schools: dict[str, int]
) -> None:
    pk, chosen = groups["Principals"], frozenset({schools["A"]})
    services.set_group_scope(by=administrator, group_id=pk, seen=("all", frozenset()), reach=CHOSEN, schools=chosen)
    for seen in (("all", frozenset[int]()), ("members", frozenset[int]()), ("chosen", frozenset({schools["B"]}))):
        with pytest.raises(services.ScopeChanged):
            services.set_group_scope(by=administrator, group_id=pk, seen=seen, reach=ALL, schools=())
    assert reach_and_schools(Group.objects.get(pk=pk))[0] == CHOSEN
    with pytest.raises(GroupDeleted):
        services.set_group_scope(by=administrator, group_id=0, seen=("all", frozenset()), reach=ALL, schools=())
