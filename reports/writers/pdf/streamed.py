"""A reportlab canvas that writes each page to the file as soon as it is complete."""

import zlib
from itertools import count
from typing import BinaryIO

from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas


class StreamedCanvas(Canvas):
    """Draws like any canvas. Memory grows by a few hundred bytes per page, not by the whole page."""

    def __init__(self, file: BinaryIO, *, size: tuple[float, float], language: str, repeatable: bool = False) -> None:
        super().__init__(file, pagesize=size, pageCompression=1)
        self._doc = StreamedDocument(file, language, repeatable=repeatable)

    def _make_preamble(self) -> None:
        """Leave out the font that reportlab selects on each page, because it is never embedded."""
        self._preamble = ""


class StreamedDocument(pdfdoc.PDFDocument):
    """Writes pages at once, and all other objects at the end. reportlab would write all objects at the end.

    One that is `repeatable` has the same time and id each time.
    """

    def __init__(self, file: BinaryIO, language: str, *, repeatable: bool = False) -> None:
        super().__init__(compression=1, lang=language, invariant=int(repeatable))
        self.out = StreamedFile(file, self._pdfVersion)
        # Pages refer to this object, so it needs its number before them.
        self.Reference(self.Pages)

    def addPage(self, page: pdfdoc.PDFPage) -> None:
        # reportlab would encode the page in ASCII, which takes longer than everything else.
        page.Contents = pdfdoc.PDFStream(content=page.stream, filters=[QuickCompression()])
        first = self.objectcounter + 1
        name = self.thisPageName()
        super().addPage(page)
        self.Pages.pages[-1] = pdfdoc.PDFObjectReference(name)
        # Formatting a page registers its content, which then becomes the next object.
        for number in count(first):
            if number not in self.numberToId:
                break
            self.write(self.numberToId[number])

    def write(self, name: str) -> None:
        content = pdfdoc.PDFIndirectObject(name, self.idToObject[name]).format(self)
        self.idToOffset[name] = self.out.add(content)
        self.idToObject[name] = None

    def format(self) -> bytes:
        """Write the remaining objects. Returns b"", because reportlab has nothing left to write."""
        for number in count(1):
            name = self.numberToId.get(number)
            if name is None:
                break
            if name not in self.idToOffset:
                self.write(name)
        table = pdfdoc.PDFCrossReferenceTable()
        table.addsection(0, [self.numberToId[number] for number in range(1, self.objectcounter + 1)])
        trailer = pdfdoc.PDFTrailer(
            startxref=self.out.add(table.format(self)),
            Size=self.objectcounter + 1,
            Root=self.Reference(self.Catalog),
            Info=self.Reference(self.info),
            ID=self.ID(),
        )
        self.out.add(trailer.format(self))
        return b""


class QuickCompression:
    """A reportlab filter with fast compression: pages of rows compress well even at the lowest level."""

    pdfname = "FlateDecode"

    def encode(self, text: str) -> bytes:
        return zlib.compress(text.encode("latin-1"), level=1)


class StreamedFile(pdfdoc.PDFFile):
    def __init__(self, file: BinaryIO, version: tuple[int, int]) -> None:
        super().__init__(version)
        file.write(b"".join(self.strings))
        self.strings.clear()
        self.write = file.write
