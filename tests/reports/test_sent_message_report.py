"""The rules of the classic Sent Message Report, each by its name."""

from datetime import UTC, datetime, timedelta

import pytest

from messenger_logs.choices import CANCELABLE, Outcome
from messenger_logs.status_labels import detail_text
from messenger_logs.statuses import CODES, OUTCOMES
from reports.document import DUPLICATE
from reports.report import BadOptions
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.documents import csv_rows
from tests.reports.messages import bars, classic, column, figures, headings, log_2_document, message_by, rows, texts

pytestmark = pytest.mark.django_db

PHONE_SUCCESS = [
    ("voice", "not_confirmed", 5, Outcome.SUCCESS),  # live person
    ("voice", "not_confirmed", 6, Outcome.SUCCESS),  # answering machine
    ("voice", "confirmed", 5, Outcome.SUCCESS),
    ("voice", "not_confirmed", 13, Outcome.SUCCESS),  # preconnect done
    ("text", "sent", -27, Outcome.SUCCESS),
    ("text", "delivered", -28, Outcome.SUCCESS),
]


def test_the_header_has_school_status_subject_type_sender_date_and_devices():
    message = message_by(
        "email", subject="School is closed", created_at=datetime(2019, 12, 2, 14, 55, tzinfo=UTC), status="in_progress"
    )
    document = classic(message, devices=["email"])
    assert (document.title, document.subtitle) == ("Sent Message Report", "Harrison High")
    assert document.generated_on
    assert document.header == [
        ("Message Status", "In-Progress"),
        ("Subject", "School is closed"),
        ("Type", "Message Builder"),
        ("Sender", "Administrator, System"),
        ("Date Created", "12/02/2019 8:55 AM"),
        ("Report Detail", "All"),
        ("Include Recipient Devices", "Email"),
        ("Asked For By", "everybody"),
    ]


def test_all_prints_everything_summary_the_summary_alone_and_failed_the_detail():
    message = message_by("email", criteria=[["Calendar", "2019-20"]], bodies={"email": "<p>Stay <b>home</b>.</p>"})
    make_delivery(make_recipient(message), status="failed")
    document = classic(message)
    summary = ["How It Went", "Delivery Summary", "People", "Devices"]
    assert headings(document) == [*summary, "Filter Criteria", "Message Detail", "Delivery Detail"]
    assert figures(document, "Filter Criteria") == {"Calendar": "2019-20"}
    assert texts(document)["Message Body"] == "Stay home."
    assert headings(classic(message, detail="summary")) == summary
    assert headings(classic(message, detail="failed")) == [*summary, "Delivery Detail"]
    for detail in ("All", "Summary", "Failed Delivery"):
        choice = detail.lower().split()[0]
        assert dict(classic(message, detail=choice).header)["Report Detail"] == detail


def test_the_bars_are_those_of_the_message_page():
    message = message_by("email", "voice")
    both = make_recipient(message)
    make_delivery(both, email_outcome="delivered")
    make_delivery(both, mode="voice", address="+16125550100", status="busy")
    make_delivery(make_recipient(message), email_outcome="failed-permanent")
    make_recipient(message)
    assert bars(classic(message)) == {
        "People": {
            "reached": 1,
            "handed over, not confirmed": 0,
            "not reached": 1,
            "canceled": 0,
            "no device": 1,
        },
        "Email": {"delivered": 1, "failed": 1},
        "Voice": {"not reached (busy, no answer)": 1},
    }
    assert list(bars(classic(message, devices=["phone"]))) == ["People", "Voice"]


def test_a_message_that_waits_has_no_bars():
    message = message_by("email", status="waiting")
    make_delivery(make_recipient(message), status="waiting")
    assert bars(classic(message)) == {}


def test_a_body_shows_the_names_of_merge_fields_and_never_somebodys_values():
    message = message_by("email", bodies={"email": "Dear {{student.firstName}}"})
    make_delivery(make_recipient(message, merge_fields={"student.firstName": "Mai"}))
    assert texts(classic(message))["Message Body"] == "Dear student.firstName"


def test_delivery_detail_has_recipient_student_device_status_and_time():
    message = message_by("email", "voice")
    recipient = make_recipient(message, name="Parent, Tad", student_name="Student, Karen")
    at = datetime(2026, 11, 20, 18, 4, tzinfo=UTC)
    make_delivery(recipient, address="tad@nomail.com", last_attempt_at=at)
    make_delivery(recipient, mode="voice", address="+16125550100", status="no_call_status", detail="code 77")
    assert [part.label for part in classic(message).rows.columns] == [
        *("Recipient", "Student", "Delivery Device", "Status", "Time"),
    ]
    assert rows(classic(message)) == [
        ("Parent, Tad *", "Student, Karen", "tad@nomail.com", "Sent", "11/20/2026 12:04 PM"),
        ("Parent, Tad *", "Student, Karen", "Voice (612) 555-0100", "No Call Status (code 77)", ""),
    ]


