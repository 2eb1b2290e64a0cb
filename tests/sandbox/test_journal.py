"""What a stand-in had accepted outlives it."""

from pathlib import Path
from typing import Any

import requests

from sandbox.__main__ import recall
from sandbox.journal import Journal, read_journal
from sandbox.server import Sandbox


def started(journal: Path) -> Sandbox:
    sandbox = Sandbox(journal=Journal(journal))
    recall(sandbox, journal)
    return sandbox


def accept_one_of_each(sandbox: Sandbox) -> None:
    def post(path: str, **content: Any) -> None:
        requests.post(f"{sandbox.url}{path}", auth=("api", sandbox.api_key), timeout=5, **content).raise_for_status()

    fields = [("from", "a@example.com"), ("to", "b@example.com"), ("to", "c@example.com"), ("text", "Hello")]
    post(f"/v3/{sandbox.domain}/messages", data=fields)
    post("/v1/Dials/Connect", json={"call": {"no": "+16125550001", "caller_id_no": "+16125550100"}})
    post("/v1/Messages", json={"api_no": "+16125550100", "caller_no": "+16125550002", "text_message": "Hello"})


def events_of(sandbox: Sandbox) -> list[bytes]:
    sandbox.write_mail_events()
    return [event.text for event in sandbox.stores[sandbox.domain]._events]


def test_it_is_accepted_still_and_has_the_same_events(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with started(journal) as first:
        accept_one_of_each(first)
        accepted, events = first.accepted.list(), events_of(first)

    again = started(journal)

    assert sorted(one["to"] for one in again.accepted.list()) == sorted(one["to"] for one in accepted)
    assert {one["id"] for one in again.accepted.list()} == {one["id"] for one in accepted}
    assert events_of(again) == events
    assert len(events) >= 2


def test_a_call_that_was_live_has_failed_and_one_that_had_ended_has_its_result(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    first = started(journal)
    live, ended = (first.phones.place("+16125550001", "+16125550100", {}) for _ in range(2))
    first.phones.hang_up(ended.id)

    again = started(journal)

    assert again.phones.logged(live.id)["status"] == "failed"
    assert again.phones.calls[ended.id].status == "canceled"


def test_a_new_call_gets_an_id_of_its_own(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    placed = [started(journal).phones.place("+16125550001", "+16125550100", {}).id for _ in range(3)]
    assert len(set(placed)) == 3


def test_the_line_that_a_kill_left_unfinished_is_none(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    started(journal).phones.send_text("+16125550002", "+16125550100", "Hello")
    with journal.open("ab") as file:
        file.write(b'{"kind": "text", "id"')

    assert [entry["kind"] for entry in read_journal(journal)] == ["text"]
    assert len(started(journal).accepted) == 1


def test_every_request_stands_there_before_its_answer(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with started(journal) as sandbox:
        sandbox.fail(503, path="/Messages")
        answer = requests.post(f"{sandbox.url}/v1/Messages", auth=("api", sandbox.api_key), json={}, timeout=5)

    [entry] = read_journal(journal)
    assert (answer.status_code, entry["kind"], entry["path"]) == (503, "request", "/v1/Messages")
