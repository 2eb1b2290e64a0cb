"""The rules of the report of a message of the 2.0 engine: Build Report."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import Http404

from accounts.tools import Tool
from messenger_logs.choices import Mode
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from reports.kinds.sent_message_log_2 import SentMessageLog2Report
from reports.report import BadOptions
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.documents import csv_rows
from tests.reports.messages import EVERYBODY, column, figures, log_2_document, message_by, rows

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
PARTS = ["Success", "Failed", "Not Reached", "Canceled", "Not Done Yet"]


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


@pytest.mark.parametrize("mode", ["voice", "text"])
def test_first_attempt_duration_leaves_out_further_numbers_of_a_recipient(mode):
    message = make_message(mode, dispatch_started_at=START)
    for person, number, minutes in (("mai", 1, 2), ("mai", 2, 9), ("xiong", 3, 4), ("xiong", 4, 5)):
        at = START + timedelta(minutes=minutes)
        recipient = make_recipient(message, person_id=person, student_number=str(number))
        make_delivery(recipient, mode=mode, address=f"+1612555010{number}", first_attempt_at=at, attempt_count=1)
    assert figures(log_2_document(message))[f"{mode.capitalize()} First Attempt Duration"] == "4 min"


def test_first_attempt_duration_follows_reports_in_any_order():
    message = make_message("voice", dispatch_started_at=START)
    recipient = make_recipient(message)
    numbers = [make_delivery(recipient, mode="voice", address=f"+1612555010{n}", status="waiting") for n in (1, 2)]
    recount(message_id=message.pk)
    for number, minutes, expected in ((1, 9, "9 min"), (0, 2, "2 min")):
        at = START + timedelta(minutes=minutes)
        reports = [StatusReport(delivery_id=numbers[number].pk, code=5, at=at)]
        assert report_statuses(message_id=message.pk, reports=reports).changed == 1
        assert totals_of(message).modes[Mode.VOICE].first_attempt_duration == timedelta(minutes=minutes)
        assert figures(log_2_document(message))["Voice First Attempt Duration"] == expected


def test_total_devices_counts_eligible_devices_only_and_is_the_sum_of_what_became_of_them():
    message = make_message("text", "voice")
    for status in ("sent", "delivered", "undelivered", "not_eligible", "opt_out", "canceled", "waiting"):
        make_delivery(make_recipient(message), mode="text", status=status)
    for status in ("confirmed", "busy", "no_answer", "failed", "canceled", "waiting", "in_progress"):
        make_delivery(make_recipient(message), mode="voice", status=status)
    found = figures(log_2_document(message))
    assert found["Text Total Devices"] == "5"
    for mode in ("Text", "Voice"):
        parts = (int(found[f"{mode} Total {name}"]) for name in PARTS)
        assert int(found[f"{mode} Total Devices"]) == sum(parts)
    assert found["Voice Total Not Reached"] == "2"
    assert (found["Text Total Not Done Yet"], found["Voice Total Not Done Yet"]) == ("1", "2")


def test_an_email_that_the_provider_refused_is_no_success():
    message = make_message("email")
    for outcome in ("delivered", "suppressed", "failed-permanent", "complained", ""):
        make_delivery(make_recipient(message), email_outcome=outcome)
    found = figures(log_2_document(message))
    assert (found["Email Total Success"], found["Email Total Failed"]) == ("3", "2")


def test_the_csv_has_header_summary_and_criteria_above_the_rows_unless_these_alone_are_chosen():
    message = make_message("email", criteria=[["Recipients", "Guardians"]])
    make_delivery(make_recipient(message))
    lines = csv_rows(log_2_document(message))
    for pair in (["Message ID", str(message.pk)], ["Email Total Devices", "1"], ["Recipients", "Guardians"]):
        assert [*pair, "", "", "", ""] in lines
    heading = ["Recipient", "Student", "Delivery Mode", "Status", "Status Detail", "Time"]
    assert lines.index(heading) == len(lines) - 2
    assert csv_rows(log_2_document(message, rows_only=True))[0] == heading


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
    assert not any(label.startswith(str(Mode.EMAIL.label)) for label in figures(document))


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
