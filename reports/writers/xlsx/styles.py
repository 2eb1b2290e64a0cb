"""The styles of cells."""

from __future__ import annotations

from xlsxwriter import Workbook
from xlsxwriter.format import Format as Style
from xlsxwriter.worksheet import Worksheet

from core.statuses import Tone
from reports.writers.xml_text import printable

DAY = "mm/dd/yyyy"
FILLS = {
    Tone.GOOD: "#6AA84F",
    Tone.RUNNING: "#9FC5E8",
    Tone.WARNING: "#FFD966",
    Tone.BAD: "#CC4125",
    Tone.NEUTRAL: "#D9D9D9",
}
# A row that stands out. Its first cell says why in a word.
MARKED = {"bold": True, "bg_color": "#F2DCDB"}


class Styles:
    def __init__(self, book: Workbook) -> None:
        def style(**properties: object) -> Style:
            return book.add_format({"font_name": "Calibri", "font_size": 10, "valign": "top", **properties})

        self.text = style()
        self.wrapped = style(text_wrap=True)
        self.label = style(bold=True)
        self.title = style(bold=True, font_size=16)
        self.heading = style(bold=True, font_size=12, bottom=1)
        self.column = style(bold=True, text_wrap=True, bg_color="#E7E6E6", bottom=1)
        self.count = style(num_format="#,##0", align="left")
        self.share = style(num_format="0%")
        self.number = style(num_format="#,##0")
        self.minute = style(num_format=f"{DAY} h:mm AM/PM", align="left")
        self.second = style(num_format=f"{DAY} h:mm:ss AM/PM", align="left")
        self.of_rows = {
            "text": self.text,
            "number": self.number,
            "minute": self.minute,
            "second": self.second,
            "marked_text": style(**MARKED),
            "marked_number": style(num_format="#,##0", **MARKED),
            "marked_minute": style(num_format=f"{DAY} h:mm AM/PM", align="left", **MARKED),
            "marked_second": style(num_format=f"{DAY} h:mm:ss AM/PM", align="left", **MARKED),
        }


def write_text(sheet: Worksheet, row: int, column: int, text: str, style: Style) -> None:
    text = printable(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter would take it for XML of its own.
        text = f"{text} "
    sheet.write_string(row, column, text, style)


def to_print(sheet: Worksheet) -> None:
    sheet.set_paper(1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