def test_the_summary_says_which_figures_count_people_and_which_count_devices():
    document = classic(message_by())
    assert list(figures(document, "Delivery Summary")) == ["Start Time", "End Time", "Duration"]
    assert list(figures(document, "People")) == [
        "Total Recipients",
        "Total No Device",
        "Reached",
        "Handed over, not confirmed",
        "Not reached",
        "Canceled",
        "No device",
        "Recipients contacted successfully by phone",
        "Recipients not contacted by phone",
    ]
    assert {label.split()[1] for label in figures(document, "Devices")} == {"Inbox", "Emails", "Voice", "Text"}


@pytest.mark.parametrize(
    ("status", "count"), [("busy", "1"), ("no_answer", "1"), ("failed", "0"), ("confirmed", "0"), ("canceled", "0")]
)
def test_a_call_that_was_neither_a_success_nor_an_error_has_its_line(status, count):
    message = message_by("voice")
    make_delivery(make_recipient(message), mode="voice", status=status)
    assert figures(classic(message))["Total Voice Not Reached (busy, no answer)"] == count


def test_total_recipients_counts_unique_people():
    message = message_by("email")
    for student in ("1", "2"):
        make_delivery(make_recipient(message, person_id="p", student_number=student), address=f"a{student}@example.com")
    make_delivery(make_recipient(message))
    assert figures(classic(message))["Total Recipients"] == "2"


def test_total_no_device_counts_unique_people_without_any_and_only_when_no_device_is_ticked():
    message = message_by("email", "voice")
    for student in ("1", "2"):
        nobody = make_recipient(message, person_id="p", student_number=student, name="Parent, Nobody")
        make_delivery(nobody, address="")
        make_delivery(nobody, mode="voice", address="")
    somebody = make_recipient(message, name="Parent, Somebody")
    make_delivery(somebody)
    make_delivery(somebody, mode="voice", address="")
    ticked = classic(message)
    assert figures(ticked)["Total No Device"] == "1"
    assert [row[0] for row in rows(ticked) if row[2] == "No Device"] == ["Parent, Nobody *"] * 2
    unticked = classic(message, devices=["email", "phone"])
    assert "Total No Device" not in figures(unticked)
    assert column(unticked, "Recipient") == ["Parent, Somebody *"]


def test_a_recipient_of_whom_nothing_is_known_but_the_name_has_no_device():
    message = message_by("email")
    make_recipient(message, name="Parent, Bare")
    assert figures(classic(message))["Total No Device"] == "1"
    assert column(classic(message), "Recipient") == ["Parent, Bare"]


def test_total_inbox_counts_inboxes_delivered_to():
    message = message_by("inbox")
    for status in ("sent", "sent", "failed", "canceled"):
        make_delivery(make_recipient(message), mode="inbox", status=status)
    assert figures(classic(message))["Total Inbox"] == "2"


@pytest.mark.parametrize(
    ("mode", "figure"), [("email", "Total Emails"), ("voice", "Total Voice"), ("text", "Total Text")]
)
def test_totals_count_unique_addresses_and_numbers_of_every_status(mode, figure):
    message = message_by(mode)
    for status in ("failed", "canceled", "in_progress"):
        make_delivery(make_recipient(message), mode=mode, status=status)
    shared = "same@example.com" if mode == "email" else "+16125550100"
    make_delivery(make_recipient(message), mode=mode, address=shared)
    make_delivery(make_recipient(message), mode=mode, address=shared)
    assert figures(classic(message))[figure] == "4"


def test_voice_attempted_is_without_canceled():
    message = message_by("voice")
    for status in ("canceled", "busy", "confirmed"):
        make_delivery(make_recipient(message), mode="voice", status=status)
    assert figures(classic(message))["Total Voice Attempted"] == "2"


def test_text_messages_attempted_is_without_canceled_and_opted_out():
    message = message_by("text")
    for status in ("canceled", "opt_out", "sent", "undelivered"):
        make_delivery(make_recipient(message), mode="text", status=status)
    assert figures(classic(message))["Total Text Messages Attempted"] == "2"
    assert figures(classic(message))["Total Text"] == "4"


