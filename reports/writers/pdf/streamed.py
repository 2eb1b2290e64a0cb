"""A reportlab canvas that writes each page to the file as soon as it is complete."""

import zlib
from typing import BinaryIO

from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

from reports.writers.pdf.objects import Block, ObjectFile, stream

VERSION = (1, 7)
"""The version on which PDF/UA-1 builds."""
STRUCTURE = "StructTreeRoot"


class StreamedCanvas(Canvas):
    """Draws like any canvas. Memory grows by a few hundred bytes per page, not by the whole page."""

    def __init__(self, file: BinaryIO, *, size: tuple[float, float], language: str, repeatable: bool = False) -> None:
        super().__init__(file, pagesize=size, pageCompression=1)
        self._doc: StreamedDocument = StreamedDocument(file, language, repeatable=repeatable)

    def _make_preamble(self) -> None:
        """Leave out the font that reportlab selects on each page, because it is never embedded."""
        self._preamble = ""


class StreamedDocument(pdfdoc.PDFDocument):
    """Writes pages at once, and all other objects at the end. reportlab would write all objects at the end.

    `elements` are the objects of the structure tree that are complete; they are written with the page,
    and so is the `block` of those of its rows.

    One that is `repeatable` has the same time and id each time.
    """

    objectcounter: int

    def __init__(self, file: BinaryIO, language: str, *, repeatable: bool = False) -> None:
        super().__init__(compression=1, lang=language, invariant=int(repeatable), pdfVersion=VERSION)
        self.out = ObjectFile(file)
        self.out.add(b"%%PDF-%d.%d\n%%\x93\x8c\x8b\x9e\n" % VERSION)
        self.elements: list[tuple[int, str]] = []
        self.block: Block | None = None
        self.structure = self.reserve(STRUCTURE)
        self.Catalog.StructTreeRoot = pdfdoc.PDFObjectReference(STRUCTURE)
        self.Catalog.MarkInfo = pdfdoc.PDFDictionary({"Marked": "true"})
        self.resources = pdfdoc.PDFResourceDictionary()
        self.resources.basicFonts()
        # Pages refer to these objects, so they need numbers before them.
        references = self.Reference(self.Pages), self.Reference(self.resources)
        self.same = "/Parent {}/Resources {}".format(*(each.format(self).decode() for each in references))
        """What all pages have."""

    def reserve(self, name: str = "", *, count: int = 1, multiple_of: int = 1) -> int:
        """Return the first of as many numbers for objects. With a name, reportlab's objects can refer to the first."""
        first: int = -(-(self.objectcounter + 1) // multiple_of) * multiple_of
        self.objectcounter = first + count - 1
        if name:
            self.idToObjectNumberAndVersion[name] = (first, 0)
        return first

    @property
    def page(self) -> int:
        """The number of the object of the page on which things are drawn now."""
        name = self.thisPageName()
        known = self.idToObjectNumberAndVersion.get(name)
        return int(known[0]) if known else self.reserve(name)

    def addPage(self, page: pdfdoc.PDFPage) -> None:
        # reportlab would encode the page in ASCII, which takes longer than everything else. Pages of rows compress well
        # even at the lowest level.
        contents = self.reserve()
        drawn = zlib.compress(page.stream.encode("latin-1"), level=1)
        self.out.plain(contents, stream(b"/Filter/FlateDecode", drawn))
        parts = f"/Contents {contents} 0 R/StructParents {self.pageCounter - 1}/Tabs/S"
        size = f"/MediaBox[0 0 {page.pagewidth:g} {page.pageheight:g}]"
        self.elements.append((self.page, f"<</Type/Page{self.same}{size}{parts}>>"))
        self.Pages.pages.append(self.thisPageRef())
        self.pack()
        self.pageCounter += 1
        self.inObject = None

    def addForm(self, name: str, form: pdfdoc.PDFFormXObject) -> None:
        super().addForm(name, form)
        self.resources.XObject |= self.xobjDict([name]).dict

    def write(self, name: str) -> None:
        """Write an object: a stream at once, any other with the elements."""
        number, _ = self.idToObjectNumberAndVersion[name]
        content = pdfdoc.format(self.idToObject[name], self, toplevel=1)
        del self.numberToId[number]
        if content.endswith(b"endstream\n"):
            self.out.plain(number, content)
        else:
            self.elements.append((number, content.decode("latin-1")))

    def pack(self) -> None:
        self.out.packed(self.reserve(), self.elements, self.block)
        self.elements, self.block = [], None

    def format(self) -> bytes:
        """Write the remaining objects. Returns b"", because reportlab has nothing left to write."""
        while self.numberToId:
            # Formatting an object may register others.
            self.write(next(iter(self.numberToId.values())))
        self.pack()
        trailer = {"Root": self.Reference(self.Catalog), "Info": self.Reference(self.info), "ID": self.ID()}
        about = pdfdoc.PDFDictionary(trailer).format(self)
        self.out.close(self.reserve(), about.removeprefix(b"<<").removesuffix(b">>"))
        return b""
