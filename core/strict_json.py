"""Reads JSON from outside, by RFC 8259 and in UTF-8. It refuses what Python cannot take, or would take in part.

Callers limit the number of bytes.
"""

import json
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NoReturn

GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_NAME = 64
_STRING_OR_END = re.compile(r'"(?:[^"\\]++|\\.)*+"|}', re.DOTALL)


class JSONError(ValueError):
    """The text cannot be read. The message says why, without a subject: "is not UTF-8"."""


class _RepeatedName(JSONError):
    pass


def read_json(text: bytes | str, *, only_once: Collection[str] | None = None) -> Any:
    """Return the value of a JSON text, with or without a byte order mark. Raises JSONError.

    A name may occur only once in an object. With `only_once` that holds for these names alone; of another name the last
    value counts.
    """
    decoded = text if isinstance(text, str) else _decoded(text)
    make_object = partial(_without_repeated_names, only_once=only_once)
    try:
        return json.loads(decoded, parse_constant=_refuse_constant, object_pairs_hook=make_object)
    except _RepeatedName as error:
        raise JSONError(f"{error}{_end_of_refused_object(decoded, make_object)}") from None
    except RecursionError:
        raise JSONError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JSONError(f"is not JSON: {error.msg}, at character {error.pos + 1:,}") from None
    except ValueError:
        # Python refuses integers of more than 4,300 digits, because the time grows with the square of their number.
        raise JSONError("has a number that is none, or one of thousands of digits") from None


def read_object(text: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object in the answer of a provider; None if it is not JSON, or no object.

    What a provider has done cannot be refused, so a repeated name is no reason to read nothing.
    """
    try:
        value = read_json(text, only_once=())
    except JSONError:
        return None
    return value if isinstance(value, dict) else None


def foreign_form(begin: bytes) -> str:
    """Return why data that begins with these bytes is no UTF-8 text, as in JSONError; "" if it may be.

    The first four bytes are enough: in UTF-16 and UTF-32, one of the first characters of JSON has a zero byte.
    """
    if begin.startswith(GZIP_MAGIC):
        return "is compressed (gzip)"
    encoding = json.detect_encoding(begin[:4])
    return "" if encoding.startswith("utf-8") else f"is {encoding[:6].upper()}, not UTF-8"


def _decoded(text: bytes) -> str:
    if reason := foreign_form(text):
        raise JSONError(reason)
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise JSONError("is not UTF-8") from None


def _without_repeated_names(pairs: list[tuple[str, Any]], only_once: Collection[str] | None) -> dict[str, Any]:
    """Refuse an object in which a name occurs twice: one of its values would be lost."""
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen and (only_once is None or name in only_once):
                named = f' "{name}"' if name.isprintable() and len(name) <= _LONGEST_NAME else ""
                raise _RepeatedName(f"has the key{named} twice in one object")
            seen.add(name)
    return value


def _end_of_refused_object(text: str, make_object: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> str:
    """Return where the object with the repeated name ends, as a part of a sentence; "" in a text of one line."""
    closed = 0

    def count(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal closed
        closed += 1
        return make_object(pairs)

    with suppress(_RepeatedName):
        json.loads(text, object_pairs_hook=count)
    ends = (found.start() for found in _STRING_OR_END.finditer(text) if found[0] == "}")
    line = text.count("\n", 0, next(islice(ends, closed - 1, None))) + 1
    return f", which ends in line {line:,}" if "\n" in text.strip() else ""


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity: Python reads them, but they are not JSON."""
    raise ValueError(name)
