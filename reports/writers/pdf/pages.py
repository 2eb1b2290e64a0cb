"""The pages of a report: title, headings with bookmarks, labels and values, texts, and the foot of each page.

Everything that is drawn is tagged: it belongs to an element of the document, or decorates.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from django.utils.translation import gettext
from reportlab.pdfbase.pdfdoc import PDFFormXObject

from reports.document import Document
from reports.writers.page_number import page_of_pages
from reports.writers.pdf.bidi import base_level
from reports.writers.pdf.fonts import Fonts
from reports.writers.pdf.metadata import Metadata
from reports.writers.pdf.shaping import Piece, Style, cleaned
from reports.writers.pdf.streamed import StreamedCanvas
from reports.writers.pdf.tags import DECORATION, END, FOOT_OF_PAGE, Element, Tags

LETTER = (612.0, 792.0)
MARGIN = 42.0
FOOT = 30.0
GAP = 8.0
BOLD = 700
TOGETHER = 10
"""So many lines of a label or its value stay on one page. A longer text goes on at the next."""
TOTAL = "total"
"""The form with the number of pages. Every page shows it; it is drawn at the end, when the number is known."""


class Cell(NamedTuple):
    """A label or a value: how far from the left it begins, its lines, and its element."""

    x: float
    style: Style
    lines: list[Piece]
    element: Element


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
        self.tags = Tags(self.canvas._doc, document.language)
        self.part = self.tags.document
        """The element that holds what is drawn now: the document, or one of its sections."""
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
        self.canvas._doc.Catalog.Metadata = Metadata(document)

    def title(self) -> None:
        self._bookmark(self.document.title, level=0)
        self.lines(self.large, self.document.title, tag="H1")
        self.lines(self.body, self.document.subtitle)
        self.y -= GAP / 2
        made = [(gettext("Generated on"), self.document.generated_on)] if self.document.generated_on else []
        self.pairs([*made, *self.document.header])

    def heading(self, text: str, *, below: float | None = None) -> None:
        """Begin a section: draw a heading with a rule and a bookmark.

        It stays on one page with the first lines below it, or with what has the height `below`, in points.
        """
        self._end_part()
        self.part = self.tags.document.child("Sect")
        rule = 2 * GAP
        self.room(self.strong.leading + rule + (below or TOGETHER * self.body.leading))
        self.y -= GAP
        self._bookmark(text, level=1)
        self.lines(self.strong, text, tag="H2")
        with self.marked(DECORATION):
            self.canvas.setStrokeGray(0.6)
            self.canvas.setLineWidth(0.6)
            self.canvas.line(self.left, self.y - 3, self.right, self.y - 3)
        self.y -= GAP / 2 + 1

    def pairs(self, pairs: Sequence[tuple[str, str]], columns: int = 1) -> None:
        """Draw labels and values; in two columns, the first half stands to the left."""
        if not pairs:
            return
        width = (self.width - (columns - 1) * 2 * GAP) / columns
        half = -(-len(pairs) // columns)
        indents = [self._indent(pairs[column * half : (column + 1) * half], width) for column in range(columns)]
        with self._list(len(pairs)) as items:
            for place in range(half):
                cells = []
                for number in range(place, len(pairs), half):
                    x, indent = number // half * (width + 2 * GAP), indents[number // half]
                    label, value = pairs[number]
                    cells += [
                        self._cell(items[number], "Lbl", f"{label}:", self.label, x, indent - 4),
                        self._cell(items[number], "LBody", value, self.body, x + indent, width - indent),
                    ]
                self._side_by_side(cells)

    def _cell(self, item: Element, tag: str, text: str, style: Style, x: float, width: float) -> Cell:
        return Cell(x, style, style.lines(text, width), item.child(tag, self.tags.said(text)))

    @contextmanager
    def _list(self, size: int) -> Iterator[list[Element]]:
        """Begin a list of labels and what belongs to them. Its order is that of the items, not that of the drawing."""
        with self.part.child("L") as whole:
            items = [whole.child("LI") for _ in range(size)]
            yield items
            for item in items:
                item.end()

    def _indent(self, pairs: Sequence[tuple[str, str]], width: float) -> float:
        """Return where the values begin. Labels get the room that the values leave, and at least 60 % of the width."""
        labels = max((self.label.piece(f"{label}:")[1] for label, _ in pairs), default=0)
        values = max((self.body.piece(value)[1] for _, value in pairs), default=0)
        return min(labels + GAP, width - min(values, width * 0.4))

    def _side_by_side(self, cells: list[Cell]) -> None:
        """Draw the lines cell by cell, so that readers read them in that order. Long cells go on below."""
        height = max(len(cell.lines) for cell in cells)
        for start in range(0, height, TOGETHER):
            tall = min(height - start, TOGETHER)
            self.room(tall * self.body.leading)
            for x, style, lines, element in cells:
                for place, (operators, _) in enumerate(lines[start : start + TOGETHER], start=1):
                    with self.marked(element.mark()):
                        self._draw(style, operators, self.left + x, self.y - place * self.body.leading)
            self.y -= tall * self.body.leading
        for cell in cells:
            cell.element.end()

    def texts(self, paragraphs: Sequence[tuple[str, str]]) -> None:
        """Draw labels, and below each its text."""
        if not paragraphs:
            return
        with self._list(len(paragraphs)) as items:
            for (label, text), item in zip(paragraphs, items, strict=True):
                # Keep the label on the same page as the first line.
                self.room(self.label.leading + self.body.leading)
                self.lines(self.label, f"{label}:", tag="Lbl", within=item)
                with item.child("LBody") as body:
                    for paragraph in text.splitlines():
                        self.lines(self.body, paragraph, within=body)
                self.y -= GAP / 2

    def legend_height(self, lines: Sequence[str]) -> float:
        height = sum(len(self.small.lines(line, self.width)) for line in lines) * self.small.leading
        return height + GAP / 2 if lines else 0

    def legend(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.lines(self.small, line)
        self.y -= GAP / 2 if lines else 0

    def lines(self, style: Style, text: str, *, tag: str = "P", within: Element | None = None) -> None:
        """Draw a paragraph on any number of lines and pages; Arabic and Hebrew stand to the right.

        It has a standard tag within an element, else within the part of the document.
        """
        to_left = base_level(text) == 1
        with (within or self.part).child(tag, self.tags.said(text)) as element:
            for operators, width in style.lines(text, self.width):
                self.room(style.leading)
                self.y -= style.leading
                with self.marked(element.mark()):
                    self._draw(style, operators, self.right - width if to_left else self.left, self.y)

    @contextmanager
    def marked(self, begin: str) -> Iterator[None]:
        """Whatever is drawn within is what this operator says: `Element.mark()`, or DECORATION."""
        self.canvas.addLiteral(begin)
        yield
        self.canvas.addLiteral(END)

    def room(self, height: float) -> None:
        if self.y - height < self.bottom:
            self.next()

    def next(self) -> None:
        self._finish()
        self.number += 1
        self.y = self.top

    def close(self) -> None:
        self._end_part()
        self._finish()
        self.tags.close()
        operators, _ = self.small.piece(f"{self.number:,}")
        self._total.setStreamList([f"BT {self.small.operators} {operators} ET"])
        self.fonts.embed(self.canvas._doc)
        self.canvas.showOutline()
        self.canvas.save()

    def _finish(self) -> None:
        """Draw the foot of the page, and write the page."""
        with self.marked(FOOT_OF_PAGE):
            self._foot(FOOT)
        self.tags.end_page()
        self.canvas.showPage()

    def _foot(self, y: float) -> None:
        """Draw the number of the page, and the name of the report."""
        operators, width = self.small.piece(page_of_pages(f"{self.number:,}", ""))
        self._draw(self.small, operators, self.left, y)
        self.canvas.saveState()
        self.canvas.translate(self.left + width, y)
        self.canvas.doForm(TOTAL)
        self.canvas.restoreState()
        about = " · ".join(filter(None, [self.document.title, self.document.subtitle, self.document.generated_on]))
        [(operators, width)] = self.small.lines(about, self.width - 110, limit=1)
        self._draw(self.small, operators, self.right - width, y)

    def _end_part(self) -> None:
        """End the section; the document itself ends last."""
        if self.part is not self.tags.document:
            self.part.end()

    def _draw(self, style: Style, operators: str, x: float, y: float) -> None:
        self.canvas.addLiteral(f"BT {style.operators} {x:.2f} {y:.2f} Td {operators} ET")

    def _bookmark(self, text: str, level: int) -> None:
        self.bookmarks += 1
        key = f"part{self.bookmarks}"
        self.canvas.bookmarkHorizontal(key, 0, self.y + GAP)
        self.canvas.addOutlineEntry(cleaned(text), key, level=level, closed=False)
