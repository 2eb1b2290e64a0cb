"""A roster as it was read: rows in temporary files that COPY takes, and the rows that were left, with the reason."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from tempfile import TemporaryFile
from typing import IO, Any

from django.utils.translation import gettext_noop

from roster.rows import (
    SCHOOL,
    BadRow,
    Fields,
    Org,
    Person,
    PersonRole,
    Term,
    copy_cells,
    org_of,
    person_of,
    role_of,
    roles_in_row,
    term_of,
    text_of,
)

MOST_ROWS = 3_000_000
SHOWN_PROBLEMS = 200


class Unreadable(Exception):
    """Nothing of the roster is taken. The message says why, as a sentence."""


class ChangedMeanwhile(Unreadable):
    """The roster changed while it was read. Reading it again may help."""


class Part(StrEnum):
    """The parts of a roster, by the names of their tables while it is taken over. Each has a file of CSV."""

    ORGS = "orgs"
    TERMS = "terms"
    PEOPLE = "people"
    ROLES = "roles"
    BAD = "bad"


ROWS: dict[Part, type[tuple[Any, ...]]] = {
    Part.ORGS: Org,
    Part.TERMS: Term,
    Part.PEOPLE: Person,
    Part.ROLES: PersonRole,
}
_READERS: dict[Part, Callable[[Fields, Callable[[str], None]], Any]] = {
    Part.ORGS: org_of,
    Part.TERMS: term_of,
    Part.PEOPLE: person_of,
}


class Reading:
    """The rows of a roster, in memory only by their ids. Use it as a context: its files end with it.

    A row with a mistake is left, and told in `problems`; its `sourcedId` is kept, so that nobody leaves because of it.
    """

    def __init__(self) -> None:
        self.files: dict[Part, IO[str]] = {}
        self.complete: set[Part] = set()
        """The parts of which the roster has every row, so that what is not in it has left."""
        self.label = ""
        """What was read: "OneRoster 1.2, REST"."""
        self.problems: list[tuple[str, str]] = []
        self.problem_count = 0
        self.rows = 0
        self._writers: dict[Part, Any] = {}
        self._seen: dict[str, set[str]] = {}

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Reading]:
        reading = cls()
        try:
            for part in Part:
                reading.files[part] = TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115
                reading._writers[part] = csv.writer(reading.files[part])
            yield reading
        finally:
            for file in reading.files.values():
                file.close()

    def take(self, part: Part, where: str, fields: Fields, roles: Iterable[Fields] | None = None) -> None:
        """Take an organization, a term or a person; ``roles`` are those that come with a person of version 1.2."""
        self._count()
        try:
            row = _READERS[part](fields, partial(self.note, where))
            if self._again(part, row.sourced_id):
                self.note(where, gettext_noop("has the sourcedId of an earlier row, and is left"))
                return
            if part is Part.ORGS and row.kind == SCHOOL and self._again("name of a school", row.name):
                raise BadRow(gettext_noop("has the name of another school, and gets none here"))
            self._write(part, row)
            if part is Part.PEOPLE and not row.gone:
                self._take_roles(where, fields, roles)
        except BadRow as reason:
            self._leave(part, where, fields, str(reason))

    def _take_roles(self, where: str, fields: Fields, roles: Iterable[Fields] | None) -> None:
        if roles is None:
            for role in roles_in_row(fields):
                self._write(Part.ROLES, role)
        else:
            for rank, one in enumerate(roles):
                self.take_role(where, {**one, "userSourcedId": text_of(fields, "sourcedId")}, rank)

    def take_role(self, where: str, fields: Fields, rank: int) -> None:
        """Take a role of version 1.2. With a mistake, its person stays as before."""
        self._count()
        try:
            if role := role_of(fields, rank):
                self._write(Part.ROLES, role)
        except BadRow as reason:
            person = {"sourcedId": fields.get("userSourcedId", "")}
            self._leave(Part.ROLES, where, person, f"has a role that {reason}")

    def note(self, where: str, what: str) -> None:
        """Add to the problems."""
        self.problem_count += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append((where, what))

    def file_of(self, part: Part) -> IO[str]:
        """Return the rows of a part, from the first one."""
        self.files[part].flush()
        self.files[part].seek(0)
        return self.files[part]

    def _again(self, what: str, value: str) -> bool:
        seen = self._seen.setdefault(what, set())
        again = value in seen
        seen.add(value)
        return again

    def _leave(self, part: Part, where: str, fields: Mapping[str, str], reason: str) -> None:
        self.note(where, reason)
        sourced_id = "".join(c for c in fields.get("sourcedId", "").strip() if c.isprintable())
        if sourced_id:
            self._write(Part.BAD, (part.value, sourced_id))

    def _write(self, part: Part, row: tuple[Any, ...]) -> None:
        self._writers[part].writerow(copy_cells(row))

    def _count(self) -> None:
        self.rows += 1
        if self.rows > MOST_ROWS:
            raise Unreadable(f"The roster has more than {MOST_ROWS:,} rows.")
