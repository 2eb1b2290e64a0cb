"""What is wrong with the tags of a PDF, and what a screen reader finds in them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from page import validate_pdf_bytes
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream, DictionaryObject

UNSURE = {"PDFUA1-FONT-GLYPH-WIDTH-001", "PDFUA1-FONT-UNICODE-MAPPING-001"}
"""The checker takes two things for faults that are none.

It looks up the widths of an OpenType font with Chinese and Korean glyphs in the wrong one of its parts. And it does not
read a map of codes that has an empty text, as dots have that HarfBuzz draws beside their Arabic letter.
"""
DRAWING = {b"Tj", b"TJ", b"Do", b"S", b"f", b"B", b"sh"}


@dataclass
class Tag:
    """An element of the tree, with all that it holds in the order of reading."""

    name: str
    text: str = ""
    kids: list[Tag] = field(default_factory=list)
    entries: DictionaryObject = field(default_factory=DictionaryObject)

    def all(self, name: str) -> list[Tag]:
        """All elements of a name in this one, in the order of reading."""
        own = [self] if self.name == name else []
        return own + [found for kid in self.kids for found in kid.all(name)]

    @property
    def names(self) -> list[str]:
        return [kid.name for kid in self.kids]

    @property
    def spoken(self) -> str:
        """The text as it is read aloud."""
        actual = self.entries.get("/ActualText")
        return str(actual) if actual is not None else self.text + "".join(kid.spoken for kid in self.kids)


def faults(data: bytes, *, but: AbstractSet[str] = frozenset()) -> list[str]:
    """Return what breaks PDF/UA-1, as far as a program can find that."""
    report = validate_pdf_bytes(data, profile="ua1")
    return [f"{found.rule_id}: {found.message}" for found in report.failures if found.rule_id not in but]


def tree(data: bytes) -> Tag:
    """Read the tags. Fails if they and the contents of the pages do not belong to each other one by one."""
    reader = PdfReader(io.BytesIO(data))
    root = reader.trailer["/Root"]["/StructTreeRoot"]
    contents = {page.indirect_reference.idnum: dict(marked(page)) for page in reader.pages}
    owners = dict(numbers(root["/ParentTree"]))
    found: dict[tuple[int, int], int] = {}
    document = _tag(root["/K"], root, contents, found)
    due = {
        (page.indirect_reference.idnum, number): owner.idnum
        for page in reader.pages
        for number, owner in enumerate(owners[page["/StructParents"]])
    }
    assert found == due, "the tree of parents says something else"
    assert set(found) == {(page, number) for page, marks in contents.items() for number in marks}
    assert all(page["/Tabs"] == "/S" for page in reader.pages)
    return document


def _tag(reference: object, parent: object, contents: dict, found: dict) -> Tag:  # type: ignore[type-arg]
    entries = reference.get_object()
    assert entries["/P"] == parent
    tag = Tag(entries["/S"][1:], entries=entries)
    kids = entries.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        value = kid.get_object()
        if isinstance(value, DictionaryObject) and "/S" in value:
            tag.kids.append(_tag(kid, entries, contents, found))
            continue
        page = value.raw_get("/Pg") if isinstance(value, DictionaryObject) else entries.raw_get("/Pg")
        number = value["/MCID"] if isinstance(value, DictionaryObject) else int(value)
        assert (page.idnum, number) not in found, "two elements have one content"
        found[page.idnum, number] = reference.idnum
        tag.text += contents[page.idnum][number]
    return tag


def numbers(node: DictionaryObject) -> Iterator[tuple[int, list]]:  # type: ignore[type-arg]
    """Yield the entries of a tree of numbers."""
    for kid in node.get("/Kids", []):
        first, last = kid.get_object()["/Limits"]
        inner = list(numbers(kid.get_object()))
        assert [first, last] == [inner[0][0], inner[-1][0]]
        yield from inner
    flat = node.get("/Nums", [])
    for place in range(0, len(flat), 2):
        yield int(flat[place]), flat[place + 1].get_object()


def marked(page: PageObject) -> Iterator[tuple[int, str]]:
    """Yield the text of each marked content of a page. Fails for what is neither marked nor an artifact."""
    fonts = {name: texts(font.get_object()) for name, font in page["/Resources"]["/Font"].items()}
    stack: list[tuple[str, DictionaryObject]] = []
    font: dict[str, str] = {}
    text = ""
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        actual = any("/ActualText" in entries for _, entries in stack)
        if operator == b"BDC":
            assert not (stack and operands[0] == "/Artifact"), "an artifact within a content"
            stack.append((operands[0], operands[1]))
            text += "" if actual else operands[1].get("/ActualText", "")
        elif operator == b"BMC":
            stack.append((operands[0], DictionaryObject()))
        elif operator == b"EMC":
            name, entries = stack.pop()
            if not stack:
                if name != "/Artifact":
                    yield int(str(entries["/MCID"])), text
                text = ""
        elif operator in DRAWING:
            assert stack, f"{operator!r} is neither tagged nor an artifact"
            if operator in (b"Tj", b"TJ") and not actual:
                parts = operands[0] if operator == b"TJ" else operands
                text += "".join(decoded(part, font) for part in parts if isinstance(part, str | bytes))
        elif operator == b"Tf":
            font = fonts[operands[0]]
    assert not stack


def decoded(part: str | bytes, font: dict[str, str]) -> str:
    codes = part if isinstance(part, bytes) else part.original_bytes
    return "".join(font[codes[at : at + 2].hex()] for at in range(0, len(codes), 2))


def texts(font: DictionaryObject) -> dict[str, str]:
    """Return the text of each code, by its hexadecimal digits."""
    pairs = re.findall(r"<([0-9A-F]{4})> <([0-9a-f]*)>", font["/ToUnicode"].get_data().decode())
    return {code.lower(): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}
