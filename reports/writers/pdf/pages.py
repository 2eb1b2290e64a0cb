"""The pages of a report: title, headings with bookmarks, labels and values, texts, and the foot of each page."""

from collections.abc import Sequence
from typing import BinaryIO

from reportlab.pdfbase.pdfdoc import PDFFormXObject

from reports.document import Document
from reports.writers.pdf.bidi import base_level
from reports.writers.pdf.fonts import Fonts
from reports.writers.pdf.shaping import Piece, Style, cleaned
from reports.writers.pdf.streamed import StreamedCanvas

LETTER = (612.0, 792.0)
MARGIN = 42.0
FOOT = 30.0
GAP = 8.0
BOLD = 700
TOTAL = "total"
"""The form with the number of pages. Every page shows it; it is drawn at the end, when the number is known."""


class Pages:
    """Draws from `y` downwards (in points), and goes to the next page when there is no room."""

    def __init__(self, document: Document, file: BinaryIO) -> None:
        self.document = document
        width, height = reversed(LETTER) if document.landscape else LETTER
        self.left, self.right, self.top, self.bottom = MARGIN, width - MARGIN, height - MARGIN, MARGIN + 6
        self.width = self.right - self.left
        self.canvas = StreamedCanvas(
            file, size=(width, height), language=document.language, repeatable=document.repeatable
        )
        self.fonts = Fonts(document.language)
        self.body = Style(self.fonts, size=9)
        self.label = Style(self.fonts, size=9, weight=BOLD)
        self.small = Style(self.fonts, size=7.5)
        self.large = Style(self.fonts, size=17, weight=BOLD)
        self.strong = Style(self.fonts, size=11, weight=BOLD)
        self.y = self.top
        self.number = 1
        self.bookmarks = 0
        self._total = PDFFormXObject(0, -5, 100, 20)
        self.canvas._doc.addForm(TOTAL, self._total)
        self.canvas.setTitle(cleaned(document.title))
        self.canvas.setAuthor(cleaned(document.subtitle))
        self.canvas.setSubject(document.generated_on)
        self.canvas.setViewerPreference("DisplayDocTitle", "true")

    def title(self) -> None:
        self._bookmark(self.document.title, level=0)
        self.lines(self.large, self.document.title)
        self.lines(self.body, self.document.subtitle)
        self.y -= GAP / 2
        made = [("Generated on", self.document.generated_on)] if self.document.generated_on else []
        self.pairs([*made, *self.document.header])

    def heading(self, text: str) -> None:
        """Draw a heading with a rule and a bookmark, and with room for some lines below it."""
        self.room(self.strong.leading + 5 * self.body.leading)
        self.y -= GAP
        self._bookmark(text, level=1)
        self.lines(self.strong, text)
        self.canvas.setStrokeGray(0.6)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(self.left, self.y - 3, self.right, self.y - 3)
        self.y -= GAP / 2 + 1

    def pairs(self, pairs: Sequence[tuple[str, str]], columns: int = 1) -> None:
        """Draw labels and values; in two columns, the first half stands to the left."""
        width = (self.width - (columns - 1) * 2 * GAP) / columns
        half = -(-len(pairs) // columns)
        indents = [self._indent(pairs[column * half : (column + 1) * half], width) for column in range(columns)]
        for place in range(half):
            row = [
                (column * (width + 2 * GAP), indents[column], *pairs[place + column * half])
                for column in range(columns)
                if place + column * half < len(pairs)
            ]
            cells: list[tuple[float, Style, list[Piece]]] = []
            for x, indent, label, value in row:
                cells.append((x, self.label, self.label.lines(f"{label}:", indent - 4)))
                cells.append((x + indent, self.body, self.body.lines(value, width - indent)))
            self._side_by_side(cells)

    def _indent(self, pairs: Sequence[tuple[str, str]], width: float) -> float:
        """Return where the values begin. Labels get the room that the values leave, and at least 60 % of the width."""
        labels = max((self.label.piece(f"{label}:")[1] for label, _ in pairs), default=0)
        values = max((self.body.piece(value)[1] for _, value in pairs), default=0)
        return min(labels + GAP, width - min(values, width * 0.4))

    def _side_by_side(self, cells: list[tuple[float, Style, list[Piece]]]) -> None:
        """Draw the lines cell by cell, so that readers read them in that order. Long cells go on below."""
        height = max(len(lines) for _, _, lines in cells)
        self.room(min(height, 10) * self.body.leading)
        for start in range(0, height, 10):
            part = [(x, style, lines[start : start + 10]) for x, style, lines in cells]
            tall = max(len(lines) for _, _, lines in part)
            self.room(tall * self.body.leading)
            for x, style, lines in part:
                for place, (operators, _) in enumerate(lines):
                    self._draw(style, operators, self.left + x, self.y - (place + 1) * self.body.leading)
            self.y -= tall * self.body.leading

    def text(self, label: str, text: str) -> None:
        # Keep the label on the same page as the first line.
        self.room(self.label.leading + self.body.leading)
        self.lines(self.label, f"{label}:")
        for paragraph in text.splitlines():
            self.lines(self.body, paragraph)
        self.y -= GAP / 2

    def legend(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.lines(self.small, line)
        self.y -= GAP / 2 if lines else 0

    def lines(self, style: Style, text: str) -> None:
        """Draw a paragraph on any number of lines and pages; Arabic and Hebrew stand to the right."""
        to_left = base_level(text) == 1
        for operators, width in style.lines(text, self.width):
            self.room(style.leading)
            self.y -= style.leading
            self._draw(style, operators, self.right - width if to_left else self.left, self.y)

    def room(self, height: float) -> None:
        if self.y - height < self.bottom:
            self.next()

    def next(self) -> None:
        self._finish()
        self.number += 1
        self.y = self.top

    def close(self) -> None:
        self._finish()
        operators, _ = self.small.piece(f"{self.number:,}")
        self._total.setStreamList([f"BT {self.small.operators} {operators} ET"])
        self.fonts.embed(self.canvas._doc)
        self.canvas.showOutline()
        self.canvas.save()

    def _finish(self) -> None:
        """Draw the foot of the page: its number and the name of the report."""
        y = FOOT
        operators, width = self.small.piece(f"Page {self.number:,} of ")
        self._draw(self.small, operators, self.left, y)
        self.canvas.saveState()
        self.canvas.translate(self.left + width, y)
        self.canvas.doForm(TOTAL)
        self.canvas.restoreState()
        about = " · ".join(filter(None, [self.document.title, self.document.subtitle, self.document.generated_on]))
        [(operators, width)] = self.small.lines(about, self.width - 110, limit=1)
        self._draw(self.small, operators, self.right - width, y)
        self.canvas.showPage()

    def _draw(self, style: Style, operators: str, x: float, y: float) -> None:
        self.canvas.addLiteral(f"BT {style.operators} {x:.2f} {y:.2f} Td {operators} ET")

    def _bookmark(self, text: str, level: int) -> None:
        self.bookmarks += 1
        key = f"part{self.bookmarks}"
        self.canvas.bookmarkHorizontal(key, 0, self.y + GAP)
        self.canvas.addOutlineEntry(cleaned(text), key, level=level, closed=False)
