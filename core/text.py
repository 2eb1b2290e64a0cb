"""What text PostgreSQL can hold: all of Unicode but NUL. Half of a surrogate pair is no character and cannot be held.

JSON can carry both, and so can addresses and forms. Source: https://www.postgresql.org/docs/current/datatype-character.html
"""

import re
from collections.abc import Iterator
from typing import Any

NUL = "\0"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# An escape in JSON text. Group 1 holds what PostgreSQL cannot: NUL and half a surrogate pair.
_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_SUSPECT_JSON_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def unstorable(text: str) -> str:
    """Why a text cannot be held, in words that follow its name; "" where it can."""
    if NUL in text:
        return "has a NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair, which is no character"
    return ""


def is_storable(text: str) -> bool:
    return not unstorable(text)


def storable(text: str) -> str:
    """The text with a mark in the place of what cannot be held."""
    return encodable(text.replace(NUL, REPLACEMENT))


def encodable(text: str) -> str:
    """The text with "?" in the place of halves of surrogate pairs. NUL stays: filters refuse it in words."""
    return text.encode(errors="replace").decode()


def storable_json(json: str) -> str:
    """JSON text with U+FFFD in the place of escapes of what cannot be held; the same text where there are none."""
    if not _SUSPECT_JSON_ESCAPE.search(json):
        return json
    return _JSON_ESCAPE.sub(lambda match: r"\ufffd" if match[1] else match[0], json)


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a JSON value, the names of its members too, in no order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
