"""The XML of rows: each cell a text, a time or a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name

from reports.document import Kind, Rows
from reports.writers.progress import Row
from reports.writers.xlsx.values import LONGEST, PLAIN, time_number
from reports.writers.xml_text import printable

Write = Callable[[int, str], str]
"""Takes the number of a row and a text, and returns the XML of the cell."""

CUT = "…"
# Excel reads such a text as one character; this is how the text itself is written.
CODED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class Cells:
    """Writes rows with `styles`: the numbers of the styles by their names, as the workbook counts them."""

    def __init__(self, table: Rows, styles: Mapping[str, int]) -> None:
        self.marked = table.marked
        self.usual = [_cell(place, column.kind, styles, "") for place, column in enumerate(table.columns)]
        self.strong = [_cell(place, column.kind, styles, "marked_") for place, column in enumerate(table.columns)]

    def rows(self, rows: Sequence[Row], *, first: int) -> bytes:
        """Return the XML of rows, of which the first has this number."""
        return "".join(self.row(number, row) for number, row in enumerate(rows, first)).encode()

    def row(self, number: int, row: Row) -> str:
        writers = self.strong if self.marked and row[0] == self.marked else self.usual
        cells = "".join([write(number, text) for write, text in zip(writers, row, strict=True) if text])
        return f'<row r="{number}">{cells}</row>'


def _cell(place: int, kind: Kind, styles: Mapping[str, int], prefix: str) -> Write:
    letters = xl_col_to_name(place)

    def written(style: str) -> tuple[str, str]:
        return f'<c r="{letters}', f'" s="{styles[prefix + style]}"'

    begin, text_style = written("text")
    _, number_style = written("number")
    minute_style, second_style = written("minute")[1], written("second")[1]

    def write_text(number: int, text: str) -> str:
        return f'{begin}{number}{text_style} t="inlineStr"><is><t xml:space="preserve">{safe(text)}</t></is></c>'

    def write_number(number: int, text: str) -> str:
        return f"{begin}{number}{number_style}><v>{text}</v></c>" if PLAIN(text) else write_text(number, text)

    def write_time(number: int, text: str) -> str:
        try:
            value, seconds = time_number(text)
        except ValueError:
            return write_text(number, text)
        return f"{begin}{number}{second_style if seconds else minute_style}><v>{value}</v></c>"

    return {Kind.TEXT: write_text, Kind.NUMBER: write_number, Kind.TIME: write_time}[kind]


def safe(text: str) -> str:
    """Return a text as XML that Excel reads as this text; one that is too long for a cell is cut."""
    text = printable(text)
    if len(text) > LONGEST // 2:
        text = cut(text)
    return escape(CODED.sub("_x005F_", text) if "_x" in text else text)


def cut(text: str) -> str:
    """Excel counts a character outside of the first plane as two."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST:
        return text
    return units[: 2 * (LONGEST - 1)].decode("utf-16-le", errors="ignore") + CUT
