"""Text that PostgreSQL can hold: all Unicode characters except NUL. Half of a surrogate pair is no character.

JSON, addresses and forms can contain both. Source: https://www.postgresql.org/docs/current/datatype-character.html
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext

NUL = "\0"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# An escape in JSON text. Group 1 matches what PostgreSQL cannot hold: NUL and half a surrogate pair.
_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
# Characters without a shape that Unicode counts as letters, marks or symbols: fillers, variation selectors, and a blank
# of Braille. Source: Default_Ignorable_Code_Point of https://www.unicode.org/Public/UCD/latest/ucd/ .
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_SUSPECT_JSON_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def unstorable(text: str) -> str:
    """Return why PostgreSQL cannot hold a text, without a subject: "has a NUL character"; "" if it can."""
    if NUL in text:
        return gettext("has a NUL character")
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return gettext("has half of a surrogate pair, which is no character")
    return ""


def is_storable(text: str) -> bool:
    return not unstorable(text)


def storable(text: str) -> str:
    """Return the text with U+FFFD in place of what PostgreSQL cannot hold."""
    return encodable(text.replace(NUL, REPLACEMENT))


def visible(text: str) -> str:
    """Return the text without invisible characters, such as marks of direction, and with single blanks."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(one for one in _SHAPELESS.sub("", text) if one.isspace() or not _is_control(one))
    return " ".join(text.split())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf")


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
