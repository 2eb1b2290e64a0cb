"""The rules of the report of a message of the 2.0 engine: Build Report."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import Http404

from accounts.tools import Tool
from messenger_logs.choices import Mode
from reports.kinds.sent_message_log_2 import SentMessageLog2Report
from reports.report import BadOptions
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.messages import EVERYBODY, column, figures, log_2_document, message_by, rows

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def make_message(*modes: str, **fields):
    return message_by(*modes, engine="v2", message_type="Messenger 2.0 - General", **fields)


def test_each_mode_has_devices_attempts_with_redials_success_failed_canceled_and_first_attempt_duration():
    message = make_message(
        "voice", "text", dispatch_started_at=START, dispatch_finished_at=START + timedelta(minutes=9)
    )
    for status, attempts in (("confirmed", 3), ("failed", 2), ("busy", 4), ("canceled", 0)):
        at = START + timedelta(minutes=attempts) if attempts else None
        make_delivery(make_recipient(message), mode="voice", status=status, attempt_count=attempts, first_attempt_at=at)
    found = figures(log_2_document(message))
    assert found["Voice Total Devices"] == "4"
    assert found["Voice Total Attempts"] == "9"
    assert found["Voice Total Success"] == "1"
    assert found["Voice Total Failed"] == "1"
    assert found["Voice Total Canceled"] == "1"
    assert found["Voice First Attempt Duration"] == "4 min"
    assert found["Total Message Duration"] == "9 min"
    assert found["Text Total Devices"] == "0"


def test_recipient_details_have_recipient_student_mode_status_detail_and_time():
    message = make_message("voice")
    recipient = make_recipient(message, name="Parent, Mai", student_name="Student, Pa")
    detail = {"status": "failed", "detail": "Connection error", "last_attempt_at": START}
    make_delivery(recipient, mode="voice", **detail)
    document = log_2_document(message)
    assert [part.label for part in document.rows.columns] == [
        *("Recipient", "Student", "Delivery Mode", "Status", "Status Detail", "Time"),
    ]
    assert rows(document) == [
        ("Parent, Mai", "Student, Pa", "Voice", "Failed", "Connection error", "11/20/2026 9:00 AM")
    ]


def test_modes_and_statuses_choose_the_rows_and_the_figures():
    message = make_message("email", "voice")
    recipient = make_recipient(message)
    make_delivery(recipient)
    make_delivery(recipient, mode="voice", status="failed")
    make_delivery(recipient, mode="voice", address="+16125550109", status="busy")
    document = log_2_document(message, modes=["voice"], statuses=["failed"])
    assert column(document, "Status") == ["Failed"]
    assert not any(label.startswith(Mode.EMAIL.label) for label in figures(document))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"modes": []}, "Choose at least one delivery mode."),
        ({"statuses": []}, "Choose at least one delivery status."),
        ({"modes": ["voice"]}, "Choose delivery modes of this message."),
        ({"statuses": ["burnt"]}, "Choose statuses that"),
    ],
)
def test_at_least_one_mode_and_one_status_have_to_be_chosen(chosen, words):
    with pytest.raises(BadOptions, match=words):
        log_2_document(make_message("email"), **chosen)


def test_all_modes_all_statuses_and_pdf_are_chosen_at_first():
    form = SentMessageLog2Report.form_class(message=make_message("email", "text"))
    assert form["modes"].initial == ["email", "text"]
    assert {"sent", "opt_out", "delivered", "no_device"} <= set(form["statuses"].initial)
    assert form["format"].initial == "pdf"


def test_a_type_one_may_not_see_has_no_report(make_user):
    user = make_user(Tool.SENT_MESSAGE_LOG_2)
    with pytest.raises(Http404):
        SentMessageLog2Report.find(user, Tool.SENT_MESSAGE_LOG_2, make_message("email").pk)
    assert SentMessageLog2Report.find(EVERYBODY, Tool.SENT_MESSAGE_LOG_2, make_message("email").pk)
