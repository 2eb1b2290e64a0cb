"""The order on a line of texts with several directions."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

from bidi.algorithm import (
    explicit_embed_and_overrides,
    get_base_level,
    get_embedding_levels,
    get_empty_storage,
    resolve_implicit_levels,
    resolve_neutral_types,
    resolve_weak_types,
)

T = TypeVar("T")

BRACKETS = {")": "(", "]": "[", "}": "{"}


def levels(text: str, base: int | None = None) -> list[int]:
    """Return the level of each character by Unicode's bidirectional algorithm; odd levels run from right to left.

    `base` is 1 in a paragraph from right to left, and 0 in others. With None, the text decides.
    """
    storage = get_empty_storage()
    storage["base_level"] = get_base_level(text) if base is None else base
    storage["base_dir"] = ("L", "R")[storage["base_level"]]
    get_embedding_levels(text, storage)
    characters = storage["chars"]
    for place, character in enumerate(characters):
        character["place"] = place
    explicit_embed_and_overrides(storage)
    resolve_weak_types(storage)
    _resolve_brackets(storage)
    resolve_neutral_types(storage, False)
    resolve_implicit_levels(storage, False)
    found = [storage["base_level"]] * len(text)
    for character in storage["chars"]:
        found[character["place"]] = character["level"]
    return found


def _resolve_brackets(storage: dict[str, Any]) -> None:
    """Apply rule N0, which python-bidi leaves out: both brackets of a pair have the same direction."""
    for run in storage["runs"]:
        characters = storage["chars"][run["start"] : run["start"] + run["length"]]
        own = "LR"[characters[0]["level"] % 2] if characters else ""
        for opening, closing in sorted(_pairs(characters)):
            within = {_strong(character) for character in characters[opening + 1 : closing]} - {None}
            if not within:
                continue
            before = (_strong(character) for character in reversed(characters[:opening]))
            direction = own if own in within else next(filter(None, before), run["sor"])
            characters[opening]["type"] = characters[closing]["type"] = direction


def _pairs(characters: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield the positions of brackets that belong together."""
    opened: list[int] = []
    for place, character in enumerate(characters):
        if character["ch"] in BRACKETS.values():
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
