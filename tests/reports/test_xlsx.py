"""A workbook: a summary, the rows on sheets of their own, typed times and counts, and no formula anywhere."""

import io
import zipfile
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dates import time_text
from core.statuses import Shape, Status, Tone
from reports.document import DUPLICATE, Bar, Bars, Column, Figures, Kind, Part, Rows
from reports.writers import Format
from reports.writers import xlsx as writer
from reports.writers.xlsx.skeleton import sheet_name
from tests.reports.documents import COLUMNS, a_document, a_row, workbook, written, xlsx_lines, xlsx_rows

TYPED = [Column("Who"), Column("When", kind=Kind.TIME), Column("How many", kind=Kind.NUMBER)]
REACHED = Status("reached", Shape.CHECK, Tone.GOOD)
MISSED = Status("not reached", Shape.CROSS, Tone.BAD)


def typed(*rows):
    return a_document([], sections=[Rows("Events", TYPED, rows)])


def test_the_summary_and_the_rows_are_sheets_of_their_own():
    book = workbook(a_document([a_row(), a_row("Vaj, Nplooj")]))
    assert book.sheetnames == ["Summary", "Delivery Detail"]
    lines = [line[:2] for line in xlsx_lines(book["Summary"])]
    for pair in (["Subject", "School is closed"], ["Generated on", "12/02/2019 8:55 AM"], ["† occurs twice", ""]):
        assert pair in lines
    assert ["Message Body", "School is closed today.\nStay at home."] in lines
    assert xlsx_lines(book["Delivery Detail"]) == [COLUMNS, a_row(), a_row("Vaj, Nplooj")]


def test_the_heading_stays_in_view_and_every_column_has_a_filter():
    sheet = workbook(a_document([a_row()] * 3))["Delivery Detail"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:E4")


def test_times_are_times_counts_are_numbers_and_numbers_of_people_are_texts():
    sheet = workbook(typed(["004711", "11/20/2026 8:31 AM", "1204"], ["(612) 555-0143", "", "many"]))["Events"]
    who, when, how_many = sheet[2]
    assert (who.value, when.value, how_many.value) == ("004711", datetime(2026, 11, 20, 8, 31), 1204)  # noqa: DTZ001
    assert when.is_date
    assert [cell.value for cell in sheet[3]] == ["(612) 555-0143", None, "many"]


@pytest.mark.slow
@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(None)), st.booleans())  # noqa: DTZ001
def test_a_time_is_shown_as_the_other_formats_write_it(moment, seconds):
    text = time_text(moment.astimezone(), seconds=seconds)
    assert xlsx_rows(typed(["", text, ""]))[0][1] == text


@pytest.mark.parametrize(
    "text", ["not finished", "13/45/2026 8:00 AM", "11/20/2026", "11/20/2026 25:00 AM", "11/20/2026 8:31 XM"]
)
def test_what_is_no_time_stays_a_text(text):
    assert xlsx_rows(typed(["", text, ""]))[0][1] == text


def test_counts_of_the_summary_are_numbers_and_criteria_are_texts():
    pairs = [("Total Emails", "1,204"), ("Duration", "2 min"), ("Start Time", "11/20/2026 8:31:07 AM")]
    sections = [Figures("Totals", pairs, counted=True), Figures("Filter Criteria", [("Student", "123")])]
    book = workbook(a_document([], sections=sections))
    assert book.sheetnames == ["Summary"]
    values = {row[0].value: row[1].value for row in book["Summary"].iter_rows()}
    assert (values["Total Emails"], values["Duration"], values["Student"]) == (1204, "2 min", "123")
    assert values["Start Time"] == datetime(2026, 11, 20, 8, 31, 7)  # noqa: DTZ001


def test_a_bar_is_words_counts_and_shares_that_are_drawn():
    bar = Bar("People", [Part(REACHED, 3), Part(MISSED, 1)])
    sheet = workbook(a_document([], sections=[Bars("How It Went", [bar, Bar("Nobody", [])])]))["Summary"]
    lines = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["People", "✓ reached", 3, 0.75] in lines
    assert [None, "✖ not reached", 1, 0.25] in lines
    assert len(list(sheet.conditional_formatting)) == 2


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "{=", "=HYPERLINK(", "http://", "mailto:", "\t="])
def test_no_cell_is_a_formula_or_a_link(begin):
    text = f"{begin}1+1"
    document = a_document([a_row(text)], title=text, subtitle=text, header=[(text, text)])
    with zipfile.ZipFile(io.BytesIO(written(Format.XLSX, document))) as found:
        sheets = [found.read(name).decode() for name in found.namelist() if "/sheet" in name]
    assert not any("<f>" in sheet or "<f " in sheet or "hyperlink" in sheet for sheet in sheets)
    assert xlsx_rows(document)[0][0] == text


