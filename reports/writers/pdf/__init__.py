"""PDF: reportlab makes the document, HarfBuzz shapes the text, and each page is written as soon as it is full."""

from typing import BinaryIO

from reports.document import Bars, Document, Figures, Rows
from reports.writers.pdf.bars import draw_bars
from reports.writers.pdf.pages import Pages
from reports.writers.pdf.table import draw_rows
from reports.writers.progress import Progress


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    pages = Pages(document, file)
    pages.title()
    count = 0
    for section in document.sections:
        if isinstance(section, Rows):
            count += draw_rows(pages, section, progress)
            continue
        pages.heading(section.heading)
        if isinstance(section, Figures):
            pages.pairs(section.pairs, section.columns)
        elif isinstance(section, Bars):
            draw_bars(pages, section)
        else:
            pages.texts(section.paragraphs)
    pages.close()
    return count
