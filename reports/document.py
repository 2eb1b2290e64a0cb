"""The contents of a report, for any format. The kinds of reports make them, the writers print them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from listings.exports import DUPLICATE as DUPLICATE


@dataclass(frozen=True, slots=True)
class Figures:
    """Labels and values, such as the Delivery Summary. `columns` is the number of pairs side by side."""

    heading: str
    pairs: Sequence[tuple[str, str]]
    columns: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Text:
    """Labels and texts of any number of lines, such as the bodies of a message."""

    heading: str
    paragraphs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `Rows`. `width` is its share of the page's width, relative to the other columns."""

    label: str
    width: float = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of any length. The rows are read once, in order; each has one cell (text) for each column.

    `legend` explains the marks, one line for each.
    """

    heading: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[str]]
    legend: Sequence[str] = ()

    @property
    def crowded(self) -> bool:
        """Whether the table has so many columns that it needs a smaller font."""
        return len(self.columns) > 9


Section = Figures | Text | Rows


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `subtitle` is the school or district, `language` a language tag such as en or es-MX.

    One that is `repeatable` becomes the same bytes each time: it may say when it was made only in its contents.

    It has at most one `Rows`. A CSV file has only these; with `summary_in_csv`, all else stands above them. Raises
    ValueError for more `Rows`.
    """

    title: str
    subtitle: str
    generated_on: str
    header: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    language: str = "en"
    landscape: bool = False
    summary_in_csv: bool = False
    repeatable: bool = False

    def __post_init__(self) -> None:
        if sum(isinstance(section, Rows) for section in self.sections) > 1:
            raise ValueError("A document has one table of rows at most.")

    @property
    def rows(self) -> Rows | None:
        return next((section for section in self.sections if isinstance(section, Rows)), None)
