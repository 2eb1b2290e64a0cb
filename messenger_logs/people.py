"""Find people among the recipients: by a name, a person id, an e-mail address, a phone number, or by their student."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Func, IntegerField, Max, Q, QuerySet, Value, When

from core.text import visible
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Recipient
from messenger_logs.search import NormalizedText
from messenger_logs.services.addresses import mailbox, number_of, read_address

SHORTEST_NAME = 2
# The last seven digits are a number within its area; fewer digits match too much.
SHORTEST_NUMBER = 7
# A person has a row in each message. So many rows are looked at, so that a frequent name takes no longer than others.
MOST_ROWS = 20_000
# A longer text is no whole name.
MOST_WORDS = 8
_BETWEEN_WORDS = r"[\s,;]+"
_PHONE = re.compile(r"[+\d(][\d\s()+./-]*", re.ASCII)
# What a row matches: a part of something, the whole of the student's name or number, or the whole of the person's.
_PART, _STUDENT, _PERSON = 0, 1, 2
# The condition of the index of students' names.
_HAS_STUDENT = ~Q(plain_student_name="")


@dataclass(frozen=True, order=True)
class Student:
    name: str
    number: str = ""
    school: str = ""

    def __str__(self) -> str:
        number = f"({self.number})" if self.number else ""
        named = " ".join(filter(None, [self.name, number]))
        return ", ".join(filter(None, [named, self.school]))


@dataclass(frozen=True)
class Person:
    person_id: str
    name: str
    students: list[Student]
    meant_exactly: bool = False
    """Whether the text is the person's whole name, person id, address or number: not a part of one, nor a student's."""


@dataclass(frozen=True)
class FoundPeople:
    """Those who are meant exactly come first, then the families of a student who is, each in the order of names."""

    people: list[Person]
    more: bool = False
    """Whether more people match."""

    @property
    def only_one(self) -> Person | None:
        """The person whom the text means exactly, if it can mean nobody else."""
        alone = len(self.people) == 1 and not self.more
        return self.people[0] if alone and self.people[0].meant_exactly else None


@dataclass(frozen=True)
class _Reading:
    """The conditions of one way to read a text: it is the whole of something of a person or a student, or a part."""

    person: Q
    student: Q | None = None
    part: Q | None = None

    @property
    def conditions(self) -> list[Q]:
        return [condition for condition in (self.person, self.student, self.part) if condition is not None]


class _RowsOfAll(Func):
    """The number of rows in all groups together, also of those that a limit leaves out."""

    template = "sum(count(*)) OVER ()"
    contains_aggregate = True
    output_field = IntegerField()


def find_people(recipients: QuerySet[Recipient], text: str, *, limit: int) -> FoundPeople:
    """Find the people among ``recipients`` whom ``text`` means, or whose student it means; at most ``limit``.

    The function tries one reading of the text after the other, and stops at the first that finds somebody. So it never
    takes a person id for a part of a number. The number of queries does not depend on how many people are found.
    """
    for reading in _readings(visible(text)):
        rows = list(_people(recipients, reading)[: limit + 1])
        if rows:
            more = len(rows) > limit or rows[0]["seen"] >= MOST_ROWS
            return FoundPeople(_with_students(recipients, rows[:limit]), more)
    return FoundPeople([])


def _people(recipients: QuerySet[Recipient], reading: _Reading) -> QuerySet[Recipient, dict[str, Any]]:
    """The people of a reading. The rank says the most that a row of theirs matches."""
    first, *others = (_rows(recipients, condition) for condition in reading.conditions)
    ranks = [When(pk__in=_rows(recipients, reading.person), then=Value(_PERSON))]
    if reading.student is not None:
        ranks.append(When(pk__in=_rows(recipients, reading.student), then=Value(_STUDENT)))
    rank = Max(Case(*ranks, default=Value(_PART), output_field=IntegerField()))
    found = Recipient.objects.filter(pk__in=first.union(*others) if others else first)
    # A person's rows differ now and then, because names change.
    people = found.order_by().values("person_id").annotate(any_name=Max("name"), rank=rank, seen=_RowsOfAll())
    return people.order_by("-rank", "any_name", "person_id")


def _rows(recipients: QuerySet[Recipient], condition: Q) -> QuerySet[Recipient, dict[str, Any]]:
    return recipients.filter(condition).order_by().values("pk")[:MOST_ROWS]


def _with_students(recipients: QuerySet[Recipient], rows: list[dict[str, Any]]) -> list[Person]:
    """Return the people of these rows, each with all students whom messages to the person were about."""
    about = recipients.filter(person_id__in=[row["person_id"] for row in rows])
    named = about.exclude(student_name="", student_number="").order_by()
    columns = named.values_list("person_id", "student_name", "student_number", "student_school__name").distinct()
    students: dict[str, set[Student]] = defaultdict(set)
    for person_id, name, number, school in columns:
        students[person_id].add(Student(name, number, school or ""))
    return [
        Person(
            row["person_id"],
            row["any_name"],
            sorted(students[row["person_id"]]),
            meant_exactly=row["rank"] == _PERSON,
        )
        for row in rows
    ]


def _readings(text: str) -> Iterator[_Reading]:
    if not text:
        return
    yield _Reading(Q(person_id=text), student=Q(student_number=text))
    if "@" in text:
        yield _Reading(Q(deliveries__address=mailbox(text)), part=Q(deliveries__address__icontains=mailbox(text)))
        return
    is_phone = Q(deliveries__mode__in=PHONE)
    number = read_address(Mode.TEXT, text)
    # A number that cannot be used is found by its text: it has no other form.
    as_typed = Q(is_phone, deliveries__address__icontains=text)
    wholly_typed = Q(is_phone, deliveries__given_address=text)
    if not number.error:
        whole = Q(is_phone, deliveries__address=number.canonical) | wholly_typed
        part = Q(is_phone, deliveries__address__icontains=number_of(number.canonical))
        yield _Reading(whole, part=part | as_typed)
    digits = phone_digits(text)
    if digits:
        yield _Reading(wholly_typed, part=Q(is_phone, deliveries__address__icontains=digits) | as_typed)
        return
    if number.error and len(re.sub(r"\D", "", text)) >= SHORTEST_NUMBER:
        yield _Reading(wholly_typed, part=as_typed)
    words = [word for word in re.split(_BETWEEN_WORDS, text) if word]
    if any(len(word) >= SHORTEST_NAME for word in words):
        yield _Reading(
            _is_name("plain_name", words),
            student=_is_name("plain_student_name", words) & _HAS_STUDENT,
            part=_has_words("plain_name", words) | (_has_words("plain_student_name", words) & _HAS_STUDENT),
        )


def _has_words(path: str, words: list[str]) -> Q:
    """Each word is a part of the name, in any order."""
    return Q(*(Q((f"{path}__contains", NormalizedText(Value(word)))) for word in words))


def _is_name(path: str, words: list[str]) -> Q:
    """The words are the whole name: of "Vang, Lia", for "Vang Lia" as for "Lia Vang".

    Each way to write the name is a condition of its own, because the index of parts finds a whole text only so.
    """
    found = Q(pk__in=[])
    for way in sorted(_ways_to_write(words)) if len(words) <= MOST_WORDS else []:
        found |= Q((path, NormalizedText(Value(way))))
    return found


def _ways_to_write(words: list[str]) -> set[str]:
    """Return the name with the first names first or last, with and without a comma between them."""
    ways = {" ".join(words)}
    for at in range(1, len(words)):
        before, after = " ".join(words[:at]), " ".join(words[at:])
        for comma in (", ", ",", " "):
            ways |= {f"{before}{comma}{after}", f"{after}{comma}{before}"}
    return ways


def phone_digits(text: str) -> str:
    """The digits of a number as its E.164 form has them: (651) 555-0100 is part of +16515550100. "" for other text.

    Zeros in front (00 44, or 020 within a country) are no part of that form.
    """
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits if len(digits) >= SHORTEST_NUMBER else ""
