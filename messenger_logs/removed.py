"""The words that stand where names, addresses and texts were: rows stay, so that figures stay."""

from __future__ import annotations

import re
from typing import Any

REMOVED = "(removed)"
"""Pages, reports and files show it in place of a name, an address or a text."""

TOKEN = "removed-"  # noqa: S105  (no password)
"""With a number, it stands for a person or a device, so that rows of the same one still belong together."""

_ADDRESS = r'[^\s<>(),;:"]+@[^\s<>(),;:"]+'
_NUMBER = r"\+?\d[\d().\s-]{5,}\d"
# What an explanation of a provider may repeat.
PERSONAL = re.compile(f"{_ADDRESS}|{_NUMBER}")


def plain_sql(column: str, *, name: str = "NULL") -> str:
    """The SQL of a text of at most 200 characters, without the addresses and numbers, and the name, that it repeats."""
    nameless = f"coalesce(replace({column}, {name}, '{REMOVED}'), {column})"
    return f"left(regexp_replace({nameless}, '{PERSONAL.pattern}', '{REMOVED}', 'g'), 200)"


def removed_texts(value: Any) -> Any:
    """Return a JSON value with the same members and lists, in which each text is removed."""
    if isinstance(value, dict):
        return {key: removed_texts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [removed_texts(part) for part in value]
    return REMOVED if isinstance(value, str) and value else value
