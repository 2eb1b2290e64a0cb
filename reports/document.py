"""The contents of a report, for any format. The kinds of reports make them, the writers print them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from core.languages import language_now
from core.statuses import Shape, Status
from listings.exports import DUPLICATE as DUPLICATE

CROSS = "✖"
"""Stands for Shape.CROSS: no font of a PDF has that."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Labels and values, such as the Delivery Summary. `columns` is the number of pairs side by side.

    With `counted`, values such as 1,204 are numbers; without it they may be a person's, and stay texts.
    """

    heading: str
    pairs: Sequence[tuple[str, str]]
    columns: Literal[1, 2] = 1
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: what it is in a word and a mark, and how many."""

    status: Status
    count: int

    @property
    def mark(self) -> str:
        return CROSS if self.status.shape is Shape.CROSS else self.status.shape

    @property
    def words(self) -> str:
        return f"{self.count:,} {self.status.word}"


@dataclass(frozen=True, slots=True)
class Bar:
    """The parts of one whole, in their order, such as the people of a message by whether it reached them."""

    label: str
    parts: Sequence[Part]

    @property
    def total(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def words(self) -> str:
        """All that the bar says: "191 reached; 6 not confirmed"."""
        return "; ".join(part.words for part in self.parts)

    @property
    def legend(self) -> str:
        """The words with the marks that the drawn parts have."""
        return "; ".join(f"{part.mark} {part.words}" for part in self.parts)

    @property
    def shares(self) -> Sequence[tuple[Part, float]]:
        """The parts that are not empty, each with its share of the whole."""
        return [(part, part.count / self.total) for part in self.parts if part.count]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars that show how a message went. Each stands beside its words, and a CSV has these alone."""

    heading: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Text:
    """Labels and texts of any number of lines, such as the bodies of a message."""

    heading: str
    paragraphs: Sequence[tuple[str, str]]


class Kind(Enum):
    """What the cells of a column are, for formats that know times and numbers. All cells are written as texts."""

    TEXT = "text"
    TIME = "time"
    """As core.dates.time_text writes it."""
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `Rows`. `width` is its share of the page's width, relative to the other columns.

    Numbers of people and phones are no numbers but texts.
    """

    label: str
    width: float = 1
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of any length. The rows are read once, in order; each has one cell (text) for each column.

    `legend` explains the marks, one line for each. With `marked`, the first cell of some rows is this mark and word:
    they stand out, also without color.
    """

    heading: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[str]]
    legend: Sequence[str] = ()
    marked: str = ""

    @property
    def crowded(self) -> bool:
        """Whether the table has so many columns that it needs a smaller font."""
        return len(self.columns) > 9


Section = Figures | Bars | Text | Rows


def _language_tag() -> str:
    """The language in which texts are made now, without a country: its translation is the same in all of them."""
    return language_now().partition("-")[0]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `subtitle` is the school or district, `language` a language tag such as en or es-MX.

    Its texts, and those that a writer adds, are in the language in which it is made and written.

    One that is `repeatable` becomes the same bytes each time: it may say when it was made only in its contents.

    It has at most one `Rows`. A CSV file has only these; with `summary_in_csv`, all else stands above them. Raises
    ValueError for more `Rows`.
    """

    title: str
    subtitle: str
    generated_on: str
    header: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    language: str = field(default_factory=_language_tag)
    landscape: bool = False
    summary_in_csv: bool = False
    repeatable: bool = False

    def __post_init__(self) -> None:
        if sum(isinstance(section, Rows) for section in self.sections) > 1:
            raise ValueError("A document has one table of rows at most.")

    @property
    def rows(self) -> Rows | None:
        return next((section for section in self.sections if isinstance(section, Rows)), None)
