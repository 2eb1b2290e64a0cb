"""The order on a line of texts with several directions, by Unicode's bidirectional algorithm (UAX #9).

python-bidi does most of the work. It knows no isolates (U+2066 to U+2069), no pairs of brackets, and no character that
is newer than Python's tables. This module adds them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar
from unicodedata import bidirectional

from bidi.algorithm import (
    explicit_embed_and_overrides,
    get_embedding_levels,
    get_empty_storage,
    resolve_implicit_levels,
    resolve_neutral_types,
    resolve_weak_types,
)

T = TypeVar("T")

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]").search
"""The blocks of the scripts that run from right to left, with what Unicode will add to them."""

BRACKETS = {")": "(", "]": "[", "}": "{"}
MOST_OPEN_BRACKETS = 63
"""UAX #9, definition BD16: a text with more open brackets has no more pairs."""

LEFT_TO_RIGHT_ISOLATE, RIGHT_TO_LEFT_ISOLATE, END_OF_ISOLATE = "\u2066", "\u2067", "\u2069"
ISOLATE = re.compile("[\u2066-\u2069]")
DEEPEST = 60
"""The highest level that python-bidi knows. What is isolated more deeply has the level of the text around it."""


def base_level(text: str) -> int:
    """Return 1 for a paragraph that runs from right to left, else 0. The first letter outside of isolates decides."""
    if not RIGHT_TO_LEFT(text):
        return 0
    kinds = (_kind(text[place]) for place in _outside(text, _isolates(text)))
    return int(next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L")


def levels(text: str, base: int | None = None) -> list[int]:
    """Return the level of each character; odd levels run from right to left.

    `base` is the level of the paragraph: 0, or 1 if it runs from right to left. With None, the text decides.
    """
    base = base_level(text) if base is None else base
    isolates = _isolates(text)
    outside = _outside(text, isolates)
    characters = _resolved("".join(text[place] for place in outside), base)
    found = [base] * len(text)
    embeddings = {}
    for place, character in zip(outside, characters, strict=True):
        found[place], embeddings[place] = character["level"], character["embedding"]
    for start, end in isolates:
        inner = text[start + 1 : end]
        level = _level_of_isolate(text[start], inner, embeddings[start])
        found[start + 1 : end] = [found[start]] * len(inner) if level > DEEPEST else levels(inner, level)
    return found


def _isolates(text: str) -> list[tuple[int, int]]:
    """Return the outermost isolates: where each begins, and where its end stands; that may be the end of the text."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for mark in ISOLATE.finditer(text):
        if mark[0] != END_OF_ISOLATE:
            opened.append(mark.start())
        elif opened:
            start = opened.pop()
            if not opened:
                found.append((start, mark.start()))
    return [*found, (opened[0], len(text))] if opened else found


def _outside(text: str, isolates: list[tuple[int, int]]) -> list[int]:
    """Return the positions of the characters outside of the isolates; the marks around an isolate are outside."""
    inside = {place for start, end in isolates for place in range(start + 1, end)}
    return [place for place in range(len(text)) if place not in inside]


def _level_of_isolate(mark: str, inner: str, around: int) -> int:
    """Return the next level above the one around the isolate that has its direction."""
    direction = {LEFT_TO_RIGHT_ISOLATE: 0, RIGHT_TO_LEFT_ISOLATE: 1}.get(mark)
    direction = base_level(inner) if direction is None else direction
    return around + 1 if (around + 1) % 2 == direction else around + 2


def _resolved(text: str, base: int) -> list[dict[str, Any]]:
    """Return the characters with their `level`, and with the `embedding` level that the marks before them made.

    The text is without the contents of isolates. Marks and joiners have the level of the character before them, so that
    they part no word.
    """
    storage = get_empty_storage()
    storage["base_level"], storage["base_dir"] = base, "LR"[base % 2]
    get_embedding_levels(text, storage)
    characters: list[dict[str, Any]] = list(storage["chars"])
    for character in characters:
        character["type"] = character["orig"] = _kind(character["ch"])
    explicit_embed_and_overrides(storage)
    for character in characters:
        character["embedding"] = character["level"]
    resolve_weak_types(storage)
    _resolve_brackets(storage)
    resolve_neutral_types(storage, False)
    resolve_implicit_levels(storage, False)
    resolved = set(map(id, storage["chars"]))
    level = base
    for character in characters:
        level = character["level"] = character["level"] if id(character) in resolved else level
    return characters


def _kind(character: str) -> str:
    """Return the bidirectional class. Marks of isolates are neutral, and so is what Python's tables do not have."""
    if ISOLATE.match(character):
        return "ON"
    return bidirectional(character) or ("R" if RIGHT_TO_LEFT(character) else "ON")


def _resolve_brackets(storage: dict[str, Any]) -> None:
    """Apply rule N0, which python-bidi leaves out: both brackets of a pair have the same direction."""
    for run in storage["runs"]:
        characters = storage["chars"][run["start"] : run["start"] + run["length"]]
        own = "LR"[characters[0]["level"] % 2] if characters else ""
        for opening, closing in sorted(_pairs(characters)):
            within = {_strong(characters[place]) for place in range(opening + 1, closing)} - {None}
            if not within:
                continue
            before = (_strong(characters[place]) for place in range(opening - 1, -1, -1))
            direction = own if own in within else next(filter(None, before), run["sor"])
            characters[opening]["type"] = characters[closing]["type"] = direction


def _pairs(characters: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield the positions of brackets that belong together."""
    opened: list[int] = []
    for place, character in enumerate(characters):
        if character["type"] != "ON":
            continue
        if character["ch"] in BRACKETS.values():
            if len(opened) == MOST_OPEN_BRACKETS:
                return
            opened.append(place)
        elif (bracket := BRACKETS.get(character["ch"])) and any(characters[p]["ch"] == bracket for p in opened):
            while characters[opening := opened.pop()]["ch"] != bracket:
                pass
            yield opening, place


def _strong(character: dict[str, Any]) -> str | None:
    """Return the direction of a strong character; numbers count as right to left. None for others."""
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(character["type"])


def in_visual_order(runs: Sequence[T], *, level: Callable[[T], int]) -> list[T]:
    """Return runs (of one level each) in their order from left to right: reverse them, from the highest level down."""
    ordered = list(runs)
    for height in range(max(map(level, runs), default=0), 0, -1):
        groups = [(high, list(group)) for high, group in groupby(ordered, key=lambda run: level(run) >= height)]
        ordered = [run for high, group in groups for run in (reversed(group) if high else group)]
    return ordered
