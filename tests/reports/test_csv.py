import io
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import visible
from messenger_logs.status_labels import device_text
from reports.document import DUPLICATE, Figures
from reports.writers import Format, write
from reports.writers.csv import AMOUNT, NUMBER_ABROAD, SIGNS
from tests.reports.documents import COLUMNS, a_document, a_row, csv_rows, written


def test_it_begins_with_a_byte_order_mark_and_ends_lines_as_rfc_4180_says():
    content = written(Format.CSV, a_document([a_row()]))
    assert content.startswith(b"\xef\xbb\xbfRecipient,Student,")
    assert content.count(b"\r\n") == content.count(b"\n") == 2


def test_it_is_one_heading_line_and_one_row_for_each_delivery():
    rows = [a_row(f"Parent {number}") for number in range(5)]
    assert csv_rows(a_document(rows)) == [COLUMNS, *rows]


def test_quotes_commas_and_line_breaks_come_back():
    rows = [a_row('Parent, "Heather"\r\nsecond line')]
    assert csv_rows(a_document(rows))[1:] == rows


@pytest.mark.parametrize("formula", ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "%0A=1"])
def test_a_cell_that_looks_like_a_formula_is_text(formula):
    assert csv_rows(a_document([a_row(formula)]))[1][0] == f"'{formula}"


@pytest.mark.parametrize("first", ["\t", "\r", "\n", "\r\n", " ", "\u00a0", "\u3000", "\x0b", "\x0c"])
@pytest.mark.parametrize("sign", "=+-@|%＝＋－＠")
def test_blanks_in_front_and_full_width_signs_hide_no_formula(first, sign):
    for cell in (f'{sign}HYPERLINK("http://x.example")', f"{first}{sign}1+1"):
        assert csv_rows(a_document([a_row(cell)]))[1][0] == f"'{cell}"


INVISIBLE = ["\u2003", "\u2028", "\ufeff", "\u200b", "\u2060", "\u00ad", "\u3164", "\u2800", "\ufe0f", "\u0301", "\x1f"]


@pytest.mark.parametrize("hidden", ["", *INVISIBLE, "\u200b\u2003\ufeff"])
@pytest.mark.parametrize("sign", "=＝﹦⁼+﹢⁺-﹣－@﹫％﹪|｜")
def test_the_first_character_that_can_be_seen_decides(hidden, sign):
    assert csv_rows(a_document([a_row(f"{hidden}{sign}A1")]))[1][0] == f"'{hidden}{sign}A1"


@pytest.mark.parametrize("text", [" Vang", "\u200bVang, Pa", "— none", "(612) 555-0143", "Ünal", "\u3000山田", "5=5"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert csv_rows(a_document([a_row(text)]))[1][0] == text


@pytest.mark.parametrize("amount", ["-1", "12", "-1,204.5", "0"])
def test_an_amount_stays_a_number(amount):
    assert csv_rows(a_document([a_row(amount)]))[1][0] == amount


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("+16125550143", "(612) 555-0143"),
        ("+16125550143;ext=45", "(612) 555-0143 ext. 45"),
        ("+525512345678", "(+52) 55 1234 5678"),
        ("+442079460958;ext=7", "(+44) 20 7946 0958 ext. 7"),
    ],
)
def test_a_phone_number_is_readable_without_an_apostrophe_and_is_the_same_number_again(address, written):
    cell = csv_rows(a_document([a_row(device=device_text("voice", address))]))[1][2]
    assert cell == written
    parsed = phonenumbers.parse(cell, "US")
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == address.partition(";")[0]
    assert (parsed.extension or "") == address.partition(";ext=")[2]


def test_a_number_of_no_country_needs_no_apostrophe_either():
    assert csv_rows(a_document([a_row(device="+9999999999")]))[1][2] == "(+9999999999)"


@pytest.mark.parametrize(
    ("address", "given", "written"),
    [
        ("+16125550143", "+1 612 555 0143 (Mom)", "(612) 555-0143 (Mom)"),
        ("+525512345678", "+52 55 1234 5678 (Papá)", "(+52) 55 1234 5678 (Papá)"),
    ],
)
def test_a_phone_number_with_a_note_needs_no_apostrophe(address, given, written):
    cell = csv_rows(a_document([a_row(device=device_text("voice", address, given))]))[1][2]
    assert cell == written


@given(
    st.text(
        st.sampled_from("=+-@|%＝＋－＠｜％ \t\r\n\u00a0\u3000a1(),.'\"") | st.characters(codec="utf-8"), max_size=12
    )
)
def test_no_cell_of_any_text_begins_like_a_formula(text):
    cell = csv_rows(a_document([a_row(text)]))[1][0]
    plain = text.replace(DUPLICATE, "&")
    assert cell in (plain, f"'{plain}") or NUMBER_ABROAD(text)
    seen = unicodedata.normalize("NFKC", visible(cell)).strip()
    assert seen[:1] not in SIGNS or AMOUNT(cell)
    assert cell[:1] not in {"\t", "\r", "\n"}


def test_with_the_summary_its_labels_and_values_are_the_first_lines_and_all_lines_are_equally_long():
    rows = csv_rows(a_document([a_row()], summary_in_csv=True))
    assert rows[0] == ["Title", "Sent Message Report", "", "", ""]
    for pair in (
        ["Subject", "School is closed"],
        ["Total Emails", "3"],
        ["Message Body", "School is closed today.\nStay at home."],
    ):
        assert [*pair, "", "", ""] in rows
    assert rows[-3:] == [[""] * 5, COLUMNS, a_row()]
    assert {len(row) for row in rows} == {5}


@pytest.mark.slow
def test_a_formula_far_down_is_found_too():
    rows = [a_row()] * 4_500 + [a_row("=1+1")]
    assert csv_rows(a_document(rows))[-1][0] == "'=1+1"


def test_duplicate_addresses_carry_an_ampersand():
    assert csv_rows(a_document([a_row(device=f"a@example.org{DUPLICATE}")]))[1][2] == "a@example.org&"


def test_a_report_without_rows_is_labels_and_values():
    document = a_document([], sections=[Figures("Delivery Summary", [("Total Emails", "3")])])
    assert ["Total Emails", "3"] in csv_rows(document)
    assert ["Subject", "School is closed"] in csv_rows(document)


@pytest.mark.parametrize("format", Format)
def test_it_tells_how_many_rows_are_written(format):
    told: list[int] = []
    count = write(format, a_document([a_row()] * 4_500), io.BytesIO(), progress=told.append)
    assert count == 4_500
    assert told == [2_000, 4_000, 4_500]


@pytest.mark.parametrize("format", Format)
def test_a_canceled_report_ends_at_once(format):
    class Canceled(Exception):
        pass

    def cancel(rows):
        raise Canceled

    asked = []

    def rows():
        for number in range(10_000):
            asked.append(number)
            yield a_row()

    with pytest.raises(Canceled):
        write(format, a_document(rows()), io.BytesIO(), progress=cancel)
    assert len(asked) == 2_000
