"""XLSX: XlsxWriter makes it, and keeps the rows in temporary files instead of in memory.

The first sheet is the summary, the rows stand on sheets of their own. Times are times and counts are numbers, so that
they can be sorted and added up; all else is text. No cell is a formula.
"""

from tempfile import TemporaryDirectory
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from reports.document import Document
from reports.writers.progress import Progress
from reports.writers.xlsx.rows import write_rows
from reports.writers.xlsx.styles import Styles
from reports.writers.xlsx.summary import write_summary
from reports.writers.xml_text import printable


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    with TemporaryDirectory() as folder:
        book = Workbook(file, {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False})
        try:
            count = _write(book, document, progress)
        finally:
            # Without this, a workbook that is not complete would be written when it is collected.
            book.fileclosed = 1
        _close(book)
    return count


def _write(book: Workbook, document: Document, progress: Progress | None) -> int:
    book.use_zip64()
    book.set_properties({"title": printable(document.title), "author": printable(document.subtitle)})
    styles = Styles(book)
    write_summary(book, styles, document)
    return write_rows(book, styles, document.rows, progress) if document.rows else 0


def _close(book: Workbook) -> None:
    book.fileclosed = 0
    try:
        book.close()
    except FileCreateError as error:
        # It hides that the disk is full.
        raise (error.__cause__ or error.__context__ or error) from None
