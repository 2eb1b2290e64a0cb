"""The first sheet: what the report is, its figures, bars and texts."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from reports.document import Bar, Bars, Document, Figures, Text
from reports.writers.xlsx.styles import FILLS, Styles, to_print, write_text
from reports.writers.xlsx.values import COUNT, LONGEST, time_number
from reports.writers.xml_text import printable

WIDTHS = {"A:A": 44, "B:B": 60, "C:C": 12, "D:D": 24}
PIECE = LONGEST // 2
"""So many characters fit into a cell: some count twice."""
FIRST, SECOND, COUNTED, SHARE = range(4)


def summary_name() -> str:
    return _("Summary")


def write_summary(book: Workbook, styles: Styles, document: Document) -> None:
    summary = Summary(book, styles)
    summary.line(document.title, styles.title)
    summary.line(document.subtitle, styles.text)
    made = [(_("Generated on"), document.generated_on)] if document.generated_on else []
    summary.pairs([*made, *document.header])
    for section in document.sections:
        match section:
            case Figures():
                summary.heading(section.heading)
                summary.pairs(section.pairs, counted=section.counted)
            case Bars():
                summary.heading(section.heading)
                summary.bars(section.bars)
            case Text():
                summary.heading(section.heading)
                summary.pairs(section.paragraphs)
            case _:
                summary.legend(section.legend)


class Summary:
    """Writes line by line."""

    def __init__(self, book: Workbook, styles: Styles) -> None:
        self.styles, self.row = styles, 0
        self.sheet = book.add_worksheet(summary_name())
        for columns, width in WIDTHS.items():
            self.sheet.set_column(columns, width)
        self.sheet.ignore_errors({"number_stored_as_text": "A1:D1048576"})
        to_print(self.sheet)

    def line(self, text: str, style: object) -> None:
        write_text(self.sheet, self.row, FIRST, text, style)
        self.row += 1

    def heading(self, text: str) -> None:
        self.row += 1
        self.line(text, self.styles.heading)

    def pairs(self, pairs: Iterable[tuple[str, str]], *, counted: bool = False) -> None:
        for label, value in pairs:
            write_text(self.sheet, self.row, FIRST, label, self.styles.label)
            self.value(printable(value), counted=counted)
            self.row += 1

    def value(self, text: str, *, counted: bool) -> None:
        """Write a value; a text that is too long for a cell goes on below."""
        if counted and COUNT(text):
            self.sheet.write_number(self.row, SECOND, int(text.replace(",", "")), self.styles.count)
        elif not self.time(text):
            for start in range(0, len(text), PIECE):
                self.row += bool(start)
                write_text(self.sheet, self.row, SECOND, text[start : start + PIECE], self.styles.wrapped)

    def time(self, text: str) -> bool:
        """Write a time as a time. Returns False if the text is none, and writes nothing."""
        try:
            number, seconds = time_number(text)
        except ValueError:
            return False
        self.sheet.write_number(self.row, SECOND, number, self.styles.second if seconds else self.styles.minute)
        return True

    def bars(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            write_text(self.sheet, self.row, FIRST, bar.label, self.styles.label)
            self.parts(bar)

    def parts(self, bar: Bar) -> None:
        """Write a line for each part: its mark and word, its count, and its share, which is drawn as a bar."""
        for part in bar.parts:
            write_text(self.sheet, self.row, SECOND, f"{part.mark} {part.status.word}", self.styles.text)
            self.sheet.write_number(self.row, COUNTED, part.count, self.styles.number)
            self.sheet.write_number(self.row, SHARE, part.count / (bar.total or 1), self.styles.share)
            drawn = {"type": "data_bar", "bar_color": FILLS[part.status.tone]}
            ends = {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
            self.sheet.conditional_format(self.row, SHARE, self.row, SHARE, drawn | ends)
            self.row += 1
        self.row += not bar.parts

    def legend(self, lines: Iterable[str]) -> None:
        self.row += 1
        for line in lines:
            self.line(line, self.styles.text)
