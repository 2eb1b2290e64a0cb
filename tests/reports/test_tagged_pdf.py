"""PDFs are tagged by PDF/UA-1: a screen reader finds what an eye finds, in the same order."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from reports.document import DUPLICATE, Column, Document, Figures, Rows, Text
from reports.writers import Format
from reports.writers.pdf.objects import Block, ObjectFile
from reports.writers.pdf.shaping import cleaned
from tests.examples import examples
from tests.reports.documents import COLUMNS, a_document, a_row, pdf, written
from tests.reports.pdf_tags import UNSURE, Tag, faults, tree
from tests.reports.test_scripts import NAMES

CELLS = st.sampled_from(["", "Ann", "王小明", "محمد بن سلمان", "김", "x" * 400])
LONG = "Wolfeschlegelsteinhausenbergerdorff-Montgomery, Hubert Blaine"
MANY_COLUMNS = [Column(f"Column {number}") for number in range(12)]
BODY = "\n".join(f"Line {number} of a long body, with an empty one below it.\n" for number in range(120))

DOCUMENTS = {
    "a report": a_document([a_row(), a_row(LONG * 3), a_row(device=f"a@example.org{DUPLICATE}", time="")]),
    "without rows": a_document([]),
    "without sections": a_document([], sections=[], header=[]),
    "without any text": a_document([["", " ", "", "", ""]], subtitle="", generated_on=""),
    "labels alone": a_document([], sections=[Figures("Empty", []), Text("Nothing", []), Figures("One", [("a", "")])]),
    "a body over several pages": a_document([], sections=[Text("Message Detail", [("E-mail", BODY), ("Text", "Ok")])]),
    "values over several pages": a_document([], sections=[Figures("Long", [("Why", BODY), ("a", "b")], columns=2)]),
    "many columns": a_document([], sections=[Rows("Log", MANY_COLUMNS, [["x"] * 12] * 50)], landscape=True),
    "rows as high as they can be": a_document([a_row("x" * 5_000, student=LONG * 9)] * 14),
    "another language": a_document([a_row("Ñandú, José")], language="es-MX", repeatable=True),
}


def rows_of(table: Tag) -> list[list[str]]:
    return [[cell.spoken for cell in row.kids] for body in table.all("TBody") for row in body.kids]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_document_is_tagged_by_the_standard(document: Document) -> None:
    data = written(Format.PDF, document)
    assert faults(data) == []
    assert tree(data).names[:1] == ["H1"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_in_any_script_is_read_as_it_was_given(name: str) -> None:
    data = written(Format.PDF, a_document([a_row(name), a_row("Ann")], header=[("Sender", name)]))
    assert faults(data, but=UNSURE) == []
    found = tree(data)
    assert rows_of(found) == [a_row(name), a_row("Ann")]
    assert [body.spoken for body in found.all("LBody")][1] == name


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("王小明", "zh-Hans"),
        ("陳海", "zh-Hant"),
        ("さくら", "ja"),
        ("김철수", "ko"),
        ("محمد", None),  # Arabic, Persian, Urdu ...
        ("García, José", None),
    ],
)
def test_a_text_has_the_language_that_its_characters_show(text: str, language: str | None) -> None:
    found = tree(written(Format.PDF, a_document([a_row(text)], header=[("Sender", text)])))
    for tag in (found.all("LBody")[1], (found.all("Span") or found.all("TD"))[0]):
        assert tag.spoken == text
        assert tag.entries.get("/Lang") == language


def test_the_tree_says_what_is_a_heading_a_label_a_column_and_a_cell() -> None:
    found = tree(written(Format.PDF, DOCUMENTS["a report"]))
    assert [tag.spoken for tag in found.all("H1")] == ["Sent Message Report"]
    assert [tag.kids[0].spoken for tag in found.all("Sect")] == [
        "Delivery Summary",
        "Message Detail",
        "Delivery Detail",
    ]
    assert {tag.kids[0].name for tag in found.all("Sect")} == {"H2"}
    pairs = [tuple(kid.spoken for kid in item.kids) for item in found.all("LI")]
    # As they are written, not line by line: two columns of labels are read one after the other.
    assert pairs[3:6] == [("Total Emails:", "3"), ("Total Voice:", "0"), ("Total Text:", "7")]
    assert pairs[6] == ("Message Body:", "School is closed today.Stay at home.")
    assert [tag.spoken for tag in found.all("LI")[6].all("P")] == ["School is closed today.", "Stay at home."]
    [table] = found.all("Table")
    assert table.names == ["THead", "TBody"]
    assert [head.spoken for head in table.all("TH")] == COLUMNS
    assert all(head.entries["/A"]["/Scope"] == "/Column" for head in table.all("TH"))


@pytest.mark.slow
def test_a_table_over_many_pages_is_one_table_with_one_heading() -> None:
    # Some have an own language, so that no page is like the one before it.
    rows = [a_row(f"Parent {number}", student="王小明" if number % 61 == 0 else LONG) for number in range(150)]
    data = written(Format.PDF, a_document(rows))
    assert faults(data) == []
    found = tree(data)
    [table] = found.all("Table")
    assert len(table.all("TBody")) == len(pdf(a_document(rows)).pages)
    assert len(table.all("TH")) == len(COLUMNS)
    assert [row[0] for row in rows_of(table)] == [row[0] for row in rows]
    assert [row[1].replace(" ", "") for row in rows_of(table)] == [row[1].replace(" ", "") for row in rows]


def test_it_says_of_itself_that_it_is_tagged_and_what_it_is() -> None:
    reader = pdf(a_document([], title="A & B <report>", language="es-MX"))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  (an object of pypdf)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    assert root["/Lang"] == "es-MX"
    packet = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert "A &amp; B &lt;report&gt;" in packet
    assert reader.pdf_header == "%PDF-1.7"


def test_a_repeatable_document_has_the_same_bytes() -> None:
    document = DOCUMENTS["another language"]
    assert written(Format.PDF, document) == written(Format.PDF, document)


@pytest.mark.slow
@examples(12)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=70),
    before=st.integers(0, 50),
)
def test_whatever_the_rows_each_cell_is_read_once(rows: Sequence[list[str]], before: int) -> None:
    columns = [Column("A"), Column("B", 3), Column("C")]
    figures = Figures("Before", [(f"Label {number}", "value") for number in range(before)])
    found = tree(written(Format.PDF, a_document([], sections=[figures, Rows("Rows", columns, rows)])))
    assert [[cell[:20] for cell in row] for row in blanks(rows_of(found))] == [
        [cell[:20] for cell in row] for row in blanks([[cleaned(cell) for cell in row] for row in rows])
    ]


def blanks(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Without blanks, which are not drawn where a line ends."""
    return [["".join(cell.split()) for cell in row] for row in rows]


class Parts(list[bytes]):
    """A file that is never read."""

    write = list.append


def test_no_two_objects_have_one_number() -> None:
    out = ObjectFile(Parts())
    out.packed(1, [(2, "[]")])
    out.packed(3, [(2, "[]")])
    with pytest.raises(ValueError, match="two objects with the number 2"):
        out.close(4, b"")


def test_numbers_without_an_object_are_free_and_all_others_are_found() -> None:
    file = Parts()
    out = ObjectFile(file)
    out.add(b"%PDF-1.7\n")
    places = "".join(f"{300 + at} {at * 2} " for at in range(700))
    block = Block(300, 700, places.encode(), b" ".join([b"7"] * 700))
    out.packed(1, [(2, "<</Type/Catalog/Pages 3 0 R>>"), (3, "<</Type/Pages/Kids[]/Count 0>>"), (5, "5")], block)
    out.close(1_200, b"/Root 2 0 R")
    reader = PdfReader(io.BytesIO(b"".join(file)))
    assert [reader.get_object(number) for number in (5, 300, 555, 556, 999)] == [5, 7, 7, 7, 7]
    assert reader.trailer["/Size"] == 1_201
