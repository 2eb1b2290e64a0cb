"""The formats of cells, and how a text becomes a cell."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from xlsxwriter import Workbook
from xlsxwriter.format import Format as Style
from xlsxwriter.worksheet import Worksheet

from core.statuses import Tone
from reports.writers.xml_text import printable

LONGEST = 32_767
"""The most characters of a cell."""
CUT = "…"
FIRST_DAY = date(1899, 12, 30).toordinal()
"""Excel counts the days from here."""
DAY = "mm/dd/yyyy"
COUNT = re.compile(r"-?(?:0|[1-9]\d{0,2}(?:,\d{3})*)").fullmatch
PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,14})").fullmatch
"""A number that Excel keeps as it is: it knows fifteen digits."""

FILLS = {
    Tone.GOOD: "#6AA84F",
    Tone.RUNNING: "#9FC5E8",
    Tone.WARNING: "#FFD966",
    Tone.BAD: "#CC4125",
    Tone.NEUTRAL: "#D9D9D9",
}


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
        # Of a row that stands out. Its first cell says why in a word.
        stands_out = {"bold": True, "bg_color": "#F2DCDB"}
        self.marked = {
            self.text: style(**stands_out),
            self.number: style(num_format="#,##0", **stands_out),
            self.minute: style(num_format=f"{DAY} h:mm AM/PM", align="left", **stands_out),
            self.second: style(num_format=f"{DAY} h:mm:ss AM/PM", align="left", **stands_out),
        }


@lru_cache(maxsize=2**14)
def day_number(text: str) -> int:
    """Return the number of a day such as 11/20/2026. Raises ValueError."""
    month, day, year = map(int, text.split("/"))
    return date(year, month, day).toordinal() - FIRST_DAY


@lru_cache(maxsize=2**17)
def part_of_day(text: str) -> tuple[float, bool]:
    """Return a time such as 8:31 AM as a part of a day, and whether it has seconds. Raises ValueError."""
    clock, half = text.split(" ")
    hour, minute, *seconds = map(int, clock.split(":"))
    if not 1 <= hour <= 12 or half not in ("AM", "PM") or len(seconds) > 1:
        raise ValueError(text)
    whole = (hour % 12 + (12 if half == "PM" else 0)) * 3600 + minute * 60 + sum(seconds)
    return whole / 86_400, bool(seconds)


def time_number(text: str) -> tuple[float, bool]:
    """Return a text of core.dates.time_text as Excel counts time, and whether it has seconds. Raises ValueError."""
    day, _, clock = text.partition(" ")
    part, seconds = part_of_day(clock)
    return day_number(day) + part, seconds


def write_text(sheet: Worksheet, row: int, column: int, text: str, style: Style) -> None:
    text = printable(text)
    sheet.write_string(row, column, text if len(text) <= LONGEST else text[: LONGEST - 1] + CUT, style)


def write_time(sheet: Worksheet, row: int, column: int, text: str, styles: Styles) -> bool:
    """Write a time as a time. Returns False if the text is none, and writes nothing."""
    try:
        number, seconds = time_number(text)
    except ValueError:
        return False
    sheet.write_number(row, column, number, styles.second if seconds else styles.minute)
    return True
