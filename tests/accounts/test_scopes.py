"""For which schools a person holds a right."""

import pytest
from django.contrib.auth.models import Group
from pytest_django import DjangoAssertNumQueries

from accounts.models import GroupScope, User
from accounts.querysets import tool_permissions
from accounts.scopes import ALL_SCHOOLS, NO_SCHOOL, Scope, ScopeReach
from accounts.tools import Right, Tool
from messenger_logs.models import School

pytestmark = pytest.mark.django_db

ALL, CHOSEN, MEMBERS = ScopeReach.ALL, ScopeReach.CHOSEN, ScopeReach.MEMBERS
LOG, OTHER = Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG


@pytest.fixture
def schools() -> dict[str, School]:
    return {name: School.objects.create(name=name) for name in "ABC"}


# Groups (reach, chosen schools, rights), the schools of the person, and what that comes to. "*" are all schools.
CASES = [
    ([], "A", ""),
    ([(None, "", [LOG])], "", "*"),
    ([(ALL, "A", [LOG])], "", "*"),
    ([(CHOSEN, "AB", [LOG])], "C", "AB"),
    ([(CHOSEN, "", [LOG])], "AB", ""),
    ([(MEMBERS, "C", [LOG])], "AB", "AB"),
    ([(MEMBERS, "", [LOG])], "", ""),
    ([(CHOSEN, "A", [LOG]), (CHOSEN, "B", [LOG])], "", "AB"),
    ([(CHOSEN, "A", [LOG]), (MEMBERS, "", [LOG])], "C", "AC"),
    ([(CHOSEN, "A", [LOG]), (None, "", [OTHER])], "", "A"),
    ([(CHOSEN, "A", [LOG]), (None, "", [LOG])], "", "*"),
    ([(CHOSEN, "A", [OTHER])], "", ""),
]


@pytest.mark.parametrize(("groups", "own", "expected"), CASES)
def test_the_scopes_of_groups_add_up(
    groups: list[tuple[ScopeReach | None, str, list[Tool]]], own: str, expected: str, schools: dict[str, School]
) -> None:
    user = User.objects.create(username="principal")
    user.schools.set([schools[name] for name in own])
    for number, (reach, chosen, tools) in enumerate(groups):
        group = Group.objects.create(name=str(number))
        group.permissions.set(tool_permissions([tool.codename() for tool in tools]))
        group.user_set.add(user)
        if reach:
            GroupScope.objects.create(group=group, reach=reach).schools.set([schools[name] for name in chosen])
    assert user.scope_of(LOG) == (ALL_SCHOOLS if expected == "*" else Scope.of([schools[name].pk for name in expected]))


def test_a_right_of_the_person_alone_is_for_all_schools() -> None:
    user = User.objects.create(username="principal")
    user.user_permissions.set(tool_permissions([LOG.codename()]))
    assert user.scope_of(LOG) == ALL_SCHOOLS
    assert user.scope_of(LOG, Right.WRITE) == NO_SCHOOL


@pytest.mark.parametrize(("active", "expected"), [(True, ALL_SCHOOLS), (False, NO_SCHOOL)])
def test_superusers_hold_all_rights_for_all_schools_while_active(active: bool, expected: Scope) -> None:
    assert User.objects.create(username="root", is_superuser=True, is_active=active).scope_of(LOG) == expected


def test_all_rights_take_one_query_and_the_schools_of_members_one_more(
    schools: dict[str, School], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = User.objects.create(username="principal")
    for number in range(3):
        group = Group.objects.create(name=str(number))
        group.permissions.set(tool_permissions([tool.codename() for tool in (LOG, OTHER)]))
        GroupScope.objects.create(group=group, reach=MEMBERS)
        group.user_set.add(user)
    assert user.may(LOG)
    with django_assert_num_queries(2):
        assert user.scope_of(LOG) == user.scope_of(OTHER)


def test_a_scope_covers_what_lies_within_it() -> None:
    some, more = Scope.of([1]), Scope.of([1, 2])
    assert more.covers(some)
    assert not some.covers(more)
    assert ALL_SCHOOLS.covers(more)
    assert not more.covers(ALL_SCHOOLS)
    assert some.covers(NO_SCHOOL)
    assert some | more == more
    assert more | ALL_SCHOOLS == ALL_SCHOOLS
    assert [Scope.of(scope.stored) for scope in (some, ALL_SCHOOLS)] == [some, ALL_SCHOOLS]
