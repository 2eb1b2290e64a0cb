"""Random rosters, one after the other: what is here then is what plain Python says of the last one."""

from __future__ import annotations

from random import Random

import pytest

from accounts.models import User
from messenger_logs.models import School, StudentSchool
from roster.choices import RunStatus
from roster.models import RosterAccount, RosterOrg
from tests.examples import often
from tests.roster.files import Rows, district, person
from tests.roster.test_takeover import numbers

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SCHOOLS = ["high", "oak", "elm"]
# The organizations above schools, each with the one above it. Two of them go in a circle.
ABOVE = {"district": "", "north": "district", "round": "about", "about": "round"}
GROUPS = {"principal": {"Principals"}, "administrator": {"Principals", "Registrars"}, "teacher": set()}


def random_orgs(random: Random) -> Rows:
    above = [
        {"sourcedId": name, "name": name, "type": "district", "parentSourcedId": top} for name, top in ABOVE.items()
    ]
    schools = [
        {"sourcedId": name, "name": name.title(), "type": "school", "parentSourcedId": random.choice(list(ABOVE))}
        for name in SCHOOLS
        if random.random() < 0.8
    ]
    return above + schools


def random_people(random: Random) -> Rows:
    roles, orgs = ["student", "guardian", *GROUPS], ["", "nowhere", *ABOVE, *SCHOOLS]
    return [
        person(
            f"p{number}",
            random.choice(roles),
            ",".join(random.sample(orgs, random.randint(1, 3))),
            familyName=random.choice(["Vang", "Lee"]),
            status=random.choice(["", "active", "active", "tobedeleted"]),
            enabledUser=random.choice(["true", "true", "false"]),
        )
        for number in range(8)
        if random.random() < 0.8
    ]


def here(people: Rows) -> Rows:
    return [row for row in people if row["status"] != "tobedeleted"]


def staff(people: Rows) -> Rows:
    return [row for row in here(people) if row["enabledUser"] == "true" and row["role"] in GROUPS]


def schools_below(orgs: Rows, top: str) -> set[str]:
    parents = {row["sourcedId"]: row.get("parentSourcedId", "") for row in orgs}

    def above(name: str) -> set[str]:
        seen: set[str] = set()
        while name and name not in seen:
            seen.add(name)
            name = parents.get(name, "")
        return seen

    return {row["name"] for row in orgs if row["type"] == "school" and top in above(row["sourcedId"])}


def schools_of(orgs: Rows, row: dict[str, str]) -> set[str]:
    names = {org["sourcedId"]: org["name"] for org in orgs if org["type"] == "school"}
    places = [place for place in row["orgSourcedIds"].split(",") if place]
    direct = {names[place] for place in places if place in names}
    return direct or {name for place in places for name in schools_below(orgs, place)}


def first_school(orgs: Rows, row: dict[str, str]) -> str | None:
    names = {org["sourcedId"]: org["name"] for org in orgs if org["type"] == "school"}
    return next((names[place] for place in row["orgSourcedIds"].split(",") if place in names), None)


@pytest.mark.parametrize("seed", range(often(25)))
def test_what_is_here_is_what_the_last_roster_says(roster, settings, no_guard, administrator, seed):
    settings.ROSTER_ROLE_GROUPS = [f"{role}={group}" for role, groups in GROUPS.items() for group in groups or {""}]
    random = Random(seed)
    known: set[str] = set()
    for _ in range(3):
        orgs, people = random_orgs(random), random_people(random)
        run = roster(district(people, orgs=orgs))
        assert (run.status, run.problems) == (RunStatus.DONE, [])
        known |= {row["sourcedId"] for row in staff(people)}
        check(orgs, people, known, administrator)
    assert numbers(roster(district(people, orgs=orgs))) == {}, "the same roster again"


def check(orgs: Rows, people: Rows, known: set[str], administrator: User) -> None:
    wanted = {row["sourcedId"]: row for row in staff(people)}
    accounts = {account.sourced_id: account for account in RosterAccount.objects.select_related("user")}
    assert accounts.keys() == known
    assert User.objects.count() == len(known) + 1
    assert {name for name, account in accounts.items() if account.user.is_active} == wanted.keys()
    assert {name for name, account in accounts.items() if account.closed_at is None} == wanted.keys()
    for name, row in wanted.items():
        user = accounts[name].user
        assert user.last_name == row["familyName"]
        assert set(user.groups.values_list("name", flat=True)) == GROUPS[row["role"]]
        assert set(user.schools.values_list("name", flat=True)) == schools_of(orgs, row)
    students = {row["identifier"]: first_school(orgs, row) for row in here(people) if row["role"] == "student"}
    stored = dict(StudentSchool.objects.values_list("number", "school__name"))
    assert stored == {number: school for number, school in students.items() if school}
    linked = RosterOrg.objects.filter(school__isnull=False).values_list("school__name", flat=True)
    assert set(linked) == {row["name"] for row in orgs if row["type"] == "school"}
    assert School.objects.count() <= len(SCHOOLS), "a school that is back is the same school"
    assert User.objects.get(pk=administrator.pk).is_active