def test_what_xml_cannot_hold_is_left_out_and_duplicates_carry_a_cross():
    [row] = xlsx_rows(a_document([a_row("A\x00\x0b<b> & \ufffe]]>\ud800", device=f"a@example.org{DUPLICATE}")]))
    assert (row[0], row[2]) == ("A<b> & ]]>", "a@example.org†")


def test_a_text_that_is_too_long_for_a_cell_is_cut_in_a_row_and_goes_on_below_in_the_summary():
    text = "School is closed. " * 2_000
    document = a_document([a_row(text)], header=[("Subject", text), ("Type", "Notice")])
    assert len(xlsx_rows(document)[0][0]) == 32_767
    assert len(xlsx_rows(a_document([a_row("😀" * 20_000)]))[0][0].encode("utf-16-le")) <= 2 * 32_767
    lines = [line[:2] for line in xlsx_lines(workbook(document)["Summary"])]
    place = [label for label, _ in lines].index("Subject")
    assert "".join(value for _, value in lines[place : place + 3]) == text
    assert lines[place + 3] == ["Type", "Notice"]


def test_rows_that_fill_a_sheet_go_on_in_the_next_with_their_heading(monkeypatch):
    monkeypatch.setattr(writer, "MOST_ROWS", 2)
    rows = [a_row(f"Parent {number}") for number in range(5)]
    book = workbook(a_document(rows))
    assert book.sheetnames == ["Summary", "Delivery Detail", "Delivery Detail 2", "Delivery Detail 3"]
    assert [len(xlsx_lines(sheet)) for sheet in book.worksheets[1:]] == [3, 3, 2]
    assert book.worksheets[2].auto_filter.ref == "A1:E3"
    assert xlsx_rows(a_document(rows)) == rows


@pytest.mark.slow
def test_a_sheet_ends_before_the_last_row_that_excel_has_and_before_two_gigabytes(monkeypatch):
    assert writer.MOST_ROWS + 1 < 1_048_576
    monkeypatch.setattr(writer, "MOST_BYTES", 1)
    assert workbook(a_document([a_row()] * 4_500)).sheetnames == [
        *("Summary", "Delivery Detail", "Delivery Detail 2", "Delivery Detail 3"),
    ]


@pytest.mark.parametrize("text", ["<r><t>1</t></r>", "<r>& broken</r>", " two  blanks ", "a\nb"])
def test_a_text_that_looks_like_xml_is_that_text(text):
    document = a_document([a_row(text)], header=[("Subject", text)])
    assert xlsx_rows(document)[0][0] == text
    assert ["Subject", text.strip()] in [
        [line[0], line[1].strip()] for line in xlsx_lines(workbook(document)["Summary"])
    ]


def test_a_text_that_excel_would_decode_is_coded_once_more():
    with zipfile.ZipFile(io.BytesIO(written(Format.XLSX, a_document([a_row("_x0041_")])))) as found:
        assert b">_x005F_x0041_<" in found.read("xl/worksheets/sheet2.xml")


def test_rows_that_stand_out_are_filled_and_bold_and_say_why_in_a_word():
    columns = [Column("Result"), Column("Time", kind=Kind.TIME)]
    rows = [["✖ Failed", "11/20/2026 8:31 AM"], ["", "11/20/2026 8:32 AM"]]
    sheet = workbook(a_document([], sections=[Rows("Detail", columns, rows, marked="✖ Failed")]))["Detail"]
    assert [[cell.font.bold for cell in row] for row in sheet.iter_rows(min_row=2)] == [[True, True], [False, False]]
    assert sheet["B2"].is_date


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Delivery Detail", "Delivery Detail"),
        ("", "Rows"),
        ("Summary", "Summary rows"),
        ("History", "History rows"),
        ("A/B: [all]?*\\'s", "A B all s"),
        ("x" * 60, "x" * 26),
    ],
)
def test_a_sheet_has_a_name_that_excel_takes(heading, name):
    assert sheet_name(heading, 1) == name
    assert len(sheet_name(heading, 12)) <= 31
