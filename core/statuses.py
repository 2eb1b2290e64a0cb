"""The look of a status: a word, a shape and a color, with an explanation. Color alone never carries a meaning."""

from dataclasses import dataclass
from enum import StrEnum


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
    """One status of a log. `meaning` is a sentence for people who do not know the word."""

    word: str
    shape: Shape
    tone: Tone
    meaning: str = ""


UNKNOWN = Status("Unknown", Shape.RING, Tone.NEUTRAL)
