import gzip
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from accounts.tools import Right, Tool
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_message

pytestmark = pytest.mark.django_db

IMPORT = (Tool.MESSAGE_IMPORT, Right.WRITE)
NDJSON = "application/x-ndjson"


def message(external_id="m-1", **fields):
    return {
        "external_id": external_id,
        "engine": "classic",
        "message_type": "Attendance",
        "subject": "Absence",
        "sender_name": "Matthews, Dexter",
        "created_at": "2026-11-20T10:05:00-06:00",
        "modes": ["voice", "email"],
        "recipients": [person(1)],
    } | fields


def person(number, **fields):
    device = {"mode": "voice", "address": f"+1612555{number:04}"}
    return {"person_id": f"p{number}", "name": f"Parent {number}", "devices": [device]} | fields


def lines(*values):
    return b"\n".join(json.dumps(value).encode() for value in values)


@pytest.fixture
def program(caller):
    return caller(IMPORT)


@pytest.fixture
def pk(program):
    """A message that came in, with one recipient."""
    return program.post("messages/", message()).json()["id"]


# One message


def test_a_message_is_created_once(program):
    first = program.post("messages/", message())
    assert first.status_code == 201
    assert first.json()["created"] is True
    assert (first.json()["recipients"], first.json()["deliveries"]) == (1, 1)
    again = program.post("messages/", message(subject="Another"))
    assert again.status_code == 200
    assert again.json() == {
        "id": first.json()["id"],
        "external_id": "m-1",
        "created": False,
        "recipients": 0,
        "deliveries": 0,
        "differs": [],
    }
    assert SentMessage.objects.get().subject == "Absence"
    assert AuditEvent.objects.filter(action="import.messages").count() == 1


def test_what_is_wrong_is_named_and_nothing_is_kept(program):
    response = program.post("messages/", message(modes=["fax"], recipients=[person(1, name="nul\0")]))
    assert response.status_code == 400
    fields = {error["field"] for error in response.json()["errors"]}
    assert "recipients[0].name" in fields
    assert any(field.startswith("modes") for field in fields)
    assert not SentMessage.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"NaN", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}"])
def test_bad_json_gets_words(program, body):
    response = program.post("messages/", body)
    assert response.status_code == 400
    assert response.json()["detail"]


WRITING = ["messages/", "messages/bulk/", "messages/{pk}/recipients/", "messages/{pk}/statuses/"]


@pytest.mark.parametrize(
    ("path", "content_type"),
    [*((path, "application/json") for path in WRITING), *((path, NDJSON) for path in WRITING[1:])],
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('[{"engine": "v2"}]\n[]'.encode("utf-16"), "is UTF-16, not UTF-8"),
        ("[]\n[]".encode("utf-32-be"), "is UTF-32, not UTF-8"),
        (gzip.compress(b"[]\n[]", mtime=0), "is compressed (gzip)"),
    ],
)
def test_a_body_in_another_form_gets_one_sentence(program, pk, path, content_type, body, words):
    response = program.post(path.format(pk=pk), body, content_type=content_type)
    assert response.status_code == 400
    assert response.json() == {"detail": f"The body cannot be read: this {words}."}


@pytest.mark.parametrize("path", WRITING)
def test_a_body_with_a_repeated_key_is_refused_and_the_key_is_named(program, pk, path):
    before = Delivery.objects.count()
    body = b'{"engine": "v2", "recipients": [1], "recipients": []}'
    response = program.post(path.format(pk=pk), body if path == "messages/" else b"[%s]" % body)
    assert response.status_code == 400
    assert 'has the key "recipients" twice in one object' in response.json()["detail"]
    assert Delivery.objects.count() == before


def test_a_line_with_a_repeated_key_is_refused_and_named(program):
    body = lines(message("m-1")) + b'\n{"external_id": "m-2", "external_id": "m-3"}'
    results = program.post("messages/bulk/", body, content_type=NDJSON).json()["results"]
    assert [one["result"] for one in results] == ["created", "refused"]
    error = {"line": 2, "field": "", "message": 'has the key "external_id" twice in one object'}
    assert results[1]["errors"] == [error]


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_refused_in_words(program, coding):
    program.headers["Content-Encoding"] = coding
    response = program.post("messages/", gzip.compress(json.dumps(message()).encode()))
    assert response.status_code == 415
    assert "compressed" in response.json()["detail"]


def test_a_body_that_is_said_not_to_be_compressed_is_read(program):
    program.headers["Content-Encoding"] = "Identity"
    assert program.post("messages/", message()).status_code == 201


def test_only_json_is_taken(program):
    assert program.post("messages/", b"<x/>", content_type="text/xml").status_code == 415


def test_a_body_that_is_too_large_is_refused(program, settings):
    settings.API_MAX_BYTES = 1000
    response = program.post("messages/", message(subject="x" * 900))
    assert response.status_code == 413
    assert "larger" in response.json()["detail"]


def test_the_right_to_read_everything_is_not_the_right_to_write(caller):
    program = caller(*(tool for tool in Tool if Right.READ in tool.rights))
    response = program.post("messages/", message())
    assert response.status_code == 403
    assert "Message Import: Change" in response.json()["detail"]
    assert not SentMessage.objects.exists()


# Many messages


@pytest.mark.parametrize("content_type", ["application/json", NDJSON])
def test_a_bad_line_refuses_its_message_and_no_other(program, content_type):
    given = [message("m-1"), message("m-2", engine="steam"), 7, message("m-1"), message("m-3")]
    body = lines(*given) if content_type == NDJSON else given
    response = program.post("messages/bulk/", body, content_type=content_type)
    assert response.status_code == 200
    results = response.json()["results"]
    assert [(one["line"], one["result"]) for one in results] == [
        (1, "created"),
        (2, "refused"),
        (3, "refused"),
        (4, "existing"),
        (5, "created"),
    ]
    assert results[1]["errors"][0]["line"] == 2
    assert results[1]["errors"][0]["field"] == "engine"
    assert set(SentMessage.objects.values_list("external_id", flat=True)) == {"m-1", "m-3"}


