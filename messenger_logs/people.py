"""Find a person among the recipients by a name, a person id, an e-mail address or a phone number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg, BoolOr
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Max, Q, QuerySet, TextField, Value
from django.db.models.lookups import Exact

from core.text import visible
from messenger_logs.choices import PHONE, Mode
from messenger_logs.models import Recipient
from messenger_logs.search import NormalizedText
from messenger_logs.services.addresses import mailbox, number_of, read_address

SHORTEST_NAME = 2
# The last seven digits are a number within its area; fewer digits match too much.
SHORTEST_NUMBER = 7
_BETWEEN_WORDS = r"[\s,;]+"
_PHONE = re.compile(r"[+\d(][\d\s()+./-]*", re.ASCII)


@dataclass(frozen=True)
class Person:
    person_id: str
    name: str
    students: list[str]
    meant_exactly: bool = False
    """Whether the text is the person's whole name, person id, address or number, and not a part of one."""


def find_people(recipients: QuerySet[Recipient], text: str, *, limit: int) -> list[Person]:
    """The people among ``recipients`` whom ``text`` means, in the order of their names; at most ``limit``.

    The function tries one reading of the text after the other, and stops at the first that finds somebody. So it never
    takes a person id for a part of a number.
    """
    for meant, exactly in _readings(visible(text)):
        # A person's rows differ now and then: names change, and there may be several students.
        people = (
            recipients.filter(meant)
            .order_by()
            .values("person_id")
            .annotate(
                any_name=Max("name"),
                exactly=BoolOr(exactly),
                students=ArrayAgg("student_name", distinct=True, filter=~Q(student_name=""), default=Value([])),
            )
            .order_by("any_name", "person_id")
        )
        found = [
            Person(row["person_id"], row["any_name"], row["students"], meant_exactly=row["exactly"])
            for row in people[:limit]
        ]
        if found:
            return found
    return []


def _readings(text: str) -> Iterator[tuple[Q, Q]]:
    """Yield the conditions of each reading: the text is a part of something, and it is the whole of it."""
    if not text:
        return
    yield Q(person_id=text), Q(person_id=text)
    if "@" in text:
        yield Q(deliveries__address__icontains=mailbox(text)), Q(deliveries__address=mailbox(text))
        return
    is_phone = Q(deliveries__mode__in=PHONE)
    number = read_address(Mode.TEXT, text)
    # A number that cannot be used is found by its text: it has no other form.
    as_typed = Q(is_phone, deliveries__address__icontains=text)
    wholly_typed = Q(is_phone, deliveries__given_address=text)
    if not number.error:
        whole = Q(is_phone, deliveries__address=number.canonical)
        yield Q(is_phone, deliveries__address__icontains=number_of(number.canonical)) | as_typed, whole | wholly_typed
    digits = phone_digits(text)
    if digits:
        yield Q(is_phone, deliveries__address__icontains=digits) | as_typed, wholly_typed
        return
    if number.error and len(re.sub(r"\D", "", text)) >= SHORTEST_NUMBER:
        yield as_typed, wholly_typed
    words = [word for word in re.split(_BETWEEN_WORDS, text) if word]
    if any(len(word) >= SHORTEST_NAME for word in words):
        parts = (Q(plain_name__contains=NormalizedText(Value(word))) for word in words)
        yield Q(*parts), Q(Exact(_words(F("plain_name")), _words(NormalizedText(Value(text)))))


def _words(text: Any) -> Func:
    """The words of a text in the order of the alphabet: those of "Vang, Lia" are also those of "Lia Vang"."""
    return Func(
        text,
        Value(_BETWEEN_WORDS),
        template=(
            "(SELECT array_agg(word ORDER BY word) FROM regexp_split_to_table(%(expressions)s) AS word"
            " WHERE word <> '')"
        ),
        output_field=ArrayField(TextField()),
    )


def phone_digits(text: str) -> str:
    """The digits of a number as its E.164 form has them: (651) 555-0100 is part of +16515550100. "" for other text.

    Zeros in front (00 44, or 020 within a country) are no part of that form.
    """
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits if len(digits) >= SHORTEST_NUMBER else ""
