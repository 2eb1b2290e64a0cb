import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from listings.exports import exported_rows
from tests.listings.conftest import NOW
from tests.listings.letter_log import Letter, LetterLog, LetterTable, Shown, letter_view, make_letters

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(make_user, signed_in):
    return signed_in(make_user())


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def lines(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body(response).decode("utf-8-sig"), newline="")))


def test_it_holds_everything_the_filters_show_in_the_order_shown(client):
    make_letters(120, newest=NOW)
    make_letters(5, newest=NOW - timedelta(days=1))
    header, *rows = lines(client.get("/letters/?rows=25&sort=pages&status=lost&export=csv"))
    assert header == ["Status", "Posted", "Recipient Email", "Subject", "Pages", "Remark"]
    assert [row[3] for row in rows] == [f"Letter {i}" for i in range(120) if i % 3 == 1]


def test_a_personal_search_holds_in_the_export(client):
    make_letters(5, newest=NOW)
    page = Shown(client.post("/letters/", {"recipient": "parent3@"}, follow=True))
    address = page.href("grid-export-csv")
    assert "parent3" not in address
    assert [row[3] for row in lines(client.get(address))[1:]] == ["Letter 3"]


def test_it_is_a_file_that_spreadsheets_read(client):
    make_letters(1, newest=NOW, subject='Bus 14, "late"\nagain', remark="حافلة")
    response = client.get("/letters/?export=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="letters-2026-11-20.csv"'
    assert response["Cache-Control"] == "private, no-store"
    data = body(response)
    assert data.startswith(b"\xef\xbb\xbfStatus,Posted,")
    assert data.endswith("حافلة\r\n".encode())
    assert b'"Bus 14, ""late""\nagain"' in data


def test_columns_read_as_on_the_screen(client):
    make_letters(1, newest=NOW, pages=12_304)
    make_letters(1, newest=NOW - timedelta(minutes=1), status="burnt")
    assert lines(client.get("/letters/?export=csv"))[1:] == [
        ["Sent", "11/20/2026 12:00 PM", "parent0@example.org", "Letter 0", "12304", ""],
        ["burnt", "11/20/2026 11:59 AM", "parent0@example.org", "Letter 0", "0", ""],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(client, text):
    make_letters(1, newest=NOW, subject=text)
    assert lines(client.get("/letters/?export=csv"))[1][3].startswith("'")


def test_it_is_read_through_a_cursor_of_the_server(client):
    make_letters(10, newest=NOW)
    stream = exported_rows(Letter.objects.order_by("pk"), LetterTable())
    with connection.cursor() as cursor:
        next(stream)
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement LIKE '%listings_tests_letter%'")
        assert cursor.fetchone() == (1,)
    assert len(list(stream)) == 9


def test_nothing_is_exported_while_the_filters_make_no_sense(client):
    make_letters(3, newest=NOW)
    for query in ("status=burnt", "created_from=x", "recipient=parent1", "find=0123456789abcdef", "sort=colour"):
        response = client.get(f"/letters/?{query}&export=csv")
        assert not response.streaming
        assert Shown(response).message_text


def test_an_export_of_another_kind_is_a_page(client):
    assert Shown(client.get("/letters/?export=exe")).count == ""


@pytest.mark.parametrize(("number", "told"), [(3, 3), (4, None)])
def test_an_export_is_told_to_the_log_with_its_rows_where_it_is_made_at_once(rf, make_user, settings, number, told):
    settings.REPORT_AT_ONCE_ROWS = 3
    recorded = []

    class AuditedLog(LetterLog):
        def record_export(self, count, format):
            recorded.append((count, format))

    make_letters(number, newest=NOW, apart=timedelta(0))
    response = letter_view(AuditedLog)(asked_by(make_user(), rf))
    assert recorded == [(told, "csv")]
    assert response.streaming == (told is not None)


def asked_by(user, rf):
    request = rf.get("/letters/?export=csv")
    request.session, request.user, request.resolver_match = {}, user, None
    return request


def test_an_export_is_not_narrowed_and_has_no_notes(rf, make_user):
    class TopLog(LetterLog):
        def cap_rows(self, queryset, rows):
            return queryset.none()

        def notices(self):
            raise AssertionError

    make_letters(3, newest=NOW)
    assert len(lines(letter_view(TopLog)(asked_by(make_user(), rf)))) == 4


def test_the_rows_of_an_export_need_no_queries_of_their_own(client):
    make_letters(30, newest=NOW)
    with CaptureQueriesContext(connection) as few:
        assert len(lines(client.get("/letters/?subject=Letter 1&export=csv"))) < 15
    with CaptureQueriesContext(connection) as many:
        assert len(lines(client.get("/letters/?export=csv"))) == 31
    assert len(few) == len(many)
