"""How a status looks everywhere: a word, a shape and a color, with its explanation at hand. Never color alone."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    RUNNING = "running"
    NEUTRAL = "neutral"


class Shape(StrEnum):
    """One mark for each meaning, told apart without color and by a screen reader's silence: the word says it."""

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
    """One line of a log's table of statuses. `meaning` explains it in a sentence to people who do not know the word."""

    word: str
    shape: Shape
    tone: Tone
    meaning: str = ""


UNKNOWN = Status("Unknown", Shape.RING, Tone.NEUTRAL)
