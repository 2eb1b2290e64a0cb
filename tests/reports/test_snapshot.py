"""Totals and rows of a report come from one moment."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messenger_logs.models import Delivery
from messenger_logs.services.totals import recount
from reports.kinds.sent_message import SentMessageReport
from reports.snapshot import snapshot
from reports.writers import Format, write
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.messages import EVERYBODY, classic, column, elsewhere, figures, message_by


@pytest.mark.django_db(transaction=True)
def test_what_becomes_of_a_message_while_its_report_is_written_is_in_neither_totals_nor_rows():
    message = message_by("voice")
    delivery = make_delivery(make_recipient(message), mode="voice", status="busy")
    recount(message_id=message.pk)

    def reached() -> None:
        Delivery.objects.filter(pk=delivery.pk).update(status="confirmed", outcome="success")
        recount(message_id=message.pk)

    options = {"tool": "ADMIN_SENT_MESSAGE_LOG", "message": message.pk, "devices": ["phone"]}
    report = SentMessageReport.open(EVERYBODY, options)
    with snapshot(seconds=20):
        document = report.document()
        elsewhere(reached)
        assert figures(document)["Recipients contacted successfully by phone"] == "0"
        assert column(document, "Status") == ["Busy"]
        assert column(document, "Recipient")[0].endswith(" *")
    with snapshot(seconds=20):
        assert figures(report.document())["Recipients contacted successfully by phone"] == "1"


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_written_within_it():
    with pytest.raises(Exception, match="read-only transaction"), snapshot(seconds=20):
        message_by("email")


@pytest.mark.django_db
def test_rows_come_through_a_cursor_of_the_server():
    message = message_by("email")
    for _ in range(3):
        make_delivery(make_recipient(message))
    stream = iter(classic(message).rows.rows)
    next(stream)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement LIKE '%WITH person AS%'")
        assert cursor.fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_report_needs_the_same_queries_whatever_its_number_of_rows():
    counts = []
    for number in (1, 30):
        message = message_by("email")
        for _ in range(number):
            make_delivery(make_recipient(message))
        document = classic(message)
        with CaptureQueriesContext(connection) as queries:
            assert write(Format.CSV, document, io.BytesIO()) == number
        counts.append(len(queries))
    assert counts[0] == counts[1]
