"""The look of a status: a word, a shape and a color, with an explanation. Color alone never carries a meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.functional import lazy
from django.utils.translation import pgettext_lazy

from core.languages import english

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Tone(StrEnum):
    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    RUNNING = "running"
    NEUTRAL = "neutral"


class Shape(StrEnum):
    """One mark for each meaning, so that statuses differ without color. Screen readers skip it and read the word."""

    DOT = "●"
    RING = "○"
    HALF = "◐"
    CHECK = "✓"
    CROSS = "✕"
    TRIANGLE = "▲"
    SQUARE = "■"
    DIAMOND = "◆"


@dataclass(frozen=True)
class Status:
    """One status of a log. `meaning` is a sentence for people who do not know the word.

    A page shows the word in the language of its reader; a file has it in English, as the provider says it.
    """

    # The hash is that of what does not change with the language.
    word: StrOrPromise = field(hash=False)
    shape: Shape
    tone: Tone
    meaning: StrOrPromise = field(default="", hash=False)

    @cached_property
    def in_english(self) -> str:
        """The word for exports."""
        return english(self.word)

    @property
    def lower(self) -> Status:
        """The same status for the middle of a sentence: "reached"."""
        return replace(self, word=_lower_lazy(self.word))


def _lower(word: StrOrPromise) -> str:
    return str(word).lower()


_lower_lazy = lazy(_lower, str)


UNKNOWN = Status(pgettext_lazy("status", "Unknown"), Shape.RING, Tone.NEUTRAL)
