"""The roster of a made-up district: its schools, this year's terms, staff, and students with the demo's numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from random import Random
from typing import Any

from sandbox.oneroster import Roster
from sandbox.people import COMMUNITIES

DISTRICT = "district"
STUDENTS = 2000
FIRST_NUMBER = 300_001
# Of each school so many have this role.
STAFF = {"principal": 1, "siteAdministrator": 2, "counselor": 1, "teacher": 12}


def fill(
    roster: Roster,
    schools: Sequence[str],
    *,
    seed: int,
    today: date,
    shares: Sequence[int] = (),
    students: int = STUDENTS,
) -> None:
    """Fill the collections, as version 1.2 has them. The same seed gives the same people.

    `shares` are the percents of the students at each school, whose numbers follow each other; without them, the schools
    take turns. The two students of a family are at one school.
    """
    random = Random(seed)
    ids = [f"school-{number}" for number in range(1, len(schools) + 1)]
    roster.orgs = [_row(DISTRICT, name="The district", type="district")]
    roster.orgs += [
        _row(id, name=name, type="school", parent=_reference(DISTRICT)) for id, name in zip(ids, schools, strict=True)
    ]
    roster.academicSessions = list(_terms(today.year if today.month > 7 else today.year - 1))
    staff = [(role, id) for id in ids for role, number in STAFF.items() for _ in range(number)]
    roster.users = [_user(random, f"staff-{at}", role, id) for at, (role, id) in enumerate(staff, 1)]
    families = [_school_of(family, students // 2, shares) % len(ids) for family in range((students + 1) // 2)]
    roster.users += [
        _user(random, f"student-{at}", "student", ids[families[at // 2]], str(FIRST_NUMBER + at))
        for at in range(students)
    ]


def _school_of(family: int, families: int, shares: Sequence[int]) -> int:
    """Return the place of the school of a family in the list of schools; without shares, a number to take turns by."""
    ends = [families * upto // 100 for upto in accumulate(shares)]
    return bisect_right(ends, family) if ends else family


def _terms(year: int) -> list[dict[str, Any]]:
    parts = [
        ("schoolYear", "", "08-20", "06-10"),
        ("semester", "Fall", "08-20", "12-20"),
        ("semester", "Spring", "01-06", "06-10"),
    ]
    return [
        _row(
            f"{kind}-{name or 'all'}-{year}",
            title=f"{year}-{(year + 1) % 100:02} {name}".strip(),
            type=kind,
            startDate=f"{year if begin > '07' else year + 1}-{begin}",
            endDate=f"{year if end > '07' else year + 1}-{end}",
            schoolYear=str(year + 1),
        )
        for kind, name, begin, end in parts
    ]


def _user(random: Random, id: str, role: str, school: str, number: str = "") -> dict[str, Any]:
    community = random.choice(COMMUNITIES)
    given, family = (
        random.choice(names.split(", ")).partition("=")[0] for names in (community.given, community.family)
    )
    return _row(
        id,
        enabledUser="true",
        username=id,
        givenName=given,
        familyName=family,
        email="" if role == "student" else f"{id}@harrison.example",
        identifier=number or id,
        roles=[{"roleType": "primary", "role": role, "org": _reference(school)}],
        primaryOrg=_reference(school),
    )


def _row(id: str, **fields: Any) -> dict[str, Any]:
    return {"sourcedId": id, "status": "active", "dateLastModified": "2026-08-01T00:00:00.000Z", **fields}


def _reference(id: str) -> dict[str, str]:
    return {"href": f"/orgs/{id}", "sourcedId": id, "type": "org"}
