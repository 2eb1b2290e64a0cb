"""Documents to write, and what readers of the four formats find in the files."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import docx
import openpyxl
from pypdf import PdfReader

from reports.document import Column, Document, Figures, Rows, Text
from reports.writers import Format, write

COLUMNS = ["Recipient", "Student", "Delivery Device", "Status", "Time"]
WIDTHS = [2.0, 2.0, 2.6, 1.6, 1.6]


def a_document(rows: Iterable[Sequence[str]], **changes: object) -> Document:
    columns = [Column(label, width) for label, width in zip(COLUMNS, WIDTHS, strict=True)]
    values: dict[str, object] = {
        "title": "Sent Message Report",
        "subtitle": "Harrison High",
        "generated_on": "12/02/2019 8:55 AM",
        "header": [("Message Status", "Sent"), ("Subject", "School is closed")],
        "sections": [
            Figures("Delivery Summary", [("Total Emails", "3"), ("Total Voice", "0"), ("Total Text", "7")], columns=2),
            Text("Message Detail", [("Message Body", "School is closed today.\nStay at home.")]),
            Rows("Delivery Detail", columns, rows, legend=["† occurs twice"]),
        ],
    }
    return Document(**(values | changes))


def a_row(recipient: str = "Parent, Heather", **changes: str) -> list[str]:
    values = {"student": "Student, Calvin", "device": "heather@example.org", "status": "Sent", "time": "8:55 AM"}
    return [recipient, *(values | changes).values()]


def written(format: Format, document: Document) -> bytes:
    file = io.BytesIO()
    write(format, document, file)
    return file.getvalue()


def pdf(document: Document) -> PdfReader:
    return PdfReader(io.BytesIO(written(Format.PDF, document)))


def pdf_text(document: Document) -> str:
    return "\n".join(page.extract_text() for page in pdf(document).pages)


def csv_rows(document: Document) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written(Format.CSV, document).decode("utf-8-sig"), newline=""), strict=True))


def docx_rows(document: Document) -> list[list[str]]:
    """The cells of the last table, without its heading row."""
    table = docx.Document(io.BytesIO(written(Format.DOCX, document))).tables[-1]
    return [[cell.text for cell in row.cells] for row in table.rows][1:]


def workbook(document: Document) -> Any:
    return openpyxl.load_workbook(io.BytesIO(written(Format.XLSX, document)))


def xlsx_lines(sheet: Any) -> list[list[str]]:
    """The cells of a sheet as a person reads them: times and numbers as they are shown."""
    return [[shown(cell) for cell in row] for row in sheet.iter_rows()]


def shown(cell: Any) -> str:
    match cell.value:
        case None:
            return ""
        case datetime() as moment:
            seconds = ":%S" if ":ss" in cell.number_format else ""
            clock = f"{moment.hour % 12 or 12}{moment.strftime(f':%M{seconds} %p')}"
            return f"{moment:%m/%d/%Y} {clock}"
        case int() | float() as number:
            return f"{number:,}" if cell.number_format == "#,##0" else str(number)
        case text:
            return str(text)


def xlsx_rows(document: Document) -> list[list[str]]:
    """The cells of all sheets of rows, without their heading rows."""
    return [line for sheet in workbook(document).worksheets[1:] for line in xlsx_lines(sheet)[1:]]


def together(text: str) -> str:
    """Without blanks, which a PDF does not keep where a line ends."""
    return re.sub(r"\s+", "", text)
