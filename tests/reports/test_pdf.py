import re

import pytest

from reports.document import DUPLICATE, Column, Figures, Rows, Section, Text
from tests.reports.documents import COLUMNS, a_document, a_row, pdf, pdf_text, together


def test_text_comes_out_row_by_row():
    lines = pdf_text(a_document([a_row("Parent, Heather"), a_row("Parent, Tad", time="")])).splitlines()
    assert "Parent, Heather Student, Calvin heather@example.org Sent 8:55 AM" in lines
    assert "Parent, Tad Student, Calvin heather@example.org Sent" in [line.strip() for line in lines]


def test_headings_are_repeated_and_pages_are_numbered():
    pages = [page.extract_text() for page in pdf(a_document([a_row()] * 200)).pages]
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert " ".join(COLUMNS) in text
        assert re.search(rf"Page {number} of\s+{len(pages)}\b", text)


def fill(lines: int) -> Text:
    return Text("Message Detail", [("Message Body", "\n".join(["School is closed today."] * lines))])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "below"),
    [
        (Rows("The next", [Column(label, 1) for label in COLUMNS], [a_row()] * 3, legend=["† twice"] * 3), "Student"),
        (Rows("The next", [Column(label, 1) for label in COLUMNS], [a_row("x " * 2000)]), "Student"),
        (Figures("The next", [("Subject", "long " * 200)]), "Subject:"),
        (Text("The next", [("Message Body", "short")]), "Message Body:"),
    ],
    ids=["table", "table-of-high-rows", "figures", "text"],
)
def test_a_heading_is_never_alone_at_the_end_of_a_page(section: Section, below: str) -> None:
    for lines in range(60):
        reader = pdf(a_document([], sections=[fill(lines), section]))
        *_, heading = reader.outline[1]
        page = reader.pages[reader.get_destination_page_number(heading)].extract_text()
        assert below in page.split("The next")[1], f"after {lines} lines"


@pytest.mark.slow
def test_every_row_is_printed_once():
    rows = [a_row(f"Parent {number}.") for number in range(500)]
    found = re.findall(r"Parent (\d+)\.", pdf_text(a_document(rows)))
    assert list(map(int, found)) == list(range(500))


def test_it_has_a_title_a_language_and_bookmarks():
    reader = pdf(a_document([a_row()], language="es-MX"))
    assert reader.metadata.title == "Sent Message Report"
    assert reader.trailer["/Root"]["/Lang"] == "es-MX"
    title, parts = reader.outline
    assert title.title == "Sent Message Report"
    assert [part.title for part in parts] == ["Delivery Summary", "Message Detail", "Delivery Detail"]
    assert [reader.get_destination_page_number(part) for part in parts] == [0, 0, 0]


def test_a_long_name_wraps():
    name = "Wolfeschlegelsteinhausenbergerdorff-Montgomery, Hubert Blaine " * 3
    assert together(name) in together(pdf_text(a_document([a_row(name)])))


def test_what_would_fill_the_page_is_cut_with_an_ellipsis():
    text = pdf_text(a_document([a_row("x" * 5_000)]))
    assert 100 < text.count("x") < 1_000
    assert "x…" in text


def test_duplicate_addresses_carry_a_cross():
    assert "a@example.org†" in pdf_text(a_document([a_row(device=f"a@example.org{DUPLICATE}")]))


def test_all_fonts_that_are_drawn_with_are_embedded():
    page = pdf(a_document([a_row("王小明 محمد")])).pages[0]
    fonts = page["/Resources"]["/Font"]
    assert len(fonts) >= 3
    for font in fonts.values():
        descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
        assert "/ToUnicode" in font


def test_a_report_without_rows_ends_after_its_heading():
    assert " ".join(COLUMNS) in pdf_text(a_document([]))
