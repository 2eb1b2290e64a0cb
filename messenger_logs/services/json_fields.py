"""Read JSON from outside, field by field, with a message for each error.

A message never repeats a value: messages go to screens and logs, and the values are people's names and numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import gettext as _

from core import strict_json
from core.dates import EARLIEST_YEAR, LATEST_YEAR
from core.languages import english
from core.text import storable, unstorable

# The most errors that one input reports.
MOST_ERRORS = 50

Choice = TypeVar("Choice")


class FieldError(NamedTuple):
    """An error: the line of the input (from 1), the path of the field ("" for the whole line), and the message."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {f'{self.field} ' if self.field else ''}{self.message}"


class IntakeError(Exception):
    """An input that cannot be stored; `errors` says why, for each line and field."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


class Errors:
    """Collects errors, so that one answer has all of them."""

    def __init__(self, line: int = 1) -> None:
        self.line = line
        self._found: list[FieldError] = []

    def add(self, field: str, message: str) -> None:
        self._found.append(FieldError(self.line, field, message))
        if len(self._found) >= MOST_ERRORS:
            raise IntakeError(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise IntakeError(self._found)


def read_json(text: bytes, *, line: int) -> object:
    """The JSON value of a line. Raises IntakeError."""
    try:
        return strict_json.read_json(text)
    except strict_json.JSONError as error:
        raise IntakeError([FieldError(line, "", str(error))]) from None


def squeezed(text: str) -> str:
    """A label in a spelling for comparisons: "No-Answer", "no answer" and "NO_ANSWER" are the same."""
    return "".join(filter(str.isalnum, text.casefold()))


class Fields:
    """The fields of one JSON object, read one by one. Errors go to `errors`; null counts as absent."""

    def __init__(self, value: dict[str, Any], errors: Errors, path: str = "") -> None:
        self._left = dict(value)
        self._errors = errors
        self._path = path

    def wrong(self, name: str, message: str) -> None:
        self._errors.add(f"{self._path}{name}", message)

    def line(self, name: str, most: int, *, required: bool = False, lenient: bool = False) -> str:
        """A line of text with its white space simplified; "" where it is absent. A whole number becomes text.

        A lenient line is cut where it is too long, and U+FFFD replaces what cannot be stored.
        """
        value = self._left.pop(name, None)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                self.wrong(name, _("is missing"))
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if lenient and isinstance(value, str):
            value = storable(value)
        text = " ".join(self._checked(name, value).split())
        if lenient:
            return text[:most]
        if len(text) > most:
            self.wrong(name, _("is longer than %(most)s characters") % {"most": f"{most:,}"})
        return text

    def number(self, name: str, low: int, high: int) -> int | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(name, _("is not a whole number"))
        elif not low <= value <= high:
            self.wrong(name, _("is not from %(low)s to %(high)s") % {"low": f"{low:,}", "high": f"{high:,}"})
        else:
            return value
        return None

    def flag(self, name: str) -> bool:
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, _("is neither true nor false"))
        return value is True

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        """A time as ISO 8601 with its offset from UTC."""
        value = self._left.pop(name, None)
        if value is None:
            if required:
                self.wrong(name, _("is missing"))
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            self.wrong(name, _("is not a time such as 2026-11-20T10:05:00-06:00"))
            return None
        if moment.utcoffset() is None:
            self.wrong(name, _("does not say its offset from UTC, as in 2026-11-20T10:05:00-06:00"))
        elif not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            years = {"first": EARLIEST_YEAR, "last": LATEST_YEAR}
            self.wrong(name, _("is not in the years %(first)s to %(last)s") % years)
        else:
            return moment.astimezone(UTC)
        return None

    def choice(self, name: str, by_label: Mapping[str, Choice], *, required: bool = False) -> Choice | None:
        """One of the choices, by a label in any spelling that `squeezed` makes the same."""
        value = self._left.pop(name, None)
        if value is None and not required:
            return None
        chosen = by_label.get(squeezed(value)) if isinstance(value, str) else None
        if chosen is None:
            labels: Iterator[Any] = (getattr(one, "label", one) for one in by_label.values())
            known = ", ".join(dict.fromkeys(map(english, labels)))
            message = _("is missing") if value is None else _("is none of: %(known)s") % {"known": known}
            self.wrong(name, message)
        return chosen

    def items(self, name: str, *, required: bool = False) -> list[Any]:
        """The items of a list."""
        value = self._left.pop(name, None)
        if value is None:
            value = []
        if not isinstance(value, list):
            self.wrong(name, _("is not a list"))
            return []
        if required and not value:
            self.wrong(name, _("is missing"))
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list. The caller calls `done` on each of them."""
        for at, item in enumerate(self.items(name)):
            path = f"{name}[{at}]"
            if isinstance(item, dict):
                yield Fields(item, self._errors, f"{self._path}{path}.")
            else:
                self.wrong(path, _("is not a JSON object"))

    def texts(self, name: str) -> dict[str, str]:
        """An object of texts. Numbers and booleans in it become text."""
        value = self._left.pop(name, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(name, _("is not a JSON object"))
            return {}
        for key in value:
            self._checked(name, key)
        return {key: self.as_text(f"{name}.{key}", part) for key, part in value.items()}

    def as_text(self, name: str, value: object) -> str:
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        return self._checked(name, value)

    def _checked(self, name: str, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(name, _("is not text"))
            return ""
        if message := unstorable(value):
            self.wrong(name, message)
            return ""
        return value

    def done(self) -> None:
        """Refuse the fields that nobody read: a misspelled name would lose its value."""
        for name in self._left:
            self.wrong(name if name.isidentifier() and len(name) <= 64 else "", _("is not a field that is known here"))
