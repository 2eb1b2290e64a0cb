"""Charts that the server draws as SVG. Each has a name that is read aloud, and a table with all of its numbers.

A page puts one with ``{% load charts %}{% bar_chart chart %}``, or ``strip`` or ``heat_map``. Parts differ by pattern
as well as by color, so a chart can be read on paper. Widths are percents and heights are pixels: a chart fits every
page, and neither its texts nor its patterns are stretched. Sizes stand in attributes of the SVG, colors in
static/theme.css.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core.dates import written
from core.statuses import Status

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# In pixels: the room for the numbers above the bars, for the bars, and for the names below them.
ABOVE, PLOT, BELOW = 18, 110, 18
LANE = 28
# The least height of a part: one in ten thousand stays visible.
LEAST = 1.5
# The part of its place that a bar takes, and its largest width in percent of the chart.
BAR_SHARE, WIDEST = 0.72, 9.0
MOST_NAMES, MOST_NAMES_OF_A_PHONE = 8, 5
# The looks of parts that are neither good nor bad: each has its color and its pattern. The last one is for others.
KINDS = tuple(f"kind-{number}" for number in range(1, 7))


@dataclass(frozen=True)
class Column:
    """A day, a week or an hour: its name below the bars, in the table, and what stands above its bar, if anything."""

    name: str
    title: str
    note: str = ""
    url: str = ""


def day_columns(days: Iterable[date]) -> list[Column]:
    """Return a column for each day: 11/20 below the bars, and Fri 11/20/2026 in the table."""
    return [Column(f"{day.month}/{day.day}", weekday_and_day(day)) for day in days]


def weekday_and_day(day: date) -> str:
    """Return a day with its weekday: Fri 11/20/2026."""
    return f"{date_format(day, 'D')} {written(day)}"


@dataclass(frozen=True)
class Part:
    """A figure for each column. ``look`` is a tone or one of KINDS; ``shape`` is a mark beside the word."""

    word: StrOrPromise
    look: str
    counts: Sequence[int]
    shape: str = ""
    url: str = ""

    @property
    def total(self) -> int:
        return sum(self.counts)

    @classmethod
    def of(cls, status: Status, counts: Sequence[int], url: str = "") -> Part:
        """Return a part that looks like a status."""
        return cls(status.word, status.tone.value, counts, status.shape.value, url)


def parts_by_size(counts: Mapping[str, Sequence[int]], *, whole: Sequence[int] | None = None) -> list[Part]:
    """Return a part for each of the largest figures, by word, and one for all others: no two parts look alike.

    ``whole`` are the sums of all figures, where ``counts`` has only the largest of them.
    """
    in_order = sorted(counts, key=lambda word: -sum(counts[word]))
    if whole is None:
        whole = [sum(numbers) for numbers in zip(*counts.values(), strict=True)]
    largest = in_order if len(in_order) <= len(KINDS) and _add_up(counts, whole) else in_order[: len(KINDS) - 1]
    parts = [Part(word, look, counts[word]) for word, look in zip(largest, KINDS, strict=False)]
    others = [number - sum(part.counts[at] for part in parts) for at, number in enumerate(whole)]
    return [*parts, Part(gettext("all others"), KINDS[-1], others)] if any(others) else parts


def _add_up(counts: Mapping[str, Sequence[int]], whole: Sequence[int]) -> bool:
    return sum(map(sum, counts.values())) == sum(whole)


@dataclass(frozen=True)
class Rect:
    """A part of a bar. ``x`` and ``width`` are percents, ``y`` and ``height`` pixels."""

    look: str
    title: str
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Text:
    """A text in a picture, at a percent from the left. ``anchor`` keeps it inside. A phone leaves out minor ones."""

    text: str
    x: float
    y: float
    minor: bool = False

    @property
    def anchor(self) -> str:
        return "start" if self.x < 2 else "end" if self.x > 98 else "middle"


@dataclass(frozen=True)
class Bars:
    """Bars beside each other, each with its parts from the bottom to the top, on one scale."""

    columns: Sequence[Column]
    parts: Sequence[Part]
    height: int
    top: int = 0

    @cached_property
    def totals(self) -> list[int]:
        return [sum(part.counts[at] for part in self.parts) for at in range(len(self.columns))]

    @property
    def total(self) -> int:
        return sum(self.totals)

    @property
    def most(self) -> int:
        return max(self.totals, default=0)

    @property
    def peak(self) -> int:
        """The place of the largest bar, the last one of several."""
        return max(range(len(self.totals)), key=lambda at: (self.totals[at], at))

    @property
    def rects(self) -> Iterator[Rect]:
        for at, column in enumerate(self.columns):
            bottom: float = self.top + self.height
            for part, height in zip(self.parts, self._heights(at), strict=True):
                if not height:
                    continue
                bottom -= height
                told = {"day": column.title, "count": f"{part.counts[at]:,}", "word": part.word}
                title = gettext("%(day)s: %(count)s %(word)s") % told
                yield Rect(part.look, title, self.center(at) - self._width / 2, self._width, bottom, height)

    def center(self, at: int) -> float:
        return 100 * (at + 0.5) / len(self.columns)

    def height_of(self, at: int) -> float:
        return sum(self._heights(at))

    @property
    def _width(self) -> float:
        return min(100 * BAR_SHARE / len(self.columns), WIDEST)

    def _heights(self, at: int) -> list[float]:
        """The heights of the parts of a bar: small ones are drawn larger, and all of them fit."""
        whole = self.height * self.totals[at] / self.most if self.totals[at] else 0.0
        counts = [part.counts[at] for part in self.parts]
        heights = [max(whole * count / self.totals[at], LEAST) if count else 0.0 for count in counts]
        too_much = max(1.0, sum(heights) / self.height)
        return [height / too_much for height in heights]


@dataclass(frozen=True)
class BarChart:
    """Stacked bars by day or week. ``name`` is unique on the page; ``unit`` heads the column of days in the table."""

    name: str
    title: str
    unit: str
    columns: Sequence[Column]
    parts: Sequence[Part]
    # More figures of each column: the table alone has them.
    more: Sequence[Part] = ()

    height = ABOVE + PLOT + BELOW
    base = ABOVE + PLOT

    @cached_property
    def bars(self) -> Bars:
        return Bars(self.columns, self.parts, PLOT, ABOVE)

    @property
    def total(self) -> int:
        return self.bars.total

    @property
    def spoken(self) -> str:
        """What a screen reader says in place of the picture."""
        parts = ", ".join(f"{part.total:,} {part.word}" for part in self.parts)
        if not self.total:
            return f"{self.title}: {parts}."
        peak = self.bars.peak
        return gettext("%(title)s: %(parts)s. Most on %(day)s: %(most)s.") % {
            "title": self.title,
            "parts": parts,
            "day": self.columns[peak].title,
            "most": f"{self.bars.totals[peak]:,}",
        }

    @property
    def names(self) -> Iterator[Text]:
        """The names below the bars: as many as have room, the last one always."""
        step = -(-len(self.columns) // MOST_NAMES)
        crowded = len(self.columns) > MOST_NAMES_OF_A_PHONE * step
        for at, column in enumerate(self.columns):
            number, rest = divmod(len(self.columns) - 1 - at, step)
            if not rest:
                yield Text(column.name, self.bars.center(at), self.height - 4, minor=crowded and number % 2 == 1)

    @property
    def notes(self) -> Iterator[Text]:
        """The notes above the bars; without any, the number of the largest one."""
        if len(self.columns) <= MOST_NAMES and any(column.note for column in self.columns):
            for at, column in enumerate(self.columns):
                yield self._above(column.note, at)
        elif self.total:
            yield self._above(f"{self.bars.most:,}", self.bars.peak)

    def _above(self, text: str, at: int) -> Text:
        return Text(text, self.bars.center(at), self.base - self.bars.height_of(at) - 5)

    @property
    def figures(self) -> list[Part]:
        """The columns of the table."""
        return [*self.parts, *self.more]

    @property
    def looks(self) -> list[str]:
        return [part.look for part in self.parts]

    @property
    def rows(self) -> list[tuple[Column, list[int]]]:
        """The rows of the table, the newest first."""
        return rows_of(self.columns, self.figures)


def rows_of(columns: Sequence[Column], parts: Sequence[Part]) -> list[tuple[Column, list[int]]]:
    places = reversed(range(len(columns)))
    return [(columns[at], [part.counts[at] for part in parts]) for at in places]


@dataclass(frozen=True)
class Lane:
    """A line of a strip, with a scale of its own."""

    label: str
    columns: Sequence[Column]
    parts: Sequence[Part]

    @cached_property
    def bars(self) -> Bars:
        return Bars(self.columns, self.parts, LANE)

    @property
    def peak(self) -> tuple[Column, int]:
        return self.columns[self.bars.peak], self.bars.most

    @property
    def figures(self) -> list[Part]:
        """The columns of the table: the parts, each with the name of the line before it where there are several."""
        if len(self.parts) == 1:
            return [Part(self.label, self.parts[0].look, self.parts[0].counts)]
        return [Part(f"{self.label}: {part.word}", part.look, part.counts) for part in self.parts]

    @property
    def troubles(self) -> list[Part]:
        """The parts after the first one that are not empty: what did not go well."""
        return [part for part in self.parts[1:] if part.total]


@dataclass(frozen=True)
class Strip:
    """Lines of small bars below each other, by the hours of a day."""

    name: str
    title: str
    unit: str
    columns: Sequence[Column]
    lanes: Sequence[Lane]

    height = LANE

    @property
    def figures(self) -> list[Part]:
        return [figure for lane in self.lanes for figure in lane.figures]

    @property
    def looks(self) -> list[str]:
        return [part.look for lane in self.lanes for part in lane.parts]

    @property
    def rows(self) -> list[tuple[Column, list[int]]]:
        return rows_of(self.columns, self.figures)


class HeatCell(Protocol):
    """A share in percent (None: there is nothing to share), with words below it; ``filters`` list what is behind it."""

    @property
    def percent(self) -> int | None: ...

    @property
    def words(self) -> str: ...

    @property
    def filters(self) -> Mapping[str, str]: ...


Cell = TypeVar("Cell", bound=HeatCell, covariant=True)


@dataclass(frozen=True)
class HeatLine(Generic[Cell]):
    label: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class HeatMap(Generic[Cell]):
    """Shares by two things. It is a table: each cell has its number, a bar as long as it, and a shade."""

    name: str
    caption: str
    corner: str
    columns: Sequence[str]
    lines: Sequence[HeatLine[Cell]] = field(default_factory=list)


# Of a bar in a cell of a list, in pixels.
SMALL_WIDTH, SMALL_HEIGHT = 7, 20


def small_bars(numbers: Sequence[int]) -> SafeString:
    """Return bars for a cell of a list: what they are of stands beside them. The largest one has the whole height."""
    most = max(numbers, default=0) or 1
    heights = [max(1, round(number / most * SMALL_HEIGHT)) for number in numbers]
    each = (
        (place * SMALL_WIDTH, SMALL_HEIGHT - height, SMALL_WIDTH - 1, height) for place, height in enumerate(heights)
    )
    return format_html(
        '<svg aria-hidden="true" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{drawn}</svg>',
        width=len(numbers) * SMALL_WIDTH,
        height=SMALL_HEIGHT,
        drawn=format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"/>', each),
    )
