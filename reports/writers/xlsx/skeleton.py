"""The workbook without its rows: XlsxWriter makes the sheets, their headings and their styles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from zipfile import ZipFile

from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from reports.document import Document, Kind, Rows
from reports.writers.xlsx.styles import Styles, to_print, write_text
from reports.writers.xlsx.summary import summary_name, write_summary
from reports.writers.xml_text import printable

WIDTH = 18
"""Of a column with the width 1, in characters."""
LEAST = {Kind.TEXT: 8, Kind.NUMBER: 10, Kind.TIME: 26}
"""The least width of a column, in characters. A time or a number that has too little room shows as ###."""
LAST_ROW = 1_048_576
RESERVED = {"", "history"}
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
# Each style has a cell in the row that stands for all rows, and there the number by which the rows name it.
ROWS_GO_HERE, AFTER_ROWS = b'<row r="2"', b"</sheetData>"
STYLE = re.compile(rb'<c r="[A-Z]+2" s="(\d+)"')
# It is of the cells of the skeleton, so programs that believe it would read no rows.
DIMENSION = re.compile(rb"<dimension [^>]*/>")


class Skeleton:
    """A workbook whose sheets of rows will have so many `rows` each. `files` has its files by name."""

    def __init__(self, document: Document, rows: Sequence[int]) -> None:
        self.rows = list(rows)
        made = BytesIO()
        book = Workbook(made, {"in_memory": True, "strings_to_formulas": False})
        book.set_properties({"title": printable(document.title), "author": printable(document.subtitle)})
        styles = Styles(book)
        write_summary(book, styles, document)
        for number, count in enumerate(self.rows, 1):
            assert document.rows
            _add_sheet(book, styles, document.rows, number, count)
        book.close()
        with ZipFile(made) as found:
            self.files = {name: found.read(name) for name in found.namelist()}
        self._names = list(styles.of_rows)

    def sheet(self, number: int) -> str:
        """Return the name of the file of a sheet of rows. The first one is the second sheet."""
        return f"xl/worksheets/sheet{number + 2}.xml"

    @property
    def styles(self) -> Mapping[str, int]:
        """The styles of rows by their names."""
        if not self.rows:
            return {}
        return dict(zip(self._names, map(int, STYLE.findall(self.files[self.sheet(0)])), strict=True))

    @property
    def begin_of_rows(self) -> bytes:
        content = self.files[self.sheet(0)]
        return DIMENSION.sub(b"", content[: content.index(ROWS_GO_HERE)])

    @property
    def end_of_rows(self) -> bytes:
        """What follows the rows of the last sheet."""
        content = self.files[self.sheet(len(self.rows) - 1)]
        return content[content.index(AFTER_ROWS) :]


def _add_sheet(book: Workbook, styles: Styles, table: Rows, number: int, count: int) -> None:
    sheet = book.add_worksheet(sheet_name(table.heading, number))
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, max(WIDTH * column.width, LEAST[column.kind]))
        write_text(sheet, 0, place, column.label, styles.column)
    for place, style in enumerate(styles.of_rows.values()):
        sheet.write_number(1, place, 0, style)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, count, len(table.columns) - 1)
    sheet.repeat_rows(0)
    # Numbers of people and phones are texts on purpose.
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{LAST_ROW}"})
    to_print(sheet)


def sheet_name(heading: str, number: int) -> str:
    """Return a name that Excel takes: at most 31 characters, and no name twice."""
    end = f" {number}" if number > 1 else ""
    room = 31 - len(end) - len(_("%(name)s rows") % {"name": ""})
    name = " ".join(NOT_IN_A_NAME.sub(" ", printable(heading)).split())[:room]
    if name.lower() in {*RESERVED, summary_name().lower()}:
        name = (_("%(name)s rows") % {"name": name}).strip().capitalize()
    return f"{name}{end}"
