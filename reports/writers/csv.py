"""CSV for Excel and strict parsers: UTF-8 with a BOM, RFC 4180, no cell that is a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import BinaryIO

import phonenumbers
from django.utils.translation import gettext as _

from core.text import visible
from reports.document import DUPLICATE, Bars, Document, Figures, Text
from reports.writers.progress import Progress, Row, in_chunks

MARK = "&"
BOM = "\ufeff"

first_character = itemgetter(slice(1))
SIGNS = frozenset("=+-@|%")
"""With one of these a cell begins that a spreadsheet reads as a formula.

Some spreadsheets drop what cannot be seen in front, and take full-width and small signs for the usual ones.
"""
CONTROLS = frozenset("\t\r\n\v\f")
AMOUNT = re.compile(r"-?[\d.,]+").fullmatch
NUMBER_ABROAD = re.compile(r"(\+\d{7,15})( .*)?", re.DOTALL).fullmatch  # with an extension, a note


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write a heading line and the document's rows; before them its labels and values, if it asks for that.

    A document without rows is labels and values alone. Every line has the same number of cells.
    """
    file.write(BOM.encode())
    table = document.rows
    if table is None:
        file.write(lines(list(_pairs(document))))
        return 0
    if document.summary_in_csv:
        file.write(lines(_above(document, len(table.columns))))
    file.write(lines([[column.label for column in table.columns]]))
    count = 0
    for chunk in in_chunks(table.rows, progress):
        file.write(lines(chunk))
        count += len(chunk)
    return count


def lines(rows: Sequence[Row]) -> bytes:
    # Looking at each cell takes three times longer than writing it, so do it only where it may matter.
    firsts = set(map(first_character, chain.from_iterable(rows)))
    harmless = set(filter(_is_harmless, firsts))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(
        rows if harmless == firsts else ([cell if cell[:1] in harmless else safe(cell) for cell in row] for row in rows)
    )
    return text.getvalue().replace(DUPLICATE, MARK).encode(errors="replace")


def safe(cell: str) -> str:
    """Return a cell that every spreadsheet reads as text, or as a plain number.

    An apostrophe goes before it. A phone number of another country needs none: its country code gets brackets.
    """
    if not is_risky(cell) or AMOUNT(cell):
        return cell
    if number := NUMBER_ABROAD(cell):
        return _bracketed(number[1]) + (number[2] or "")
    return f"'{cell}"


def is_risky(cell: str) -> bool:
    """Whether the first character of a cell that can be seen begins a formula, or a control character stands first."""
    return cell[:1] in CONTROLS or next(filter(None, map(_seen, cell)), "") in SIGNS


@lru_cache(maxsize=2**12)
def _seen(character: str) -> str:
    """Return the usual form of a character, such as = for a full-width one; "" for one that cannot be seen alone."""
    usual = visible(unicodedata.normalize("NFKC", character))[:1]
    return "" if unicodedata.category(usual or " ")[0] in "CMZ" else usual


def _is_harmless(first: str) -> bool:
    """Whether a cell that begins so is no formula, whatever comes next."""
    return not first or (bool(seen := _seen(first)) and seen not in SIGNS)


def _bracketed(number: str) -> str:
    """Return +525512345678 as (+52) 55 1234 5678."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return f"({number})"
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    code = f"+{parsed.country_code}"
    return f"({code}){written.removeprefix(code)}"


def _above(document: Document, columns: int) -> list[Row]:
    """Return the lines above the table; the last one is empty."""
    return [[*pair, *[""] * (columns - len(pair))] for pair in (*_pairs(document), ())]


def _pairs(document: Document) -> Iterator[tuple[str, str]]:
    """Yield what the document says above its rows."""
    yield _("Title"), document.title
    yield _("School"), document.subtitle
    yield _("Generated on"), document.generated_on
    yield from document.header
    for section in document.sections:
        if isinstance(section, Figures):
            yield from section.pairs
        elif isinstance(section, Bars):
            yield from ((bar.label, bar.words) for bar in section.bars)
        elif isinstance(section, Text):
            yield from section.paragraphs
