"""The tags of a PDF (PDF/UA-1): what each part of a page is, for screen readers and programs.

An element is written with the page on which it ends. Of what is written the tree keeps a number for each page, and the
parts of what is still open: a table keeps one number for each of its pages, not its rows.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from reports.writers.pdf.bidi import RIGHT_TO_LEFT
from reports.writers.pdf.languages import spoken_language
from reports.writers.pdf.objects import Block
from reports.writers.pdf.row_tags import HUNDRED, REFERENCE, WIDTH, shape
from reports.writers.pdf.shaping import PLAIN, cleaned, utf16
from reports.writers.pdf.streamed import StreamedDocument

END = "EMC"
DECORATION = "/Artifact<</Type/Layout>>BDC"
"""Begins what only decorates: backgrounds and rules."""
FOOT_OF_PAGE = "/Artifact<</Type/Pagination/Subtype/Footer>>BDC"
REPEATED_HEADING = "/Artifact<</Type/Pagination/Subtype/Header>>BDC"

HEADS_COLUMN = "/A<</O/Table/Scope/Column>>"
PAGES_IN_A_NODE = 512


class Tags:
    """The structure tree of a document. `document` is its first element."""

    def __init__(self, file: StreamedDocument, language: str) -> None:
        self.file = file
        self.language = language
        self.document = Element(self, "Document", file.structure)
        self.marks = 0
        """The number of marked contents of the page."""
        self.owners: list[str] = []
        """The elements to which they belong, in their order."""
        self.pages: list[int] = []

    def said(self, text: str) -> str:
        """Return the attributes of an element for a text: its language, and its letters in the order of reading.

        Both are "" for nearly all texts. On the page, letters from right to left stand in the order of the eye.
        """
        if text.isascii() or PLAIN(text):
            return ""
        spoken = spoken_language(text, self.language)
        language = f"/Lang({spoken})" if spoken != self.language else ""
        return f"{language}/ActualText<{utf16(cleaned(text))}>" if RIGHT_TO_LEFT(text) else language

    def rows(self, table: Element, columns: int, said: list[dict[int, str]]) -> None:
        """Add rows to a table: those of one page, whose cells are the last marked contents of this page.

        `said` are the attributes of cells, by column, for each row. Such a cell has a Span with them.
        """
        file, page = self.file, self.file.page
        tags = shape(len(said), columns, self.marks)
        first = file.reserve(count=tags.count, multiple_of=HUNDRED)
        with table.child("TBody") as body:
            body.kids = [f"{first + row * (columns + 1)} 0 R" for row in range(len(said))]
        places, elements, owners = tags.filled(first, page, body.number)
        cells = [(row, column) for row, attributes in enumerate(said) for column in attributes]
        for row, column in cells:
            at, content = row * (columns + 1) + 1 + column, row * columns + column
            span = Element(self, "Span", first + at, said[row][column])
            span.page, span.kids = page, [f"{self.marks + content}"]
            span.end()
            reference = f"{span.number:{WIDTH}} 0 R".encode()
            elements = _replaced(elements, tags.contents[at], reference)
            owners = _replaced(owners, content * (REFERENCE + 1), reference)
        file.block = Block(first, tags.count, places, elements)
        self.owners.append(owners.decode())
        self.marks += len(said) * columns

    def end_page(self) -> None:
        """Note to which elements the contents of the page belong. Call this before the page is written."""
        number = self.file.reserve()
        self.file.elements.append((number, f"[{' '.join(self.owners)}]"))
        self.pages.append(number)
        self.owners, self.marks = [], 0

    def close(self) -> None:
        """Write what holds the tree together. Call this after the last page."""
        self.document.end()
        nodes = [self._node(first) for first in range(0, len(self.pages), PAGES_IN_A_NODE)]
        tree = f"<</Kids[{' '.join(f'{node} 0 R' for node in nodes)}]>>"
        root = f"/K {self.document.number} 0 R/ParentTree {tree}/ParentTreeNextKey {len(self.pages)}"
        self.file.elements.append((self.file.structure, f"<</Type/StructTreeRoot{root}>>"))

    def _node(self, first: int) -> int:
        """Add a node of the tree of pages, which begins with this page, and return its number."""
        pages = self.pages[first : first + PAGES_IN_A_NODE]
        numbers = " ".join(f"{page} {number} 0 R" for page, number in enumerate(pages, first))
        node = self.file.reserve()
        limits = f"{first} {first + len(pages) - 1}"
        self.file.elements.append((node, f"<</Limits[{limits}]/Nums[{numbers}]>>"))
        return node


class Element:
    """An element that has other elements, or marked contents on one or more pages. It is written when it ends."""

    __slots__ = ("attributes", "kids", "number", "page", "parent", "tag", "tags")

    def __init__(self, tags: Tags, tag: str, parent: int, attributes: str = "") -> None:
        self.tags, self.tag, self.parent, self.attributes = tags, tag, parent, attributes
        self.number = tags.file.reserve()
        self.kids: list[str] = []
        self.page = 0

    def child(self, tag: str, attributes: str = "") -> Element:
        """Add an element with a standard tag (ISO 32000-1, 14.8.4)."""
        child = Element(self.tags, tag, self.number, attributes)
        self.kids.append(f"{child.number} 0 R")
        return child

    def mark(self) -> str:
        """Return the operator that begins a content of the element on the page. Only END may end it."""
        tags, page = self.tags, self.tags.file.page
        place = tags.marks
        tags.marks += 1
        tags.owners.append(f"{self.number} 0 R")
        self.page = self.page or page
        self.kids.append(f"{place}" if page == self.page else f"<</Type/MCR/Pg {page} 0 R/MCID {place}>>")
        return f"/{self.tag}<</MCID {place}>>BDC"

    def end(self) -> None:
        page = f"/Pg {self.page} 0 R" if self.page else ""
        kids = f"/K[{' '.join(self.kids)}]" if self.kids else ""
        content = f"<</S/{self.tag}/P {self.parent} 0 R{page}{self.attributes}{kids}>>"
        self.tags.file.elements.append((self.number, content))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()


def _replaced(text: bytes, place: int, reference: bytes) -> bytes:
    return text[:place] + reference + text[place + len(reference) :]
