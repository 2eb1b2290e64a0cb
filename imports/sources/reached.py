"""Whom a message reached by an earlier attempt. The rows of a report have the last attempt alone; its figures know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from imports.sources.attempts import outcome
from imports.sources.people import Kind, Person, ReportRow
from messenger_logs.choices import EMAIL_ARRIVED, EMAIL_FAILURES, NOT_LEFT, DeliveryStatus, Mode, Outcome, Reach

_BEST_FIRST = list(Reach)
Number = tuple[Mode | None, str]


def reach_of(person: Person) -> Reach:
    """Return what the statuses of a person's rows say, as messenger_logs/services/reach.py does of deliveries."""
    return min(map(_reach_of_row, person.rows), key=_BEST_FIRST.index)


def _reach_of_row(row: ReportRow) -> Reach:
    if not row.has_device:
        return Reach.NO_DEVICE
    if row.result.email_outcome in EMAIL_ARRIVED or (row.mode is not Mode.EMAIL and _succeeded(row)):
        return Reach.REACHED
    if _handed_over(row):
        return Reach.UNCONFIRMED
    return Reach.CANCELED if outcome(row) is Outcome.CANCELED else Reach.NOT_REACHED


def _succeeded(row: ReportRow) -> bool:
    return outcome(row) is Outcome.SUCCESS


def _handed_over(row: ReportRow) -> bool:
    said = row.result.email_outcome
    if row.mode is Mode.EMAIL:
        return said not in EMAIL_FAILURES and (bool(said) or row.result.status is DeliveryStatus.SENT)
    return row.mode is Mode.TEXT and row.result.status is DeliveryStatus.VENDOR_RECEIVED


def _phones(person: Person) -> list[ReportRow]:
    return [row for row in person.rows if row.by_phone and row.has_device]


class NobodyEarlier:
    """For a report that does not say whom the message reached."""

    def rows_of(self, person: Person) -> Iterable[ReportRow]:
        """Return the rows of a person whose earlier attempt reached somebody."""
        return []


@dataclass(slots=True)
class NumbersReached(NobodyEarlier):
    """The numbers of people who count as contacted although no status says so.

    An earlier success belongs to each row of the number: to the one that counts, and to its duplicates.
    """

    numbers: set[Number] = field(default_factory=set)

    def rows_of(self, person: Person) -> Iterable[ReportRow]:
        return [row for row in _phones(person) if _number(row) in self.numbers and not _succeeded(row)]


def numbers_reached(people: Iterable[Person], rows: Callable[[], Iterator[ReportRow]]) -> NumbersReached:
    """Find one number for each of these people; ``rows`` gives all rows of the report once more.

    A number that somebody has who was not contacted reached nobody. Only the numbers of the few people are held who
    were contacted, and whose statuses do not say it.
    """
    wanted = [
        # The last one counts in case of doubt, so those that were tried come last.
        [_number(row) for row in sorted(_phones(person), key=_left)]
        for person in people
        if person.kind is Kind.CONTACTED and not any(map(_succeeded, _phones(person)))
    ]
    asked = {number for numbers in wanted for number in numbers}
    not_reached = {_number(row) for row in rows() if row.starred and _number(row) in asked} if asked else set()
    found = NumbersReached()
    for numbers in filter(None, wanted):
        fitting = [number for number in numbers if number not in not_reached] or numbers
        if found.numbers.isdisjoint(fitting):
            found.numbers.add(fitting[-1])
    return found


def _left(row: ReportRow) -> bool:
    return row.result.status not in NOT_LEFT


def _number(row: ReportRow) -> Number:
    return row.mode, row.device


@dataclass(slots=True)
class PeopleReached(NobodyEarlier):
    """How many people of each kind are reached, beyond those of whom a status says it. Their numbers are not known."""

    more: Counter[Reach] = field(default_factory=Counter)

    def rows_of(self, person: Person) -> Iterable[ReportRow]:
        kind, phones = reach_of(person), _phones(person)
        if not self.more[kind] or not phones:
            return []
        self.more[kind] -= 1
        return phones[-1:]


def people_reached(people: Iterable[Person], wanted: Mapping[Reach, int]) -> PeopleReached:
    """Compare the people with the figures of a report: as many as it has more are taken from where it has fewer."""
    found, by_phone = Counter[Reach](), Counter[Reach]()
    for person in people:
        kind = reach_of(person)
        found[kind] += 1
        by_phone[kind] += bool(_phones(person))
    missing = max(0, wanted[Reach.REACHED] - found[Reach.REACHED])
    reached = PeopleReached()
    for kind in (Reach.NOT_REACHED, Reach.UNCONFIRMED, Reach.CANCELED):
        reached.more[kind] = max(0, min(missing, found[kind] - wanted[kind], by_phone[kind]))
        missing -= reached.more[kind]
    return reached
