import io

import pytest

from reports.document import DUPLICATE, Figures
from reports.writers import Format, write
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
