"""Who is who in the rows of a report, which names people and not their ids.

Rows are in the order of names, people, students, modes. Rows of one name are those of one person, unless that cannot
be: one counts as contacted by phone and the other not, or a person would have one device twice. Where the report counts
more people than that, persons are split where it is most likely, until as many are there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from imports.values import DeviceStatus
from messenger_logs.choices import PHONE, DeliveryStatus, Mode

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Kind(StrEnum):
    """The people that a report counts apart."""

    NO_DEVICE = "no device"
    CONTACTED = "contacted by phone"
    OTHERS = "others"

    @property
    def label(self) -> StrOrPromise:
        names = {Kind.NO_DEVICE: _("no device"), Kind.CONTACTED: _("contacted by phone"), Kind.OTHERS: _("others")}
        return names[self]


class Boundary(IntEnum):
    """Where a person may end, the likeliest first."""

    SAME_STUDENT = 1
    """A recipient with the same student follows."""
    STUDENT = 2
    ROW = 3


@dataclass(slots=True)
class ReportRow:
    """One row of a report, read."""

    number: int
    name: str
    starred: bool
    student: str
    mode: Mode | None
    device: str
    result: DeviceStatus
    time: str
    duplicate: bool = False
    no_device: bool = False
    """Whether the recipient has no device for any mode."""

    @property
    def kind(self) -> Kind:
        return Kind.NO_DEVICE if self.no_device else Kind.OTHERS if self.starred else Kind.CONTACTED

    @property
    def has_device(self) -> bool:
        return self.mode is not None and self.result.status is not DeliveryStatus.NO_DEVICE

    @property
    def by_phone(self) -> bool:
        return self.mode in PHONE


@dataclass(slots=True)
class Person:
    """The rows of a person, by recipient."""

    kind: Kind
    recipients: list[list[ReportRow]] = field(default_factory=list)

    @property
    def rows(self) -> Iterator[ReportRow]:
        return (row for rows in self.recipients for row in rows)


Splits = Counter[tuple[Kind, Boundary]]


@dataclass(slots=True)
class People:
    """Finds people in the rows of one name. With `splits` it splits persons as often as that says.

    ``possible`` counts the boundaries at which it could have split.
    """

    by_phone: bool
    """Whether the message has voice or text, so that people who were contacted have no star."""
    splits: Splits = field(default_factory=Counter)
    merges: int = 0
    """How often a recipient without a device is the same person as one with a device."""
    possible: Splits = field(default_factory=Counter)
    found: Counter[Kind] = field(default_factory=Counter)

    def of(self, rows: Sequence[ReportRow]) -> list[Person]:
        people: list[Person] = []
        for at, row in enumerate(rows):
            kind = self.kind(row)
            last = people[-1] if people else None
            if last and last.kind is not kind and self._merge(last, row, kind):
                kind = last.kind
            if last is None or last.kind is not kind or _cannot_be(last, row) or self._split(last, row, rows[at:]):
                people.append(Person(kind, [[row]]))
                self.found[kind] += 1
            elif boundary(last, row) is Boundary.ROW:
                last.recipients[-1].append(row)
            else:
                last.recipients.append([row])
        for before, person in pairwise(people):
            if before.kind is person.kind is Kind.CONTACTED and not any(row.by_phone for row in person.rows):
                _share_phone(before, person)
        return people

    def kind(self, row: ReportRow) -> Kind:
        return row.kind if self.by_phone or row.kind is Kind.NO_DEVICE else Kind.OTHERS

    def _merge(self, last: Person, row: ReportRow, kind: Kind) -> bool:
        """Let the person go on with a recipient of another kind, if one of the two has no device."""
        if Kind.NO_DEVICE not in (last.kind, kind):
            return False
        if last.recipients[-1][-1].no_device and kind is Kind.NO_DEVICE and boundary(last, row) is Boundary.ROW:
            return True  # the recipient without a device has rows for several modes
        if not self.merges:
            return False
        self.merges -= 1
        if last.kind is Kind.NO_DEVICE:
            self.found[Kind.NO_DEVICE] -= 1
            self.found[kind] += 1
            last.kind = kind
        return True

    def _split(self, last: Person, row: ReportRow, rest: Sequence[ReportRow]) -> bool:
        if not self._both_are_of_the_kind(last, rest):
            return False
        place = last.kind, boundary(last, row)
        self.possible[place] += 1
        if not self.splits[place]:
            return False
        self.splits[place] -= 1
        return True

    def _both_are_of_the_kind(self, last: Person, rest: Sequence[ReportRow]) -> bool:
        """Whether both people that a split makes have what the kind needs: a phone, or any device."""
        if last.kind is Kind.NO_DEVICE:
            return True
        needed = attrgetter("by_phone" if last.kind is Kind.CONTACTED else "has_device")
        following = (row for row in rest if self.kind(row) is last.kind)
        return any(map(needed, last.rows)) and any(map(needed, following))


def _share_phone(before: Person, person: Person) -> None:
    """Let a person who was contacted begin earlier, with rows of the one before, so that both have a phone."""
    rows = list(before.rows)
    phones = [at for at, row in enumerate(rows) if row.by_phone]
    if len(phones) > 1:
        before.recipients = _by_recipient(rows[: phones[-1]])
        person.recipients = [*_by_recipient(rows[phones[-1] :]), *person.recipients]


def _by_recipient(rows: Sequence[ReportRow]) -> list[list[ReportRow]]:
    recipients: list[list[ReportRow]] = []
    for row in rows:
        if recipients and boundary(Person(row.kind, recipients), row) is Boundary.ROW:
            recipients[-1].append(row)
        else:
            recipients.append([row])
    return recipients


_PLACES = {mode: place for place, mode in enumerate(Mode)}


def boundary(last: Person, row: ReportRow) -> Boundary:
    before = last.recipients[-1][-1]
    if before.student != row.student:
        return Boundary.STUDENT
    again = any((row.mode, row.device) == (one.mode, one.device) and one.device for one in last.recipients[-1])
    if row.mode is None or before.mode is None or again or _PLACES[row.mode] < _PLACES[before.mode]:
        return Boundary.SAME_STUDENT
    return Boundary.ROW


def _cannot_be(person: Person, row: ReportRow) -> bool:
    """Whether the row is another person's: it would give this one a device twice, each of which counts.

    Or it is a second recipient with the same student, and the student has no name that could hide two numbers.
    """
    if boundary(person, row) is Boundary.SAME_STUDENT and (not row.student or row.student.startswith("(")):
        return True
    if row.duplicate or not row.has_device:
        return False
    mine = (one for one in person.rows if not one.duplicate and one.mode is row.mode and one.has_device)
    return any(one.device == row.device and (row.device or row.mode is Mode.INBOX) for one in mine)


def splits_for(people: People, wanted: dict[Kind, int | None]) -> Splits:
    """Return how often to split at which boundaries, so that there are as many people as the report counts."""
    splits: Splits = Counter()
    for kind, number in wanted.items():
        missing = max(0, (number or 0) - people.found[kind])
        for place in Boundary:
            splits[kind, place] = min(missing, people.possible[kind, place])
            missing -= splits[kind, place]
    return splits
