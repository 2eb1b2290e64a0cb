"""A bar that says what it is full of: parts of one whole, each with its word, number, shape, color and link.

A page puts one of these with ``{% load bars %}{% outcome_bar bar %}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.statuses import Status

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# A part of one in ten thousand stays visible. In percent of the bar.
_LEAST = 0.75


@dataclass(frozen=True)
class Segment:
    """A part of a bar. ``status`` gives its word, its shape and its tone; ``url`` opens the rows that it counts."""

    status: Status
    count: int
    url: str = ""


@dataclass(frozen=True)
class Drawn:
    """The place of a part in the picture, in percent of the width."""

    segment: Segment
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """The parts of one whole, in their order. ``name`` is unique on the page; ``lead`` are words before the parts.

    Parts of nothing have words, and no place in the picture.
    """

    name: str
    label: StrOrPromise
    segments: Sequence[Segment]
    lead: str = ""

    @property
    def total(self) -> int:
        return sum(segment.count for segment in self.segments)

    @property
    def drawn(self) -> Iterator[Drawn]:
        """The parts that are not empty, from left to right. Together they fill the whole width."""
        parts = [segment for segment in self.segments if segment.count]
        sizes = [max(100 * part.count / self.total, _LEAST) for part in parts]
        x, scale = 0.0, 100 / sum(sizes) if sizes else 0.0
        for part, size in zip(parts, sizes, strict=True):
            yield Drawn(part, x, size * scale)
            x += size * scale
