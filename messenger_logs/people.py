"""Find a person among the recipients by a name, a person id, an e-mail address or a phone number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Q, QuerySet, Value

from core.text import visible
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Recipient
from messenger_logs.search import NormalizedText
from messenger_logs.services.addresses import mailbox, number_of, read_address

SHORTEST_NAME = 2
# The last seven digits are a number within its area; fewer digits match too much.
SHORTEST_NUMBER = 7
_PHONE = re.compile(r"[+\d(][\d\s()+./-]*", re.ASCII)


@dataclass(frozen=True)
class Person:
    person_id: str
    name: str
    students: list[str]


def find_people(recipients: QuerySet[Recipient], text: str, *, limit: int) -> list[Person]:
    """The people among ``recipients`` whom ``text`` means, in the order of their names; at most ``limit``.

    The function tries one reading of the text after the other, and stops at the first that finds somebody. So it never
    takes a person id for a part of a number.
    """
    for meant in _readings(visible(text)):
        # A person's rows differ now and then: names change, and there may be several students.
        people = (
            recipients.filter(meant)
            .order_by()
            .values("person_id")
            .annotate(
                any_name=Max("name"),
                students=ArrayAgg("student_name", distinct=True, filter=~Q(student_name=""), default=Value([])),
            )
            .order_by("any_name", "person_id")
        )
        found = [Person(row["person_id"], row["any_name"], row["students"]) for row in people[:limit]]
        if found:
            return found
    return []


def _readings(text: str) -> Iterator[Q]:
    if not text:
        return
    yield Q(person_id=text)
    if "@" in text:
        yield Q(deliveries__address__icontains=mailbox(text))
        return
    number = read_address(Mode.TEXT, text)
    if not number.error:
        yield Q(deliveries__address__icontains=number_of(number.canonical), deliveries__mode__in=PHONE)
    digits = phone_digits(text)
    if digits:
        yield Q(deliveries__address__icontains=digits, deliveries__mode__in=PHONE)
        return
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if any(len(word) >= SHORTEST_NAME for word in words):
        yield Q(*(Q(plain_name__contains=NormalizedText(Value(word))) for word in words))


def phone_digits(text: str) -> str:
    """The digits of a number as its E.164 form has them: (651) 555-0100 is part of +16515550100. "" for other text.

    Zeros in front (00 44, or 020 within a country) are no part of that form.
    """
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits if len(digits) >= SHORTEST_NUMBER else ""
