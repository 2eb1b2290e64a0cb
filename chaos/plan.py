"""What a round does, and when. The same seed, length and longest fault make the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

INBOX, EMAIL, VOICE, TEXT = MODES = ("inbox", "email", "voice", "text")
PROVIDER = "stand-in"
PARTS = ("web", "worker", "dispatcher", "beat", "postgres", "valkey", PROVIDER)


class How(StrEnum):
    KILL = "is killed"
    KILL_ONE = "loses one of its processes"
    FREEZE = "is frozen"
    FILL = "has no connection left"
    MOOD = "fails"


@dataclass(frozen=True)
class Fault:
    """From `at` (seconds after the start) a part is away for so many seconds, or fails in the way that `mood` says."""

    at: float
    part: str
    how: How
    seconds: float
    mood: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lasts = "" if self.how is How.KILL_ONE else f" for {self.seconds:.1f} s"
        return f"{self.at:6.1f} s  {self.part} {self.how}{lasts}" + (f": {self.mood['what']}" if self.mood else "")


@dataclass(frozen=True)
class Sending:
    """A message: when it is made (seconds after the start), how much later it is due, and what people do with it."""

    number: int
    at: float
    due_in: float
    modes: tuple[str, ...]
    people: int
    message_type: str
    cancel_at: float | None
    by_page: bool
    report: bool

    @property
    def engine(self) -> str:
        return "v2" if self.message_type.startswith("Messenger 2.0") else "classic"


@dataclass(frozen=True)
class Plan:
    sendings: list[Sending]
    faults: list[Fault]
    syncs: list[float]
    """When somebody presses "Sync now"."""


# How the provider fails. A fault of one request each, several times.
_MOODS: list[dict[str, Any]] = [
    {"what": "delay", "seconds": 2.0},
    {"what": "drip", "seconds": 0.3},
    {"what": "drip-head", "seconds": 0.3},
    {"what": 429, "reset_ms": 1000},
    {"what": 500},
    {"what": 500, "accepted": True},
    {"what": 503},
    {"what": "html"},
    {"what": "half"},
    {"what": "cut"},
    {"what": "lost"},
    {"what": "lost", "accepted": True},
    {"what": "endless"},
    {"what": "large", "megabytes": 200},
    {"what": "loop"},
    {"what": "twice"},
]
_TYPES = ["Message Builder"] * 4 + ["Messenger 2.0 - Priority", "Messenger 2.0 - Emergency"]


def plan_of(seed: int, *, seconds: float, longest: float) -> Plan:
    """Plan a round of so many seconds. No part is away for more than `longest` seconds."""
    rng = random.Random(f"chaos {seed}")
    return Plan(
        list(_sendings(rng, seconds)),
        sorted(_faults(rng, seconds, longest), key=lambda one: one.at),
        [seconds * rng.random() for _ in range(max(2, int(seconds / 15)))],
    )


def _sendings(rng: random.Random, seconds: float) -> Iterator[Sending]:
    for number in range(max(5, int(seconds / 4))):
        large = rng.random() < 0.2
        at = 0.8 * seconds * rng.random()
        due_in = rng.uniform(1, 0.3 * seconds) if rng.random() < 0.3 else 0.0
        yield Sending(
            number=number,
            at=at,
            due_in=due_in,
            modes=tuple(mode for mode in MODES if rng.random() < 0.6) or (rng.choice(MODES),),
            people=rng.randint(30, 60) if large else rng.randint(1, 8),
            message_type=rng.choice(_TYPES),
            cancel_at=at + due_in + rng.uniform(-2, 12) if rng.random() < 0.4 else None,
            by_page=rng.random() < 0.5,
            report=rng.random() < 0.5,
        )


def _faults(rng: random.Random, seconds: float, longest: float) -> Iterator[Fault]:
    """Each part fails at least once, in an order of its own; then the provider's moods."""
    number = max(len(PARTS), int(seconds / 6))
    parts = [part for _ in range(1 + number // len(PARTS)) for part in rng.sample(PARTS, len(PARTS))][:number]
    for part in parts:
        ways = [How.KILL, How.FREEZE] + [How.KILL_ONE] * (part in ("web", "worker", "dispatcher", "postgres"))
        ways += [How.FILL] * (part == "postgres")
        # Short ones are more frequent, so that many of them fall into the middle of something.
        lasts = min(longest, 0.1 + longest * rng.random() ** 2)
        yield Fault(rng.uniform(0.05, 0.9) * seconds, part, rng.choice(ways), lasts)
    for _ in range(max(3, int(seconds / 8))):
        mood = rng.choice(_MOODS) | {"times": rng.randint(1, 6)}
        if rng.random() < 0.7:
            mood["path"] = rng.choice(["/messages", "/Dials", "/Messages", "/events", "/History"])
        yield Fault(rng.uniform(0.05, 0.9) * seconds, PROVIDER, How.MOOD, rng.uniform(1, min(20, longest + 1)), mood)
