"""The formats of a report. A writer does not know messages: it turns a `reports.document.Document` into bytes."""

from importlib import import_module
from typing import BinaryIO

from django.db.models import TextChoices

from reports.document import Document
from reports.writers.progress import Progress


class Format(TextChoices):
    """The formats. A value is also the extension of the file, and the name of the writer's module."""

    PDF = "pdf", "PDF"
    CSV = "csv", "CSV"
    DOCX = "docx", "DOCX"
    XLSX = "xlsx", "XLSX"

    @property
    def content_type(self) -> str:
        return {
            Format.PDF: "application/pdf",
            Format.CSV: "text/csv; charset=utf-8",
            Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }[self]


def write(format: Format, document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write the document to the file, at its current position, and return the number of rows.

    Memory does not grow with the rows. Errors of the rows, the file or `progress` are passed on; then the file is
    incomplete and of no use.
    """
    # Only a process that makes a report loads its format: reportlab, python-docx, XlsxWriter and the fonts take time
    # and memory.
    writer = import_module(f"reports.writers.{format.value}")
    rows: int = writer.write(document, file, progress=progress)
    return rows
