"""XLSX: XlsxWriter makes the workbook; the rows go directly into its XML.

Through XlsxWriter, rows take seven times as long, and wait in temporary files until all are there. It also takes a text
such as <r>…</r> for XML of its own.

The first sheet is the summary, the rows stand on sheets of their own. Times are times and counts are numbers, so that
they can be sorted and added up; all else is text. No cell is a formula.
"""

from collections.abc import Iterator
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from reports.document import Document, Rows
from reports.writers.progress import Progress, Row, in_chunks
from reports.writers.xlsx.cells import Cells
from reports.writers.xlsx.skeleton import Skeleton

MOST_ROWS = 1_048_574
"""The most rows of a sheet below its heading. With one more, it would end in the last row that Excel has."""
MOST_BYTES = 2**31 - 2**27
"""A sheet with so many bytes is full, too: the usual form of a ZIP holds no file of two gigabytes."""
QUICKLY = 1
"""The level of compression; rows compress well even at a low one."""
# Programs look at the first file of a ZIP to find out what it is.
FIRST = "_rels/.rels"


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    skeleton = Skeleton(document, [0] if document.rows else [])
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=QUICKLY) as written:
        written.writestr(FIRST, skeleton.files[FIRST])
        if document.rows:
            skeleton = _write_rows(written, document, document.rows, skeleton, progress)
        done = {*written.namelist()}
        for name, content in skeleton.files.items():
            if name not in done:
                written.writestr(name, content)
    return sum(skeleton.rows)


def _write_rows(
    written: ZipFile, document: Document, table: Rows, skeleton: Skeleton, progress: Progress | None
) -> Skeleton:
    """Write the sheets of the rows. Returns the workbook that has as many."""
    cells, waiting = Cells(table, skeleton.styles), _Waiting(in_chunks(table.rows, progress))
    begin, done = skeleton.begin_of_rows, list[int]()
    while waiting or not done:
        with written.open(skeleton.sheet(len(done)), "w") as sheet:
            sheet.write(begin)
            done.append(_fill(sheet, cells, waiting))
            skeleton = Skeleton(document, done)
            sheet.write(skeleton.end_of_rows)
    return skeleton


def _fill(sheet: IO[bytes], cells: Cells, waiting: "_Waiting") -> int:
    """Write the rows of one sheet, and return their number."""
    count = size = 0
    while count < MOST_ROWS and size < MOST_BYTES and waiting:
        rows = waiting.take(MOST_ROWS - count)
        size += sheet.write(cells.rows(rows, first=count + 2))
        count += len(rows)
    return count


class _Waiting:
    """The rows that are in no sheet yet. They are read when somebody asks whether there are any."""

    def __init__(self, chunks: Iterator[list[Row]]) -> None:
        self._chunks, self._rows = chunks, list[Row]()

    def __bool__(self) -> bool:
        self._rows = self._rows or next(self._chunks, [])
        return bool(self._rows)

    def take(self, most: int) -> list[Row]:
        taken, self._rows = self._rows[:most], self._rows[most:]
        return taken
