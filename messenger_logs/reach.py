"""Read whom a message reached: the kept totals of people, and the times by which they were reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import F, Sum

from accounts.scopes import ALL_SCHOOLS, Scope
from core.replica import read_connection
from messenger_logs.choices import Mode, Reach
from messenger_logs.models import PersonReach, ReachTotals

# The parts of the people for which the time is told.
PERCENTS = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class People:
    """The people of a message, or a part of them, by whether it reached them. The five figures count each once."""

    reached: int = 0
    unconfirmed: int = 0
    not_reached: int = 0
    canceled: int = 0
    no_device: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())

    def __add__(self, other: People) -> People:
        return People(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def unreached(self) -> int:
        """The people whom surely nothing reached, although nobody stopped the message for them."""
        return self.not_reached + self.no_device

    @property
    def meant(self) -> int:
        """The people who were to be reached: a cancel is no failure."""
        return self.total - self.canceled

    @property
    def percent_reached(self) -> int | None:
        """Whole percents of those who were to be reached, and 100 only if all were; None if nobody was to be."""
        return 100 * self.reached // self.meant if self.meant else None

    @property
    def by_kind(self) -> dict[Reach, int]:
        """The figures in the order of `Reach`."""
        return {kind: getattr(self, kind) for kind in Reach}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> People:
        return cls(**{one.name: row[one.name] or 0 for one in fields(cls)})


SUMS: dict[str, Sum] = {kind.value: Sum(kind.value) for kind in Reach}
"""The five figures, for an aggregate over `ReachTotals`."""


def people_of_many(message_ids: Iterable[int], scope: Scope = ALL_SCHOOLS) -> dict[int, People]:
    """The people of each message who are of these schools, with one query. A message without any is not there."""
    totals = ReachTotals.objects.in_scope(scope).filter(message__in=list(message_ids), mode="")
    return {row["message"]: People.of(row) for row in totals.order_by().values("message").annotate(**SUMS)}


@dataclass(frozen=True, slots=True)
class OfSchool:
    """The people of a message who belong to one school; without an id, those of whom no school is known."""

    school_id: int | None
    name: str
    people: People


@dataclass(frozen=True, slots=True)
class PeopleInParts:
    """The people of a message for each of its modes, and by the school of their student. Each part counts each once."""

    by_mode: dict[Mode, People]
    by_school: list[OfSchool]
    """In the order of the names; those without a school come last."""

    @property
    def any_school(self) -> bool:
        return any(one.school_id for one in self.by_school)

    def of_schools(self, scope: Scope) -> list[OfSchool]:
        """Return the parts of the schools in a scope."""
        return [one for one in self.by_school if scope.schools is None or one.school_id in scope.schools]


def people_in_parts(message_id: int) -> PeopleInParts:
    """Read the people of a message in parts, with one query."""
    rows = ReachTotals.objects.filter(message=message_id).order_by(F("school__name").asc(nulls_last=True))
    by_mode: dict[str, People] = {}
    by_school: list[OfSchool] = []
    for row in rows.values("mode", "school", "school__name").annotate(**SUMS):
        people = People.of(row)
        if row["mode"]:
            by_mode[row["mode"]] = by_mode.get(row["mode"], People()) + people
        else:
            by_school.append(OfSchool(row["school"], row["school__name"] or "", people))
    return PeopleInParts({mode: by_mode[mode] for mode in Mode if mode in by_mode}, by_school)


# The n-th of the times in their order is the first whose part of all times is above that of n - ½: no rounding decides.
_TIMES = f"""
WITH people AS (
    SELECT count(*) AS n, count(reached_at) AS known
    FROM {PersonReach._meta.db_table} WHERE message_id = %(message)s
), nth AS (
    SELECT percent, ceil(people.n * percent / 100.0) AS place, known
    FROM people CROSS JOIN unnest(%(percents)s::int[]) AS percent
)
SELECT percent, (
    SELECT percentile_disc((place - 0.5) / known) WITHIN GROUP (ORDER BY reached_at)
    FROM {PersonReach._meta.db_table} WHERE message_id = %(message)s)
FROM nth WHERE place <= known AND known > 0
"""  # noqa: S608  (table names only)


def reached_times(message_id: int) -> dict[int, datetime]:
    """By when 50, 90 and 99 percent of all the people of a message were reached. A part that never was is not there."""
    with read_connection().cursor() as cursor:
        cursor.execute(_TIMES, {"message": message_id, "percents": list(PERCENTS)})
        return dict(cursor.fetchall())
