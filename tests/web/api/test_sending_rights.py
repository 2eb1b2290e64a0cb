"""Sending from here is a right of its own, and so is sending in the name of somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from messenger_logs.models import SentMessage
from tests.messenger_logs.factories import make_message
from tests.web.api.conftest import Caller
from tests.web.api.test_writing import message, person

pytestmark = pytest.mark.django_db

IMPORT, SEND, AS_OTHERS = ((Tool.MESSAGE_IMPORT, right) for right in (Right.WRITE, Right.SEND, Right.SEND_AS_OTHERS))
MakeCaller = Callable[..., Caller]


@pytest.fixture
def program(caller: MakeCaller) -> Caller:
    """A program that may send, in its own name."""
    return caller(IMPORT, SEND, username="portal", first_name="Portal", last_name="Parent")


def here(**fields: Any) -> dict[str, Any]:
    """A message to be sent from here; without a sender, unless one is given."""
    given = message(sent_by="here", **fields)
    return given if "sender_name" in fields else {name: given[name] for name in given if name != "sender_name"}


@pytest.mark.slow
def test_without_the_right_to_send_a_message_of_another_system_is_taken_and_one_to_send_is_not(
    caller: MakeCaller,
) -> None:
    program = caller(IMPORT, AS_OTHERS)
    assert program.post("messages/", message("m-1")).status_code == 201
    refused = program.post("messages/", here(external_id="m-2"))
    assert refused.status_code == 403
    assert "Message Import: Send" in refused.json()["detail"]
    bulk = program.post("messages/bulk/", [message("m-3"), here(external_id="m-4")]).json()["results"]
    assert [line["result"] for line in bulk] == ["created", "refused"]
    assert bulk[1]["errors"][0]["field"] == "sent_by"
    assert "Message Import: Send" in bulk[1]["errors"][0]["message"]
    assert not SentMessage.objects.filter(dispatched_here=True).exists()


def test_the_right_to_send_alone_does_not_open_the_import(caller: MakeCaller) -> None:
    assert caller(SEND, AS_OTHERS).post("messages/", here()).status_code == 403


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"sender": "portal"},
        {"sender": "PORTAL"},
        {"sender_name": "Parent, Portal"},
        {"sender": "portal", "sender_name": "Parent, Portal"},
    ],
)
def test_the_caller_is_the_sender(program: Caller, named: dict[str, str]) -> None:
    assert program.post("messages/", here(**named)).status_code == 201
    sent = SentMessage.objects.get()
    assert (sent.sender, sent.sender_name, sent.dispatched_here) == (program.user, "Parent, Portal", True)


@pytest.mark.parametrize(
    "named",
    [
        {"sender": "superintendent"},
        {"sender": "nobody"},
        {"sender_name": "Superintendent"},
        {"sender": "portal", "sender_name": "Superintendent"},
        {"sender": "superintendent", "sender_name": "Parent, Portal"},
    ],
)
def test_nobody_sends_in_the_name_of_another_without_the_right(
    program: Caller, caller: MakeCaller, make_user: Callable[..., User], named: dict[str, str]
) -> None:
    make_user(username="superintendent")
    refused = program.post("messages/", here(**named))
    assert refused.status_code == 403
    assert "Send as others" in refused.json()["detail"]
    assert program.post("messages/bulk/", [here(**named)]).json()["results"][0]["result"] == "refused"
    assert not SentMessage.objects.exists()
    assert caller(IMPORT, SEND, AS_OTHERS).post("messages/", here(**named)).status_code == 201


def test_what_another_system_sent_keeps_the_sender_that_it_names(program: Caller, make_user: Any) -> None:
    teacher = make_user(username="dmatthews")
    assert program.post("messages/", message(sender="dmatthews")).status_code == 201
    assert SentMessage.objects.get().sender == teacher
    nameless = {name: value for name, value in message("m-2").items() if name != "sender_name"}
    assert program.post("messages/", nameless).status_code == 400


@pytest.mark.parametrize(
    ("rights", "own", "answer"),
    [
        ([], True, 403),
        ([AS_OTHERS], True, 403),
        ([SEND], True, 200),
        ([SEND], False, 403),
        ([SEND, AS_OTHERS], False, 200),
    ],
)
def test_new_recipients_of_a_message_from_here_are_sent_to_and_need_the_same_rights(
    caller: MakeCaller, make_user: Any, rights: list[Any], own: bool, answer: int
) -> None:
    program = caller(IMPORT, *rights)
    sender = program.user if own else make_user()
    sent = make_message(external_id="m-1", sender=sender, dispatched_here=True, modes=["voice"], status="waiting")
    assert program.post(f"messages/{sent.pk}/recipients/", [person(7)]).status_code == answer
    assert sent.recipients.count() == (1 if answer == 200 else 0)
    recorded = make_message(external_id="m-2", sender=sender, modes=["voice"])
    assert program.post(f"messages/{recorded.pk}/recipients/", [person(7)]).status_code == 200


def test_a_refused_sending_is_in_the_audit_trail(caller: MakeCaller) -> None:
    caller(IMPORT).post("messages/", here())
    assert AuditEvent.objects.get(action="access.refused").target == "/api/v1/messages/"


def test_a_refused_sending_in_bulk_is_in_the_audit_trail_once(caller: MakeCaller) -> None:
    many = [message("m-1"), *(here(external_id=f"m-{number}") for number in (2, 3))]
    caller(IMPORT).post("messages/bulk/", many)
    refused = AuditEvent.objects.get(action="access.refused")
    assert (refused.target, refused.details) == ("/api/v1/messages/bulk/", {"answer": 403, "method": "POST"})


# What a repeated message tells


@pytest.mark.slow
def test_whether_a_recipient_was_there_is_told_only_to_those_who_may_read_the_message(caller: MakeCaller) -> None:
    importer, reader = caller(IMPORT), caller(IMPORT, Tool.ADMIN_SENT_MESSAGE_LOG)
    path = f"messages/{importer.post('messages/', message()).json()['id']}/recipients/"
    known, unknown = person(1), person(2)
    for guess in (known, unknown, unknown):
        assert importer.post(path, [guess]).json() == {"recipients": 1, "deliveries": 1}
    assert importer.post(path, [person(3, devices=[])]).json() == {"recipients": 1, "deliveries": 0}
    assert reader.post(path, [known, unknown]).json() == {"recipients": 0, "deliveries": 0}


@pytest.mark.parametrize("path", ["messages/", "messages/bulk/"])
def test_what_differs_is_told_only_to_those_who_may_read_the_message(caller: MakeCaller, path: str) -> None:
    importer, reader = caller(IMPORT), caller(IMPORT, Tool.ADMIN_SENT_MESSAGE_LOG)
    importer.post("messages/", message())
    guess = message(subject="A guess", recipients=[person(2)])

    def told(program: Caller) -> list[str]:
        answer = program.post(path, guess if path == "messages/" else [guess]).json()
        differs: list[str] = answer["differs"] if path == "messages/" else answer["results"][0]["differs"]
        return differs

    assert told(importer) == []
    assert told(reader) == ["subject", "recipients"]
