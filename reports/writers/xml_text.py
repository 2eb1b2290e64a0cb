"""Texts in the XML of a DOCX or an XLSX."""

import re

from reports.document import DUPLICATE

MARK = "†"
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def printable(text: str) -> str:
    """Return the text without what XML cannot hold, and with the printed sign for duplicates."""
    if text.isascii() and text.isprintable():
        return text
    return NOT_XML.sub("", text.replace(DUPLICATE, MARK))
