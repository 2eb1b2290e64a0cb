"""The order in which pieces of text in several directions stand on a line."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

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


def levels(text: str) -> list[int]:
    """The level of each character by Unicode's bidirectional algorithm: odd ones are written from right to left."""
    storage = get_empty_storage()
    storage["base_level"] = get_base_level(text)
    storage["base_dir"] = ("L", "R")[storage["base_level"]]
    get_embedding_levels(text, storage)
    characters = storage["chars"]
    for place, character in enumerate(characters):
        character["place"] = place
    explicit_embed_and_overrides(storage)
    resolve_weak_types(storage)
    resolve_neutral_types(storage, False)
    resolve_implicit_levels(storage, False)
    found = [storage["base_level"]] * len(text)
    for character in storage["chars"]:
        found[character["place"]] = character["level"]
    return found


def in_visual_order(runs: Sequence[T], *, level: Callable[[T], int]) -> list[T]:
    """Runs of one level each, from left to right: from the highest level down, all that is higher is turned around."""
    ordered = list(runs)
    for height in range(max(map(level, runs), default=0), 0, -1):
        groups = [(high, list(group)) for high, group in groupby(ordered, key=lambda run: level(run) >= height)]
        ordered = [run for high, group in groups for run in (reversed(group) if high else group)]
    return ordered
