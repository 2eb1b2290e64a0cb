"""The formats of a report. A writer knows nothing of messages: it turns a `reports.document.Document` into bytes."""

from collections.abc import Callable
from typing import BinaryIO

from django.db.models import TextChoices

from reports.document import Document

Progress = Callable[[int], None]
"""Is told, every some thousand rows, how many are written; what it raises ends the writing."""


class Format(TextChoices):
    """Each value is the extension of the file, too."""

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
    raise NotImplementedError
