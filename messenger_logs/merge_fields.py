"""Merge fields in the texts of a message: {{student.firstName}} as its name, or as the value of one recipient."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MERGE_FIELD = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_MARKUP = re.compile(r"<[a-zA-Z!/]")


def is_html(text: str) -> bool:
    return bool(_MARKUP.search(text))


def fields_of(text: str) -> list[str]:
    """The names of its {{fields}}, in order."""
    return _MERGE_FIELD.findall(text)


def merged(text: str, values: Mapping[str, str]) -> str:
    """The text with each {{field}} as its value or, where there is none, as its name: student.firstName."""
    return _MERGE_FIELD.sub(lambda field: str(values.get(field[1], field[1])), text)
