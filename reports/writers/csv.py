"""CSV for Excel and strict parsers: UTF-8 with a BOM, RFC 4180, no cell that is a formula."""

import csv
import io
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import BinaryIO

from defusedcsv import csv as defused

from reports.document import DUPLICATE, Document, Figures, Text
from reports.writers.progress import Progress, Row, in_chunks

MARK = "&"
BOM = "\ufeff"

first_character = itemgetter(slice(1))
RISKY = frozenset("@+-=|%")
"""The characters that defusedcsv looks for at the start of a cell."""


def write(document: Document, file: BinaryIO, *, progress: Progress | None = None) -> int:
    """Write a heading line and the document's rows; without rows, the labels and values of the whole document."""
    file.write(BOM.encode())
    table = document.rows
    if table is None:
        file.write(lines(_pairs(document)))
        return 0
    file.write(lines([[column.label for column in table.columns]]))
    count = 0
    for chunk in in_chunks(table.rows, progress):
        file.write(lines(chunk))
        count += len(chunk)
    return count


def lines(rows: Sequence[Row]) -> bytes:
    # defusedcsv looks at each cell, which takes three times longer than writing it, so use it only where it may matter.
    harmless = RISKY.isdisjoint(map(first_character, chain.from_iterable(rows)))
    text = io.StringIO(newline="")
    (csv if harmless else defused).writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().replace(DUPLICATE, MARK).encode(errors="replace")


def _pairs(document: Document) -> list[Row]:
    pairs: list[Row] = [
        ("Title", document.title),
        ("School", document.subtitle),
        ("Generated on", document.generated_on),
    ]
    pairs.extend(document.header)
    for section in document.sections:
        if isinstance(section, Figures):
            pairs.extend(section.pairs)
        elif isinstance(section, Text):
            pairs.extend(section.paragraphs)
    return pairs
