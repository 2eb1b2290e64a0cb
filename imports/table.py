"""Read a table out of a CSV file as programs and spreadsheets write it: its encoding, its delimiter, its heading row.

The file is read line by line, so memory does not grow with it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.strict_json import GZIP_MAGIC
from messenger_logs.services.json_fields import squeezed

LONGEST_CELL = 1_000_000
MOST_ROWS = 5_000_000
# The heading row is within the first rows. Above it are titles, and the figures and criteria of a report.
TITLE_ROWS = 300
DELIMITERS = {",": _("comma"), ";": _("semicolon"), "\t": _("tab")}
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_CHUNK = 2**20

csv.field_size_limit(LONGEST_CELL)


class UnreadableFile(Exception):
    """Nothing of the file can be imported. The message says why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its number as a spreadsheet counts (from 1, with all rows above), and its cells."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file: the rows above its heading row, the heading row, and the way to read the rows below it."""

    path: Path
    encoding: str
    delimiter: str
    above: list[list[str]]
    headers: list[str]

    @property
    def heading_row(self) -> int:
        return len(self.above) + 1

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the heading row that are not blank. Raises UnreadableFile."""
        with _opened(self.path, self.encoding) as file:
            for number, cells in enumerate(_cells(file, self.delimiter), 1):
                if number > self.heading_row + MOST_ROWS:
                    too_many = gettext("The file has more than %(count)s rows. Split it.")
                    raise UnreadableFile(too_many % {"count": f"{MOST_ROWS:,}"})
                if number > self.heading_row and any(cells):
                    yield Row(number, cells)


def read_table(path: Path, is_heading: Callable[[Sequence[str]], bool], *, expected: str) -> Table:
    """Find the table of a file by its heading row, which `is_heading` recognizes. `expected` names its columns.

    Raises UnreadableFile if no delimiter shows such a row.
    """
    encoding = encoding_of(path)
    for delimiter in DELIMITERS:
        above: list[list[str]] = []
        try:
            with _opened(path, encoding) as file:
                for cells in _cells(file, delimiter):
                    if is_heading(cells):
                        return Table(path, encoding, delimiter, above, [cell.strip() for cell in cells])
                    above.append(cells)
                    if len(above) == TITLE_ROWS:
                        break
        except UnreadableFile:
            # With another delimiter the quotes may be right.
            continue
    none = gettext(
        "None of the first %(count)s rows is a heading row with the columns %(columns)s."
        " The cells may be separated by %(delimiters)s."
    )
    names = ", ".join(map(str, DELIMITERS.values()))
    raise UnreadableFile(none % {"count": TITLE_ROWS, "columns": expected, "delimiters": names})


def guess_headers(path: Path) -> list[str]:
    """Return the cells of the row that looks most like a heading row: the first with the most different texts.

    Raises UnreadableFile.
    """
    encoding = encoding_of(path)
    best: list[str] = []
    for delimiter in DELIMITERS:
        try:
            with _opened(path, encoding) as file:
                for number, cells in enumerate(_cells(file, delimiter)):
                    if number == TITLE_ROWS:
                        break
                    texts = [cell.strip() for cell in cells]
                    if len({squeezed(text) for text in texts if text}) > len({squeezed(text) for text in best if text}):
                        best = texts
        except UnreadableFile:
            continue
    if not best:
        raise UnreadableFile(gettext("The file has no row that could be a heading row."))
    return best


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file: UTF-8, UTF-16, or Windows-1252. Raises UnreadableFile."""
    with path.open("rb") as file:
        begin = file.read(4)
    if not begin:
        raise UnreadableFile(gettext("The file is empty."))
    if begin.startswith((GZIP_MAGIC, b"PK\x03\x04")):
        raise UnreadableFile(gettext("The file is compressed, or a workbook such as XLSX. Save it as CSV."))
    if begin in _UTF_32:
        raise UnreadableFile(gettext("The file is UTF-32. Save it as CSV in UTF-8."))
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _checked(path, "utf-16")
    if b"\x00" in begin[:2]:
        return _checked(path, "utf-16-be" if begin[0] == 0 else "utf-16-le")
    try:
        return _checked(path, "utf-8-sig")
    except UnreadableFile:
        return _checked(path, "cp1252")


def encoding_label(encoding: str) -> str:
    return {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(encoding, "UTF-16")


def _checked(path: Path, encoding: str) -> str:
    """Return the encoding if the whole file has it. Raises UnreadableFile."""
    try:
        with _opened(path, encoding) as file:
            while file.read(_CHUNK):
                pass
    except UnicodeError:
        neither = gettext("The file is neither UTF-8, UTF-16 nor Windows-1252. Save it as CSV in UTF-8.")
        raise UnreadableFile(neither) from None
    return encoding


def _opened(path: Path, encoding: str) -> TextIO:
    return io.open(path, encoding=encoding, newline="")  # noqa: UP020  (the caller closes it)


def _cells(file: TextIO, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):  # noqa: B007
            yield cells
    except csv.Error as error:
        if "limit" in str(error):
            reason = gettext(
                "Row %(row)s has a cell of more than %(count)s characters, so nothing after it can be read."
            )
        else:
            reason = gettext("Row %(row)s has quotes that do not fit, so nothing after it can be read.")
        raise UnreadableFile(reason % {"row": f"{number + 1:,}", "count": f"{LONGEST_CELL:,}"}) from None
