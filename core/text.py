"""Text that PostgreSQL can hold: all Unicode characters except NUL. Half of a surrogate pair is no character.

JSON, addresses and forms can contain both. Source: https://www.postgresql.org/docs/current/datatype-character.html
"""

import re
from collections.abc import Iterator
from typing import Any

NUL = "\0"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# An escape in JSON text. Group 1 matches what PostgreSQL cannot hold: NUL and half a surrogate pair.
_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_SUSPECT_JSON_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def unstorable(text: str) -> str:
    """Return why PostgreSQL cannot hold a text, without a subject: "has a NUL character"; "" if it can."""
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
    """Return the text with U+FFFD in place of what PostgreSQL cannot hold."""
    return encodable(text.replace(NUL, REPLACEMENT))


def encodable(text: str) -> str:
    """Return the text with "?" in place of half surrogate pairs. NUL stays: filters refuse it with a message."""
    return text.encode(errors="replace").decode()


def storable_json(json: str) -> str:
    """Return JSON text with U+FFFD in place of escapes that PostgreSQL cannot hold."""
    if not _SUSPECT_JSON_ESCAPE.search(json):
        return json
    return _JSON_ESCAPE.sub(lambda match: r"\ufffd" if match[1] else match[0], json)


def texts_in(value: Any) -> Iterator[str]:
    """Yield all texts of a JSON value, also the names of members, in no order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
