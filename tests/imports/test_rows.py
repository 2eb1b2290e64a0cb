"""Files with a row for each device, by a column map."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imports.maps import READY
from imports.times import DateOrder
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services import bulk_copy
from tests.imports.files import MAP, a_file, run, the_message

pytestmark = pytest.mark.django_db

HEAD = "Person ID,Recipient,Student,Device,Status,Time\n"
BY_ID = replace(MAP, columns=MAP.columns | {"external_id": ("Message",), "subject": ("Subject",)})


def deliveries():
    fields = ("recipient__person_id", "mode", "address", "status", "detail", "code", "duplicate")
    return list(Delivery.objects.order_by("pk").values_list(*fields))


def test_rows_become_recipients_and_devices(tmp_path):
    counts = run(
        a_file(
            tmp_path,
            HEAD
            + '7,"Vang, Mai",Lia,mai@example.org,Sent,11/20/2026 8:05 AM\n'
            + '7,"Vang, Mai",Lia,Voice (612) 555-0143,"Not Confirmed (Voicemail detected, code 6: Answering Machine)"\n'
            + '7,"Vang, Mai",Lia,612-555-0143,SMS Delivered,\n'
            + '8,"Nguyen, Hoa",Bao,mai@example.org,Sent,\n'
            + '9,"Lee, Tou",Pa,No Device,,\n',
        )
    )
    assert (counts.rows, counts.new, counts.recipients, counts.refusals) == (5, 1, 3, [])
    assert deliveries()[:4] == [
        ("7", "email", "mai@example.org", "sent", "", None, False),
        ("7", "voice", "+16125550143", "not_confirmed", "Voicemail detected", 6, False),
        ("7", "text", "+16125550143", "delivered", "Delivered to recipient", -28, False),
        ("8", "email", "mai@example.org", "sent", "", None, True),
    ]
    assert {(mode, status) for _, mode, _, status, *_ in deliveries()[4:]} == {
        *(("email", "no_device"), ("voice", "no_device"), ("text", "no_device")),
    }
    message = the_message()
    assert (message.subject, message.message_type, message.modes) == (
        "Snow day",
        "Attendance",
        ["email", "voice", "text"],
    )
    assert message.created_at == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert message.totals.recipients == 3
    assert Delivery.objects.earliest("pk").last_attempt_at == datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


def test_language_and_school_of_a_student_and_a_drill(tmp_path):
    map = replace(MAP, columns=MAP.columns | {"language": ("Language",), "student_school": ("School",)})
    head, row = "Recipient,Student,Device,Language,School\n", '"Vang, Mai",Lia,mai@example.org,{},Harrison High\n'
    run(a_file(tmp_path, head + row.format("ES_mx")), map, external_id="1", drill="Yes")
    recipient = Recipient.objects.select_related("message", "student_school").get()
    assert recipient.student_school
    assert (recipient.language, recipient.student_school.name, recipient.message.drill) == (
        "es-MX",
        "Harrison High",
        True,
    )
    counts = run(a_file(tmp_path, head + row.format("x" * 65)), map, external_id="2", drill="perhaps")
    assert [reason for _, reason in counts.refusals] == [
        "column “Drill” is neither yes nor no",
        "column “Language” is longer than 64 characters",
    ]


def test_the_same_file_comes_in_once(tmp_path):
    file = a_file(tmp_path, HEAD + "7,Mai,,m@example.org,Sent,\n")
    assert (run(file).new, run(file).here) == (1, 1)
    assert SentMessage.objects.count() == Delivery.objects.count() == 1


def test_a_column_tells_messages_apart_also_where_their_rows_are_mixed(tmp_path):
    rows = [f"{m},Subject {m},{p},Person {p},,p{p}@example.org,Sent," for p in range(30) for m in range(3)]
    counts = run(a_file(tmp_path, "Message,Subject," + HEAD + "\n".join(rows)), BY_ID)
    assert (counts.new, counts.rows) == (3, 90)
    found = SentMessage.objects.order_by("external_id")
    assert [(m.external_id, m.subject, m.totals.recipients) for m in found] == [
        (str(m), f"Subject {m}", 30) for m in range(3)
    ]


def test_a_message_with_a_mistake_is_refused_whole_and_the_others_come_in(tmp_path):
    text = (
        "Message,Subject,Person ID,Recipient,Student,Device,Status,Time\n"
        "1,A,7,Mai,,m@example.org,Sent,\n"
        "1,A,8,Hoa,,h@example.org,Gone,13/40/2026\n"
        "1,B,9,,,,,\n"
        "1,A,10,Tou,,t@example.org,Sent,,surplus\n"
        "2,C,7,Mai,,m@example.org,Sent,03/08/2026 2:30 AM\n"
        "3,D,7,Mai,,m@example.org,Sent,\n"
    )
    counts = run(a_file(tmp_path, text), BY_ID)
    assert (counts.new, counts.refused) == (1, 2)
    assert the_message().external_id == "3"
    assert [(row, sentence.split(".")[0]) for row, sentence in counts.refusals] == [
        (3, "column “Time” has no such day or hour; dates are read as month/day/year"),
        (4, "column “Subject” is another one than in the first row of the message"),
        (5, "has more cells than the heading row"),
        (6, "column “Time” does not exist: on 03/08/2026 clocks go forward over it"),
    ]
    assert "Gone" not in str(counts.refusals)


def test_a_status_that_the_mode_does_not_have_is_refused_with_those_that_it_has(tmp_path):
    counts = run(a_file(tmp_path, HEAD + "7,Mai,,m@example.org,Confirmed,\n"))
    [(row, sentence)] = counts.refusals
    assert row == 2
    assert sentence.startswith("column “Status” is no status of Email. Known are: Waiting, In-Progress, Failed")


def test_a_dry_run_stores_nothing_and_shows_the_first_rows_as_they_would_be(tmp_path):
    file = a_file(
        tmp_path, HEAD + '7,"Vang, Mai",Lia,(612) 555-0143 (Mom),Live Person,11/20/2026 8:05 AM\n8,Hoa,,bad@,,\n'
    )
    counts = run(file, dry_run=True)
    assert not SentMessage.objects.exists()
    assert (counts.new, counts.recipients, counts.deliveries, counts.unusable) == (1, 2, 2, 1)
    assert counts.messages[0][1:] == [
        *("Snow day", "Attendance", "Office", "11/20/2026 8:00 AM", "Email, Voice", "2"),
    ]
    voice = ["Vang, Mai", "Lia", "Voice", "(612) 555-0143 (Mom)", "Not Confirmed"]
    assert counts.devices == [
        [*voice, "Live person detected, code 5: Live Person", "11/20/2026 8:05 AM"],
        ["Hoa", "", "Email", "bad@", "Error", "Bad data", ""],
    ]


def test_what_is_not_read_and_what_is_merged_is_said(tmp_path):
    text = "Person ID,Recipient,Device,Color\n7,Mai,m@example.org,red\n7,Mai,M@example.org,blue\n"
    counts = run(a_file(tmp_path, text))
    assert dict(counts.notes) == {
        "No field of the map reads these columns: Color.": 1,
        "Rows that repeat a device of the same person: they became one.": 1,
    }


def test_without_person_ids_people_of_one_name_are_one_person(tmp_path):
    text = "Recipient,Device\nMai,m@example.org\nmai ,612 555 0143\nHoa,h@example.org\n"
    run(a_file(tmp_path, text))
    assert Recipient.objects.values("person_id").distinct().count() == 2
    assert the_message().totals.recipients == 2


def test_a_file_without_a_date_has_that_of_its_earliest_row(tmp_path):
    values = {name: value for name, value in MAP.values.items() if name != "created_at"}
    text = HEAD + "7,Mai,,m@example.org,Sent,21/11/2026 8:00\n8,Hoa,,h@example.org,Sent,20/11/2026 9:30\n"
    run(a_file(tmp_path, text), replace(MAP, values=values, date_order=DateOrder.DAY_FIRST))
    assert the_message().created_at == datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def test_what_the_message_lacks_is_said(tmp_path):
    counts = run(a_file(tmp_path, HEAD + "7,Mai,,m@example.org,Sent,\n"), replace(MAP, values={"engine": "classic"}))
    assert [sentence for _, sentence in counts.refusals] == [
        *("column “Date Created” is missing", "column “Message Type” is missing"),
        "column “Sender” is missing, and so is sender",
    ]


@pytest.mark.slow
def test_rows_of_one_person_may_be_far_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("imports.sources.base.ROWS_A_COPY", 7)
    rows = [f"{n % 40},Person {n % 40},,p{n % 50}@example.org,Sent," for n in range(400)]
    counts = run(a_file(tmp_path, HEAD + "\n".join(rows)))
    pairs = {(n % 40, n % 50) for n in range(400)}
    assert (counts.recipients, counts.deliveries) == (40, len(pairs))
    assert Delivery.objects.filter(duplicate=False).count() == 50
    assert Recipient.objects.filter(counted=True).count() == 40
    assert bulk_copy.ROWS_A_COPY == 10_000


def test_an_export_of_a_messages_recipients_comes_in(tmp_path):
    head = [
        "Recipient",
        "Student",
        "Delivery Mode",
        "Device",
        "Status",
        "Status Detail",
        "Time",
        "E-mail Provider Says",
    ]
    rows = [
        [
            "Vang, Mai",
            "Lia (123)",
            "Email",
            "mai@example.org &",
            "Sent",
            "",
            "11/20/2026 8:05 AM",
            "Failed (permanent): gone",
        ],
        ["Vang, Mai", "Lia (123)", "Voice", "(612) 555-0143", "Busy", "code 1: Busy", "", ""],
        ["Lee, Tou", "", "Inbox", "", "Sent", "", "", ""],
        ["Xiong, Pa", "", "Email", "", "No Device", "", "", ""],
    ]
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    values = {"subject": "Snow", "sender_name": "Office", "created_at": "11/20/2026"}
    counts = run(a_file(tmp_path, text.getvalue()), READY["recipients"], **values)
    assert counts.refusals == []
    email = Delivery.objects.get(mode="email", status="sent")
    assert (email.email_outcome, email.email_reason) == ("failed-permanent", "gone")
    assert (email.recipient.student_name, email.recipient.student_number) == ("Lia", "123")
    assert Delivery.objects.get(mode="voice").code == 1
    assert Delivery.objects.filter(mode="inbox", status="sent").count() == 1
    assert list(Delivery.objects.filter(recipient__name="Xiong, Pa").values_list("mode", "status")) == [
        ("email", "no_device")
    ]