@pytest.mark.parametrize("untried", ["canceled", "opt_out"])
def test_a_number_is_attempted_where_one_of_the_rows_that_share_it_was(untried):
    message = message_by("text")
    make_delivery(make_recipient(message), mode="text", address="+16125550100", status=untried)
    make_delivery(make_recipient(message), mode="text", address="+16125550100", status="delivered")
    make_delivery(make_recipient(message), mode="text", address="+16125550101", status=untried)
    found = figures(classic(message))
    assert (found["Total Text"], found["Total Text Messages Attempted"]) == ("2", "1")


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: str(code.number))
def test_every_code_prints_its_own_name_and_number(code):
    mode = min(code.modes)
    status = "sent" if code.status == "duplicate" else code.status
    message = message_by(mode)
    make_delivery(make_recipient(message), mode=mode, status=status, detail=code.detail, code=code.number)
    printed = column(classic(message), "Status")[0]
    assert printed.endswith(f"code {code.number}: {code.name})")
    assert code.detail in printed
    message.engine, message.message_type = "v2", "Messenger 2.0 - General"
    message.save()
    detail = detail_text(mode, code.detail, code.number)
    assert column(log_2_document(message), "Status Detail") == [detail]
    assert detail.endswith(f"code {code.number}: {code.name}")


def test_no_two_codes_print_the_same():
    details = [detail_text(mode, code.detail, code.number) for code in CODES.values() for mode in code.modes]
    assert len(set(details)) == len(CODES)


def test_the_csv_of_all_has_header_summary_criteria_and_body_above_the_rows_unless_these_alone_are_chosen():
    message = message_by("email", criteria=[["Calendar", "2019-20"]], bodies={"email": "Stay home."})
    make_delivery(make_recipient(message))
    rows = csv_rows(classic(message))
    for pair in (
        ["Message Status", "Sent"],
        ["Total Emails", "1"],
        ["Calendar", "2019-20"],
        ["Message Body", "Stay home."],
    ):
        assert [*pair, "", "", ""] in rows
    heading = ["Recipient", "Student", "Delivery Device", "Status", "Time"]
    assert rows.index(heading) == len(rows) - 2
    assert csv_rows(classic(message, rows_only=True))[0] == heading


@pytest.mark.parametrize(("mode", "status", "code", "outcome"), PHONE_SUCCESS)
def test_contacted_by_phone_are_people_with_a_successful_voice_or_text_status(mode, status, code, outcome):
    message = message_by()
    reached = make_recipient(message, name="Parent, Reached")
    make_delivery(reached, mode=mode, status=status, code=code, outcome=outcome)
    make_delivery(reached, mode="voice" if mode == "text" else "text", status="failed")
    make_delivery(make_recipient(message, name="Parent, Missed"))
    document = classic(message)
    assert figures(document)["Recipients contacted successfully by phone"] == "1"
    assert figures(document)["Recipients not contacted by phone"] == "1"
    assert set(column(document, "Recipient")) == {"Parent, Reached", "Parent, Missed *"}


@pytest.mark.parametrize("status", ["busy", "no_answer", "failed", "canceled", "no_call_status", "restricted"])
def test_other_statuses_are_no_contact_by_phone(status):
    message = message_by("voice")
    make_delivery(make_recipient(message), mode="voice", status=status)
    assert figures(classic(message))["Recipients contacted successfully by phone"] == "0"
    assert column(classic(message), "Recipient")[0].endswith(" *")


def test_two_who_share_a_number_are_both_contacted():
    message = message_by("voice")
    for _ in range(2):
        make_delivery(make_recipient(message), mode="voice", address="+16125550100")
    document = classic(message)
    assert figures(document)["Recipients contacted successfully by phone"] == "2"
    assert figures(document)["Total Voice"] == "1"


def test_a_message_that_did_not_go_by_phone_marks_nobody_but_counts_all_as_not_contacted():
    message = message_by("email")
    make_delivery(make_recipient(message, name="Parent, Kris"))
    assert column(classic(message), "Recipient") == ["Parent, Kris"]
    assert figures(classic(message))["Recipients not contacted by phone"] == "1"


def test_duplicates_carry_a_mark_and_count_in_no_total():
    message = message_by("email")
    for _ in range(2):
        make_delivery(make_recipient(message), address="same@example.com")
    document = classic(message)
    assert sorted(column(document, "Delivery Device")) == ["same@example.com", f"same@example.com {DUPLICATE}"]
    assert figures(document)["Total Emails"] == "1"


def test_devices_not_ticked_are_not_in_the_detail():
    message = message_by("inbox", "email", "voice", "text")
    recipient = make_recipient(message)
    for mode in message.modes:
        make_delivery(recipient, mode=mode, address="x@example.com" if mode == "email" else "+16125550100")
    assert column(classic(message, devices=["phone"]), "Delivery Device") == [
        *("Voice (612) 555-0100", "Text (612) 555-0100"),
    ]
    assert column(classic(message, devices=["inbox"]), "Delivery Device") == ["Inbox"]


