"""PDF: reportlab makes the document, HarfBuzz shapes the text, and each page is written as soon as it is full."""

from typing import BinaryIO

from reports.document import Bars, Document, Figures, Text
from reports.writers.pdf.bars import draw_bars
from reports.writers.pdf.pages import Pages
from reports.writers.pdf.table import draw_rows
from reports.writers.progress import Progress


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    pages = Pages(document, file)
    pages.title()
    count = 0
    for section in document.sections:
        pages.heading(section.heading)
        if isinstance(section, Figures):
            pages.pairs(section.pairs, section.columns)
        elif isinstance(section, Bars):
            draw_bars(pages, section)
        elif isinstance(section, Text):
            pages.texts(section.paragraphs)
        else:
            pages.legend(section.legend)
            count += draw_rows(pages, section, progress)
    pages.close()
    return count
