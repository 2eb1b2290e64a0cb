"""The formats of a report. A writer knows nothing of messages: it turns a `reports.document.Document` into bytes."""

from importlib import import_module
from typing import BinaryIO

from django.db.models import TextChoices

from reports.document import Document
from reports.writers.progress import Progress


class Format(TextChoices):
    """Each value is the extension of the file, too, and the name of the writer's module."""

    PDF = "pdf", "PDF"
    CSV = "csv", "CSV"
    DOCX = "docx", "DOCX"

    @property
    def content_type(self) -> str:
        return {
            Format.PDF: "application/pdf",
            Format.CSV: "text/csv; charset=utf-8",
            Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }[self]


def write(format: Format, document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write the document to the file, from where it stands, and return how many rows it has.

    Memory does not grow with the rows. What the rows, the file or ``progress`` raise comes through; the file then holds
    a part that is of no use.
    """
    # reportlab, python-docx, and the fonts are loaded by the first report in their format, not by every process.
    writer = import_module(f"reports.writers.{format.value}")
    rows: int = writer.write(document, file, progress=progress)
    return rows
