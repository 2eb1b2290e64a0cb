"""Draws a table of any length, with its heading on each page.

Nearly all rows are one line high, and such a row is one string. The text of a row stays together in the file, so that
readers read it row by row.
"""

from collections.abc import Callable, Sequence
from operator import gt

from reports.document import Rows
from reports.writers.pdf.fonts import Computed
from reports.writers.pdf.pages import BOLD, Pages
from reports.writers.pdf.shaping import PLAIN, Piece, Style
from reports.writers.pdf.tags import DECORATION, END, HEADS_COLUMN, REPEATED_HEADING
from reports.writers.progress import Progress, Row, in_chunks

PADDING = 3.0
NOTHING: dict[int, str] = {}
MOST_LINES = 12
"""The most lines of a cell; longer texts are cut with an ellipsis."""


def draw_rows(pages: Pages, section: Rows, progress: Progress | None) -> int:
    """Draw the heading of the section, its legend and its rows. Returns how many rows there were."""
    layout = Layout(pages, section)
    pages.heading(section.heading, below=pages.legend_height(section.legend) + layout.least)
    pages.legend(section.legend)
    table = Table(pages, section, layout)
    count = 0
    for chunk in in_chunks(section.rows, progress):
        for row in chunk:
            table.add(row)
        count += len(chunk)
    table.end()
    return count


class Layout:
    """How wide the columns of a table are, and how high its heading is, in points."""

    def __init__(self, pages: Pages, section: Rows) -> None:
        size = 7 if section.crowded else 8
        self.style = Style(pages.fonts, size=size)
        self.strong = Style(pages.fonts, size=size, weight=BOLD)
        whole = sum(column.width for column in section.columns)
        shares = [pages.width * column.width / whole for column in section.columns]
        self.widths = [share - 2 * PADDING for share in shares]
        self.headings = [
            self.strong.lines(c.label, w, MOST_LINES) for c, w in zip(section.columns, self.widths, strict=True)
        ]
        self.steps = [*shares[:-1], -sum(shares[:-1])]
        self.heading_height = max(map(len, self.headings)) * self.strong.leading + 4
        self.least = self.heading_height + MOST_LINES * self.style.leading
        """The room that the heading needs: below it there is one for the highest row."""


class Table:
    def __init__(self, pages: Pages, section: Rows, layout: Layout) -> None:
        self.pages = pages
        self.layout = layout
        self.style, self.widths, self.steps = layout.style, layout.widths, layout.steps
        self.height = self.style.leading + 2
        self.one_line = Computed(self._one_line)
        self.labels = [column.label for column in section.columns]
        self.element = pages.part.child("Table")
        self.mark: int = pages.tags.marks
        self.begin_page(self._head)

    def add(self, row: Row) -> None:
        pieces = list(map(self.style.piece, row))
        drawn, widths = zip(*pieces, strict=True)
        if any(map(gt, widths, self.widths)):
            self.add_tall(row)
            return
        mark = self._begin_row(row, self.height)
        self.text.append(self.one_line[mark] % drawn)

    def add_tall(self, row: Row) -> None:
        cells = [self.style.lines(c, w, MOST_LINES) for c, w in zip(row, self.widths, strict=True)]
        height = max(map(len, cells)) * self.style.leading + 2
        mark = self._begin_row(row, height)
        self.text.append(self._tall(self.style, cells, height, [_cell(mark + place) for place in range(len(row))]))

    def _begin_row(self, row: Row, height: float) -> int:
        """Make room for a row, note what its tags say, and return the number of its first marked content."""
        if self.y - height < self.pages.bottom:
            self.turn_page()
        self.y -= height
        self.rules.append(self.y)
        text = "".join(row)
        self.said.append(NOTHING if text.isascii() or PLAIN(text) else self._said(row))
        mark = self.mark
        self.mark = mark + len(row)
        return mark

    def _said(self, row: Row) -> dict[int, str]:
        said = map(self.pages.tags.said, row)
        return {place: attributes for place, attributes in enumerate(said) if attributes}

    def _one_line(self, mark: int) -> str:
        """Return the format of a row, from its start to the start of the next row: after each cell, a move."""
        cells = [f"{_cell(mark + place)} %s {END} {step:.2f}" for place, step in enumerate(self.steps)]
        return " ".join([*(f"{cell} 0 Td" for cell in cells[:-1]), f"{cells[-1]} {-self.height:.2f} Td"])

    def _tall(self, style: Style, cells: list[list[Piece]], height: float, marks: Sequence[str]) -> str:
        """Return the operators of a row of several lines, cell by cell; `marks` begin their contents."""
        parts = []
        for place, (lines, step, mark) in enumerate(zip(cells, self.steps, marks, strict=True)):
            parts.append(f"{mark} {f' 0 {-style.leading:.2f} Td '.join(operators for operators, _ in lines)} {END}")
            up = (len(lines) - 1) * style.leading
            parts.append(f"{step:.2f} {up - (height if place == len(cells) - 1 else 0):.2f} Td")
        return " ".join(parts)

    def turn_page(self) -> None:
        self.end_page()
        self.pages.next()
        self.begin_page(lambda: [REPEATED_HEADING] * len(self.labels))

    def _head(self) -> list[str]:
        """Tag the heading, and return what begins the contents of its cells. On later pages it is no content."""
        marks = []
        with self.element.child("THead") as head, head.child("TR") as row:
            for label in self.labels:
                with row.child("TH", HEADS_COLUMN + self.pages.tags.said(label)) as cell:
                    marks.append(cell.mark())
        return marks

    def begin_page(self, marks: Callable[[], list[str]]) -> None:
        """Draw the heading, and start the text below it."""
        pages, strong, height = self.pages, self.layout.strong, self.layout.heading_height
        pages.room(self.layout.least)
        y = pages.y
        with pages.marked(DECORATION):
            pages.canvas.setFillGray(0.9)
            pages.canvas.rect(pages.left, y - height, pages.width, height, stroke=0, fill=1)
            pages.canvas.setFillGray(0)
        baseline = y - strong.leading + 1
        self.y = y - height
        start = self.y - self.style.leading + 1
        self.text = [
            f"BT {strong.operators} {pages.left + PADDING:.2f} {baseline:.2f} Td",
            self._tall(strong, self.layout.headings, baseline - start, marks()),
            self.style.operators,
        ]
        self.rules: list[float] = []
        self.said: list[dict[int, str]] = []
        self.mark = pages.tags.marks

    def end_page(self) -> None:
        pages = self.pages
        pages.canvas.addLiteral("\n".join([*self.text, "ET"]))
        if self.rules:
            ends = f"{pages.left:.2f} %.2f m {pages.right:.2f} %.2f l"
            with pages.marked(DECORATION):
                pages.canvas.addLiteral(f"0.8 G 0.3 w {' '.join(ends % (y, y) for y in self.rules)} S")
        pages.tags.rows(self.element, len(self.labels), self.said)
        pages.y = self.y - PADDING

    def end(self) -> None:
        self.end_page()
        self.element.end()


def _cell(mark: int) -> str:
    return f"/TD<</MCID {mark}>>BDC"
