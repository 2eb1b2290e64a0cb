"""Draws a table of any length, with its heading on each page.

Nearly all rows are one line high, and such a row is one string. The text of a row stays together in the file, so that
readers read it row by row.
"""

from operator import gt

from reports.document import Rows
from reports.writers.pdf.pages import BOLD, Pages
from reports.writers.pdf.shaping import Piece, Style
from reports.writers.progress import Progress, Row, in_chunks

PADDING = 3.0
MOST_LINES = 12
"""The most lines of a cell; longer texts are cut with an ellipsis."""


def draw_rows(pages: Pages, section: Rows, progress: Progress | None) -> int:
    table = Table(pages, section)
    count = 0
    for chunk in in_chunks(section.rows, progress):
        for row in chunk:
            table.add(row)
        count += len(chunk)
    table.end_page()
    return count


class Table:
    def __init__(self, pages: Pages, section: Rows) -> None:
        self.pages = pages
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
        self.height = self.style.leading + 2
        # One row, from its start to the start of the next row: after each cell, a move to the next cell.
        self.one_line = " ".join(
            [*(f"%s {step:.2f} 0 Td" for step in self.steps[:-1]), f"%s {self.steps[-1]:.2f} {-self.height:.2f} Td"]
        )
        self.begin_page()

    def add(self, row: Row) -> None:
        pieces = list(map(self.style.piece, row))
        drawn, widths = zip(*pieces, strict=True)
        if any(map(gt, widths, self.widths)):
            self.add_tall([self.style.lines(c, w, MOST_LINES) for c, w in zip(row, self.widths, strict=True)])
            return
        if self.y - self.height < self.pages.bottom:
            self.turn_page()
        self.text.append(self.one_line % drawn)
        self.y -= self.height
        self.rules.append(self.y)

    def add_tall(self, cells: list[list[Piece]]) -> None:
        height = max(map(len, cells)) * self.style.leading + 2
        if self.y - height < self.pages.bottom:
            self.turn_page()
        self.text.append(self._tall(self.style, cells, height))
        self.y -= height
        self.rules.append(self.y)

    def _tall(self, style: Style, cells: list[list[Piece]], height: float) -> str:
        """Return the operators of a row of several lines, cell by cell."""
        parts = []
        for place, (lines, step) in enumerate(zip(cells, self.steps, strict=True)):
            parts.append(f" 0 {-style.leading:.2f} Td ".join(operators for operators, _ in lines))
            up = (len(lines) - 1) * style.leading
            parts.append(f"{step:.2f} {up - (height if place == len(cells) - 1 else 0):.2f} Td")
        return " ".join(parts)

    def turn_page(self) -> None:
        self.end_page()
        self.pages.next()
        self.begin_page()

    def begin_page(self) -> None:
        """Draw the heading, and start the text below it."""
        pages = self.pages
        height = max(map(len, self.headings)) * self.strong.leading + 4
        pages.room(height + MOST_LINES * self.style.leading)
        y = pages.y
        pages.canvas.setFillGray(0.9)
        pages.canvas.rect(pages.left, y - height, pages.width, height, stroke=0, fill=1)
        pages.canvas.setFillGray(0)
        baseline = y - self.strong.leading + 1
        self.y = y - height
        start = self.y - self.style.leading + 1
        self.text = [
            f"BT {self.strong.operators} {pages.left + PADDING:.2f} {baseline:.2f} Td",
            self._tall(self.strong, self.headings, baseline - start),
            self.style.operators,
        ]
        self.rules: list[float] = []

    def end_page(self) -> None:
        pages = self.pages
        pages.canvas.addLiteral("\n".join([*self.text, "ET"]))
        ends = f"{pages.left:.2f} %.2f m {pages.right:.2f} %.2f l"
        pages.canvas.addLiteral(f"0.8 G 0.3 w {' '.join(ends % (y, y) for y in self.rules)} S" if self.rules else "")
        pages.y = self.y - PADDING
