"""Pages of Mailgun's events, taken apart item by item: an item that cannot be read spoils no other.

A page has the members ``items`` and ``paging``: user-manual/events/events of Mailgun's documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

NOT_JSON = "It is not JSON."
TOO_DEEP = "It is nested too deeply."

_SPACE = re.compile(r"[ \t\n\r]*")
# A whole string, or what opens, closes or divides lists and objects.
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},]', re.DOTALL)
# Integers become floats: the code only compares them, and a number of 5,000 digits must not stop its page.
_DECODER = json.JSONDecoder(parse_int=float)

Made = TypeVar("Made")


class Item(NamedTuple):
    """One item of a page: its JSON as it came, and its value. ``error`` says why it has none; "" if it has one."""

    raw: str
    value: Any = None
    error: str = ""


def read_item(raw: str) -> Item:
    """Return the item of a text."""
    try:
        return Item(raw, _DECODER.decode(raw))
    except RecursionError:
        return Item(raw, error=TOO_DEEP)
    except ValueError:
        return Item(raw, error=NOT_JSON)


def read_page(text: str, make: Callable[[Item], Made]) -> tuple[list[Made] | None, dict[str, Any]]:
    """Split a page's JSON into what ``make`` makes of its items, and the other members.

    So the values of a page are not in memory together. The first is None if ``items`` is missing or not a list. Raises
    ValueError or RecursionError if the page itself is no JSON object.
    """
    items: list[Made] | None = None
    members: dict[str, Any] = {}
    at = _after(text, 0, "{")
    while text[at : at + 1] != "}":
        name, at = _read_name(text, at)
        if name == "items" and text[at : at + 1] == "[":
            items, at = _read_items(text, at, make)
        else:
            members[name], at = _DECODER.raw_decode(text, at)
        at = _after(text, at, ",", "}")
    return items, members


def read_members(text: str) -> dict[str, Item]:
    """Split a JSON object into its members, each with its JSON as it came.

    Raises ValueError if the text is no JSON object.
    """
    members: dict[str, Item] = {}
    at = _after(text, 0, "{")
    while text[at : at + 1] != "}":
        name, at = _read_name(text, at)
        members[name], at = _read_item(text, at, "}")
        at = _after(text, at, ",", "}")
    return members


def read_list(text: str) -> list[Item]:
    """Split a JSON list into its items. Raises ValueError if the text is no JSON list."""
    return _read_items(text, 0, lambda item: item)[0]


def _read_name(text: str, at: int) -> tuple[str, int]:
    """Return the name of a member, and the position of its value."""
    name, at = _DECODER.raw_decode(text, at)
    if not isinstance(name, str):
        raise ValueError("a member without a name")
    return name, _after(text, at, ":")


def _read_items(text: str, at: int, make: Callable[[Item], Made]) -> tuple[list[Made], int]:
    items = []
    at = _after(text, at, "[")
    while text[at : at + 1] != "]":
        item, at = _read_item(text, at, "]")
        items.append(make(item))
        at = _after(text, at, ",", "]")
    return items, at + 1


def _read_item(text: str, begin: int, closing: str) -> tuple[Item, int]:
    """Read the item at ``begin`` of what ends with ``closing``, and return the position after the item.

    Raises ValueError if the item has no end.
    """
    error = NOT_JSON
    try:
        value, end = _DECODER.raw_decode(text, begin)
        if _next_mark(text, end) in (",", closing):
            return Item(text[begin:end], value), end
    except RecursionError:
        error = TOO_DEEP
    except ValueError:
        pass
    end = _end_of_item(text, begin, closing)
    return Item(text[begin:end].rstrip(), error=error), end


def _end_of_item(text: str, begin: int, closing: str) -> int:
    """Find the comma or bracket after an item that is no JSON, by its strings and brackets alone."""
    depth = 0
    for mark in _MARK.finditer(text, begin):
        if depth == 0 and mark[0] in (",", closing):
            return mark.start()
        depth += (mark[0] in ("[", "{")) - (mark[0] in ("]", "}"))
    raise ValueError(f"the item at character {begin} has no end")


def _next_mark(text: str, at: int) -> str:
    at = _skip_space(text, at)
    return text[at : at + 1]


def _after(text: str, at: int, mark: str, last: str = "") -> int:
    """Return the position of the next value after ``mark``, or the position of ``last`` if that stands there."""
    at = _skip_space(text, at)
    found = text[at : at + 1]
    if found == last and last:
        return at
    if found != mark:
        raise ValueError(f"expected {mark!r} at character {at}")
    return _skip_space(text, at + 1)


def _skip_space(text: str, at: int) -> int:
    if text[at : at + 1] > " ":
        return at
    # It matches everywhere.
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]