def test_failed_delivery_is_the_complete_detail_of_people_with_a_failed_device():
    message = message_by("email", "voice")
    for student in ("1", "2"):
        half = make_recipient(message, person_id="p", name="Parent, Half", student_number=student)
        make_delivery(half, address=f"half{student}@example.com", status="failed" if student == "1" else "sent")
        make_delivery(half, mode="voice", address=f"+1612555010{student}")
    make_delivery(make_recipient(message, name="Parent, Fine"))
    document = classic(message, detail="failed")
    assert column(document, "Recipient") == ["Parent, Half"] * 4
    marked = [row[3] for row in rows(classic(message, detail="failed")) if row[0] == document.rows.marked]
    assert (document.rows.marked, marked) == ("✖ Failed", ["half1@example.com"])
    assert {row[0] for row in rows(classic(message, detail="failed"))} == {"✖ Failed", ""}
    assert len(next(iter(classic(message).rows.rows))) == 5


@pytest.mark.parametrize("status", ["canceled", "busy", "no_answer", "sent", "waiting"])
def test_what_is_canceled_or_not_reached_has_not_failed(status):
    message = message_by("voice" if status in ("busy", "no_answer") else "email")
    make_delivery(make_recipient(message), mode=message.modes[0], status=status)
    assert rows(classic(message, detail="failed")) == []


def test_a_voice_device_failed_when_its_last_attempt_did():
    message = message_by("voice")
    make_delivery(make_recipient(message, name="Parent, Late"), mode="voice", status="failed", reached_earlier=True)
    # Reached in the end, whatever came before.
    make_delivery(make_recipient(message, name="Parent, Reached"), mode="voice", status="confirmed", attempt_count=3)
    assert column(classic(message, detail="failed"), "Recipient") == ["Parent, Late"]


@pytest.mark.parametrize("said", ["failed", "failed-permanent", "suppressed", "rejected"])
def test_an_email_that_the_log_says_sent_and_the_provider_says_failed_has_failed_and_is_flagged(said):
    message = message_by("email")
    make_delivery(make_recipient(message, name="Parent, Bounced"), email_outcome=said)
    for fine in ("delivered", "failed-temporary", "accepted", ""):
        make_delivery(make_recipient(message), email_outcome=fine)
    document = classic(message, detail="failed")
    assert column(document, "Recipient") == ["Parent, Bounced"]
    assert column(classic(message, detail="failed"), "Result") == ["✖ Failed"]
    assert column(classic(message, detail="failed"), "Status")[0].startswith("Sent, but provider: ")


def test_what_the_provider_said_stands_beside_sent():
    message = message_by("email")
    make_delivery(make_recipient(message), email_outcome="delivered")
    assert column(classic(message), "Status") == ["Sent, provider: Delivered"]


@pytest.mark.parametrize("status", sorted(CANCELABLE))
def test_failed_delivery_is_not_available_while_waiting_or_in_progress(status):
    message = message_by("email", status=status)
    with pytest.raises(BadOptions, match="not available while the message is Waiting or In-Progress"):
        classic(message, detail="failed")


def test_only_devices_the_message_used_can_be_chosen():
    with pytest.raises(BadOptions, match="did not go by Inbox, Voice/Text"):
        classic(message_by("email"), devices=["inbox", "email", "phone"])


def test_no_device_at_all_can_be_chosen_for_the_summary_alone():
    message = message_by("email")
    with pytest.raises(BadOptions, match="at least one delivery device, or the Summary"):
        classic(message, devices=[])
    assert figures(classic(message, devices=[], detail="summary"))["Total Recipients"] == "0"


def test_start_end_and_duration_are_those_of_the_dispatch():
    start = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    message = message_by("email", dispatch_started_at=start, dispatch_finished_at=start + timedelta(minutes=2))
    found = figures(classic(message))
    assert (found["Start Time"], found["End Time"], found["Duration"]) == (
        *("11/20/2026 9:00 AM", "11/20/2026 9:02 AM", "2 min"),
    )


def test_every_status_that_a_device_can_have_is_in_words():
    message = message_by()
    for mode, status in (("voice", "vendor_received"), ("text", "not_eligible"), ("voice", "restricted")):
        make_delivery(make_recipient(message), mode=mode, status=status, outcome=OUTCOMES[status])
    assert sorted(column(classic(message), "Status")) == ["Not Eligible", "Restricted", "Vendor received"]