def test_a_line_that_is_no_json_stops_no_other(program):
    body = b"\n".join([lines(message("m-1")), b"{", b"", b"\xff", lines(message("m-2")), b""])
    results = program.post("messages/bulk/", body, content_type=NDJSON).json()["results"]
    assert [(one["line"], one["result"]) for one in results] == [
        (1, "created"),
        (2, "refused"),
        (4, "refused"),
        (5, "created"),
    ]


# Recipients


@pytest.mark.slow
@pytest.mark.parametrize("content_type", ["application/json", NDJSON])
def test_recipients_are_added_once(caller, pk, content_type):
    program = caller(IMPORT, Tool.ADMIN_SENT_MESSAGE_LOG)
    given = [person(number) for number in range(1, 4)]
    body = lines(*given) if content_type == NDJSON else given
    response = program.post(f"messages/{pk}/recipients/", body, content_type=content_type)
    assert (response.status_code, response.json()) == (200, {"recipients": 2, "deliveries": 2})
    again = program.post(f"messages/{pk}/recipients/", body, content_type=content_type)
    assert again.json() == {"recipients": 0, "deliveries": 0}
    assert totals_of(SentMessage.objects.get()).recipients == 3
    assert AuditEvent.objects.filter(action="import.recipients").count() == 1


def test_a_wrong_recipient_is_named_by_its_line_and_none_is_added(program, pk):
    body = b"\n\n".join([lines(person(2)), lines(person(3, devices=[{"mode": "fax", "address": "+16125550143"}]))])
    response = program.post(f"messages/{pk}/recipients/", body, content_type=NDJSON)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["line"], error["field"]) == (3, "devices[0].mode")
    assert Delivery.objects.count() == 1


@pytest.mark.thorough
@pytest.mark.slow
def test_ten_thousand_lines_are_taken_and_not_one_more(program, pk):
    many = [person(number) for number in range(10_001)]
    for body, content_type in ((many, "application/json"), (lines(*many), NDJSON)):
        response = program.post(f"messages/{pk}/recipients/", body, content_type=content_type)
        assert response.status_code == 413
        assert "10,000" in response.json()["detail"]
    response = program.post(f"messages/{pk}/recipients/", many[:10_000])
    assert response.json() == {"recipients": 10_000, "deliveries": 10_000}, (
        "what was sent, to a program that may not read"
    )


@pytest.mark.parametrize("path", ["recipients/", "statuses/"])
def test_only_messages_that_came_from_outside_can_be_added_to(program, path):
    ours = make_message()
    assert program.post(f"messages/{ours.pk}/{path}", [{}]).status_code == 404
    assert program.post(f"messages/999999999/{path}", [{}]).status_code == 404


@pytest.mark.parametrize("path", ["bulk/", "{pk}/recipients/", "{pk}/statuses/"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"\xff", b"7"])
def test_a_body_that_is_no_list_gets_words(program, pk, path, body):
    response = program.post(f"messages/{path.format(pk=pk)}", body)
    assert response.status_code == 400
    assert response.json()["detail"]


# Statuses


def report(**fields):
    return {"mode": "voice", "address": "+16125550001", "code": 5, "at": "2026-11-20T10:06:00-06:00"} | fields


def test_statuses_are_reported_line_by_line(program, pk):
    body = [
        report(),
        report(address="+16125559999"),
        report(code="five"),
        report(attempt=0),
        report(when="now"),
        report(detail="\0"),
        7,
    ]
    response = program.post(f"messages/{pk}/statuses/", body)
    assert response.status_code == 200
    data = response.json()
    assert (data["taken"], data["changed"]) == (1, 1)
    assert [one["result"] for one in data["results"]] == ["taken"] + ["refused"] * 6
    assert [one["errors"][0]["field"] for one in data["results"][1:]] == ["", "code", "attempt", "when", "detail", ""]
    assert Delivery.objects.get().status == "not_confirmed"
    assert totals_of(SentMessage.objects.get()).contacted_by_phone == 1


def test_the_same_report_again_changes_nothing(program, pk):
    program.post(f"messages/{pk}/statuses/", [report()])
    again = program.post(f"messages/{pk}/statuses/", [report(), report()])
    assert (again.json()["taken"], again.json()["changed"]) == (2, 0)
    assert AuditEvent.objects.filter(action="import.statuses").count() == 1


def test_a_report_of_another_message_is_refused(program, pk):
    other = program.post("messages/", message("m-2", recipients=[person(2)])).json()["id"]
    delivery = Delivery.objects.get(message=other)
    data = program.post(f"messages/{pk}/statuses/", [{"delivery_id": delivery.pk, "code": 5}]).json()
    assert data["results"][0]["result"] == "refused"


# Cost


@pytest.mark.slow
def test_no_writing_runs_a_number_of_queries_that_grows_with_its_lines(program, pk):
    def cost(path, body):
        with CaptureQueriesContext(connection) as captured:
            assert program.post(f"messages/{pk}/{path}", body).status_code == 200
        return len(captured)

    people = [person(number) for number in range(2, 200)]
    assert cost("recipients/", people[:3]) == cost("recipients/", people[3:])
    reports = [report(address=one["devices"][0]["address"]) for one in people]
    assert cost("statuses/", reports[:3]) == cost("statuses/", reports[3:])
