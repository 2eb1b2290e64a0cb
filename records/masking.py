"""Takes other families out of texts: their names, addresses, numbers and ids, wherever a text has them.

The people are those of the whole ledger, not of one message: a body may name a child whose family did not get it. A
name is found in any order, case and spelling of accents. A first name alone is nobody's name, and stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Recipient
from messenger_logs.services.addresses import read_address

NAME, ADDRESS = gettext_noop("[name withheld]"), gettext_noop("[address withheld]")
NUMBER, ID = gettext_noop("[number withheld]"), gettext_noop("[id withheld]")

_WORD = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[^\s<>\"'(),:;@\[\]]+@[^\s<>\"'(),:;@\[\]]+[^\W_]")
_PHONE = re.compile(r"\+?\(?\d[\d\s().+/-]{5,}\d")
# A number of a person or student has a digit. Shorter ones are part of too many other things.
_ID = re.compile(r"(?<![\w-])(?=[\w-]*\d)[\w-]{4,64}(?![\w-])")
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")

Key = tuple[str, ...]
"""The words of a name in the order of the alphabet, so that "Vang, Mai" and "Mai Vang" are the same."""


def key_of(words: Iterable[str]) -> Key:
    return tuple(sorted(map(_letters, words)))


def _letters(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _key_of_name(name: str) -> Key:
    return key_of(_WORD.findall(unicodedata.normalize("NFC", _UNSEEN.sub("", name))))


@dataclass(frozen=True)
class Mask:
    """Masks everybody but a family: the rows of recipients about whom a request is."""

    family: QuerySet[Recipient]

    @cached_property
    def _own_names(self) -> set[Key]:
        return set(map(_key_of_name, _names_in(self.family)))

    @cached_property
    def _others(self) -> set[Key]:
        return {key for key in map(_key_of_name, _names_in(Recipient.objects.all())) if key} - self._own_names

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(key) for key in self._others}, reverse=True)

    @cached_property
    def _own_ids(self) -> set[str]:
        rows = self.family.order_by().values_list("person_id", "student_number").distinct()
        return {text for row in rows for text in row}

    @cached_property
    def _own_addresses(self) -> set[str]:
        deliveries = Delivery.objects.filter(recipient__in=self.family).order_by()
        return set(deliveries.values_list("address", flat=True).distinct())

    def texts(self, texts: Collection[str], *, staff: Collection[str] = ()) -> list[str]:
        """Return the texts without other families. `staff` are names and addresses that stay, such as the sender's."""
        clean = [unicodedata.normalize("NFC", _UNSEEN.sub("", text)) for text in texts]
        stay = {_key_of_name(name) for name in staff}
        for pattern, find in (
            (_EMAIL, self._strange_addresses(Mode.EMAIL, gettext(ADDRESS), staff)),
            (_PHONE, self._strange_addresses(Mode.TEXT, gettext(NUMBER), staff)),
            (_ID, self._strange_ids),
        ):
            found = {text for one in clean for text in pattern.findall(one)}
            masks = find(found) if found else {}
            clean = [_replaced(pattern, one, masks) for one in clean]
        return [self._without_names(one, stay) for one in clean]

    def _strange_addresses(self, mode: Mode, mask: str, staff: Collection[str]) -> Callable[[set[str]], dict[str, str]]:
        """Return a function that finds, among texts, addresses of others in the ledger."""

        def find(texts: set[str]) -> dict[str, str]:
            canonical = {text: read_address(mode, text).canonical for text in texts if text not in staff}
            known = Delivery.objects.filter(address__in=set(canonical.values()) - self._own_addresses).order_by()
            others = set(known.values_list("address", flat=True).distinct())
            return {text: mask for text, address in canonical.items() if address in others}

        return find

    def _strange_ids(self, texts: set[str]) -> dict[str, str]:
        wanted = texts - self._own_ids
        rows = Recipient.objects.order_by()
        people = rows.filter(person_id__in=wanted).values_list("person_id", flat=True).distinct()
        students = rows.filter(student_number__in=wanted).values_list("student_number", flat=True).distinct()
        return dict.fromkeys([*people, *students], gettext(ID))

    def _without_names(self, text: str, stay: set[Key]) -> str:
        parts, end = [], 0
        for start, stop in self._names_in_text(text, stay):
            parts += [text[end:start], gettext(NAME)]
            end = stop
        return "".join([*parts, text[end:]])

    def _names_in_text(self, text: str, stay: set[Key]) -> Iterator[tuple[int, int]]:
        """Yield where the names of others stand; of two that overlap, the first and then the longest."""
        words = list(_WORD.finditer(text))
        letters = [_letters(word[0]) for word in words]
        place = 0
        while place < len(words):
            length, strange = self._name_at(letters, place, stay, text[words[place].start()].isupper())
            if strange:
                yield words[place].start(), words[place + length - 1].end()
            place += length

    def _name_at(self, letters: list[str], place: int, stay: set[Key], capital: bool) -> tuple[int, bool]:
        """Return the number of words of the name that begins here, and whether it is another's; 1 for no name."""
        for length in self._lengths:
            key = tuple(sorted(letters[place : place + length]))
            if len(key) < length or (length == 1 and not capital):
                continue
            if key in stay or key in self._own_names:
                return length, False
            if key in self._others:
                return length, True
        return 1, False


def _replaced(pattern: re.Pattern[str], text: str, masks: Mapping[str, str]) -> str:
    return pattern.sub(lambda match: masks.get(match[0], match[0]), text)


def _names_in(recipients: QuerySet[Recipient]) -> Iterator[str]:
    for column in ("name", "student_name"):
        yield from recipients.order_by().values_list(column, flat=True).distinct().iterator(chunk_size=10_000)
