"""Find people among the recipients: by a name, a person id, an e-mail address, a phone number, or by their student."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, Exists, IntegerField, Max, OuterRef, Q, QuerySet, Value, When

from core.replica import read_connection
from core.text import visible
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Delivery, Recipient
from messenger_logs.search import NormalizedText
from messenger_logs.services.addresses import mailbox, number_of, read_address

SHORTEST_NAME = 2
# The last seven digits are a number within its area; fewer digits match too much.
SHORTEST_NUMBER = 7
# A person has a row in each message. So many rows are looked at, so that a frequent name takes no longer than others.
MOST_ROWS = 10_000
# A longer text is no whole name.
MOST_WORDS = 8
_BETWEEN_WORDS = r"[\s,;]+"
_PHONE = re.compile(r"[+\d(][\d\s()+./-]*", re.ASCII)
# What a row matches: a part of something, the whole of the student's name or number, or the whole of the person's.
_PART, _STUDENT, _PERSON = 0, 1, 2
_IS_PHONE = Q(mode__in=PHONE)
# The conditions of the indexes of students.
_HAS_STUDENT, _HAS_NUMBER = ~Q(plain_student_name=""), ~Q(student_number="")


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
    """One way to read a text: which rows have it, and of which of them it is the whole.

    ``person`` and ``student`` are conditions for a row of a recipient: the text is the whole of something of theirs.
    """

    rows: Q
    person: Q | Exists
    student: Q | None = None
    # The rows of which it is the whole, as conditions that an index knows. There may be too many ``rows``.
    whole: Q | None = None


def find_people(recipients: QuerySet[Recipient], text: str, *, limit: int) -> FoundPeople:
    """Find the people among ``recipients`` whom ``text`` means, or whose student it means; at most ``limit``.

    The function tries one reading of the text after the other, and stops at the first that finds somebody. So it never
    takes a person id for a part of a number. The number of queries does not depend on how many people are found.
    """
    for reading in _readings(visible(text)):
        people, seen = _people(recipients, reading, reading.rows, limit + 1)
        if not people:
            continue
        cut = seen >= MOST_ROWS
        if cut and reading.whole is not None:
            exactly, _ = _people(recipients, reading, reading.whole, limit + 1)
            people = list({person.person_id: person for person in [*exactly, *people]}.values())
        return FoundPeople(_with_students(recipients, people[:limit]), more=cut or len(people) > limit)
    return FoundPeople([])


def find_students(recipients: QuerySet[Recipient], text: str, *, limit: int) -> list[Student]:
    """Find the students whose whole number, or whole name, the text is; at most ``limit``, without their schools."""
    text = visible(text)
    words = [word for word in re.split(_BETWEEN_WORDS, text) if word]
    wholly = _is_name("plain_student_name", words) & _HAS_STUDENT if words else Q(pk__in=[])
    for condition in (Q(student_number=text) & _HAS_NUMBER, wholly):
        rows = recipients.filter(condition).order_by("student_number", "student_name") if text else recipients.none()
        found = rows.values_list("student_name", "student_number").distinct()[:limit]
        if students := [Student(name, number) for name, number in found]:
            return students
    return []


# A person's rows differ now and then, because names change. The limit is inside: Django's queries have it only outside.
_PEOPLE = """
SELECT person_id, max(name) AS name, max(rank) AS rank, sum(count(*)) OVER ()
FROM ({rows}) AS found GROUP BY person_id ORDER BY rank DESC, name, person_id LIMIT %s
"""


def _people(recipients: QuerySet[Recipient], reading: _Reading, condition: Q, limit: int) -> tuple[list[Person], int]:
    """Return the people of the first MOST_ROWS rows, without their students, and how many rows there are."""
    ranks = [When(reading.person, then=Value(_PERSON))]
    if reading.student is not None:
        ranks.append(When(reading.student, then=Value(_STUDENT)))
    rank = Case(*ranks, default=Value(_PART), output_field=IntegerField())
    found = recipients.filter(condition, removed=False).order_by().annotate(rank=rank)
    rows = found.values("person_id", "name", "rank")[:MOST_ROWS]
    try:
        sql, parameters = rows.query.sql_with_params()
    except EmptyResultSet:
        return [], 0
    with read_connection().cursor() as cursor:
        cursor.execute(_PEOPLE.format(rows=sql), [*parameters, limit])
        people = cursor.fetchall()
    named = [Person(person_id, name, [], meant_exactly=rank == _PERSON) for person_id, name, rank, _ in people]
    return named, int(people[0][-1]) if people else 0


def _with_students(recipients: QuerySet[Recipient], people: list[Person]) -> list[Person]:
    """Return these people, each with all students whom messages to the person were about, in their newest school."""
    about = recipients.filter(person_id__in=[person.person_id for person in people])
    named = about.exclude(student_name="", student_number="").order_by()
    columns = named.values_list("person_id", "student_name", "student_number", "student_school__name")
    schools: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for person_id, name, number, school, _ in columns.annotate(newest=Max("pk")).order_by("newest"):
        schools[person_id][name, number] = school or ""
    return [replace(person, students=_students(schools[person.person_id])) for person in people]


def _students(schools: Mapping[tuple[str, str], str]) -> list[Student]:
    return sorted(Student(name, number, school) for (name, number), school in schools.items())


def _readings(text: str) -> Iterator[_Reading]:
    if not text:
        return
    is_person, is_student = Q(person_id=text), Q(student_number=text)
    yield _Reading(is_person | (is_student & _HAS_NUMBER), is_person, is_student)
    if "@" in text:
        yield _at_device(Q(address__icontains=mailbox(text)), Q(address=mailbox(text)))
        return
    number = read_address(Mode.TEXT, text)
    # A number that cannot be used is found by its text: it has no other form.
    as_typed, wholly_typed = Q(_IS_PHONE, address__icontains=text), Q(_IS_PHONE, given_address=text)
    if not number.error:
        part = Q(_IS_PHONE, address__icontains=number_of(number.canonical))
        yield _at_device(part | as_typed, Q(_IS_PHONE, address=number.canonical) | wholly_typed)
    digits = phone_digits(text)
    if digits:
        yield _at_device(Q(_IS_PHONE, address__icontains=digits) | as_typed, wholly_typed)
        return
    if number.error and len(re.sub(r"\D", "", text)) >= SHORTEST_NUMBER:
        yield _at_device(as_typed, wholly_typed)
    words = [word for word in re.split(_BETWEEN_WORDS, text) if word]
    if any(len(word) >= SHORTEST_NAME for word in words):
        yield _named(words)


def _at_device(part: Q, whole: Q) -> _Reading:
    """A part of an address or number. Both are conditions for a delivery."""
    of_the_row = Delivery.objects.filter(whole, recipient=OuterRef("pk"))
    with_part = Delivery.objects.filter(part).values("recipient")
    return _Reading(Q(pk__in=with_part), Exists(of_the_row))


def _named(words: list[str]) -> _Reading:
    student = _is_name("plain_student_name", words) & _HAS_STUDENT
    person = _is_name("plain_name", words)
    parts = _has_words("plain_name", words) | (_has_words("plain_student_name", words) & _HAS_STUDENT)
    return _Reading(parts, person, student, whole=person | student)


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
