"""The sheets of the rows: a heading that stays in view, filters, and as many sheets as the rows need."""

from __future__ import annotations

import re

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from reports.document import Kind, Rows
from reports.writers.progress import Progress, Row, in_chunks
from reports.writers.xlsx.styles import PLAIN, Styles, time_number, write_text
from reports.writers.xlsx.summary import NAME
from reports.writers.xml_text import printable

MOST_ROWS = 1_048_575
"""The most rows of a sheet, with its heading. A sheet could have one more."""
WIDTH = 18
"""Of a column with the width 1, in characters."""
RESERVED = {"", "history", NAME.lower()}
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")


def write_rows(book: Workbook, styles: Styles, section: Rows, progress: Progress | None) -> int:
    table = Table(book, styles, section)
    count = 0
    for chunk in in_chunks(section.rows, progress):
        for row in chunk:
            table.add(row)
        count += len(chunk)
    table.end_sheet()
    return count


class Table:
    def __init__(self, book: Workbook, styles: Styles, section: Rows) -> None:
        self.book, self.styles, self.section = book, styles, section
        self.kinds = [column.kind for column in section.columns]
        self.sheets = 0
        self.begin_sheet()

    def add(self, row: Row) -> None:
        if self.row >= MOST_ROWS:
            self.end_sheet()
            self.begin_sheet()
        marked = bool(self.section.marked) and row[0] == self.section.marked
        for place, text in enumerate(row):
            if text:
                self.cell(place, text, marked=marked)
        self.row += 1

    def cell(self, place: int, text: str, *, marked: bool) -> None:
        kind, styles, style, number = self.kinds[place], self.styles, self.styles.text, None
        if kind is Kind.TIME:
            try:
                number, seconds = time_number(text)
                style = styles.second if seconds else styles.minute
            except ValueError:
                number = None
        elif kind is Kind.NUMBER and PLAIN(text):
            number, style = int(text), styles.number
        if marked:
            style = styles.marked[style]
        if number is None:
            write_text(self.sheet, self.row, place, text, style)
        else:
            self.sheet.write_number(self.row, place, number, style)

    def begin_sheet(self) -> None:
        self.sheets += 1
        self.row = 1
        self.sheet = self.book.add_worksheet(sheet_name(self.section.heading, self.sheets))
        for place, column in enumerate(self.section.columns):
            self.sheet.set_column(place, place, max(WIDTH * column.width, 8))
            write_text(self.sheet, 0, place, column.label, self.styles.column)
        set_up(self.sheet)

    def end_sheet(self) -> None:
        self.sheet.autofilter(0, 0, self.row - 1, len(self.kinds) - 1)


def set_up(sheet: Worksheet) -> None:
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_paper(1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    # Numbers of people and phones are texts on purpose.
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS + 1}"})


def sheet_name(heading: str, number: int) -> str:
    """Return a name that Excel takes: at most 31 characters, and no name twice."""
    end = f" {number}" if number > 1 else ""
    name = " ".join(NOT_IN_A_NAME.sub(" ", printable(heading)).split())[: 31 - len(end) - len(" rows")]
    return f"{f'{name} rows'.strip().capitalize() if name.lower() in RESERVED else name}{end}"
