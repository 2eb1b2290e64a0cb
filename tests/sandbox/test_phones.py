"""Calls and texts, against a small server that answers as the product would."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tests.wait import wait_until

TO, OURS = "+16125550123", "+16125550100"
FLOW = {
    "actions": [
        {"type": "SAY", "params": {"text": "School is closed", "loop": 1}},
        {"type": "COLLECT", "name": "confirm", "params": {"num_digits": 1, "timeout": 3000}},
    ]
}


class Ours:
    """A server in the product's place. It keeps the requests, and answers with the next status, or 200."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.end_headers()
                self.wfile.write(json.dumps(FLOW).encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def ours(sandbox: Sandbox) -> Iterator[Ours]:
    ours = Ours()
    sandbox.phones.call_flow_url = ours.url + "flow/"
    sandbox.phones.texts_url = ours.url + "texts/"
    sandbox.phones.pace = 0.001
    yield ours
    ours.server.shutdown()
    ours.server.server_close()


class Phone:
    def __init__(self, sandbox: Sandbox) -> None:
        self.url = f"{sandbox.url}/v1"
        self.headers = {"X-API-KEY": sandbox.api_key}

    def request(self, method: str, path: str, body: object = None) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers=self.headers, timeout=60)

    def dial(self) -> str:
        body = {"call": {"no": TO, "caller_id_no": OURS}, "session_data": {"delivery": "7"}}
        return str(self.request("POST", "/Dials/Connect", body).json()["call_id"])

    def log(self, id: str) -> requests.Response:
        return self.request("GET", f"/History/Logs/Calls/{id}")

    def text(self, to: str = TO) -> requests.Response:
        return self.request("POST", "/Messages", {"api_no": OURS, "caller_no": to, "text_message": "Bus 12 is late"})


@pytest.fixture
def phone(sandbox: Sandbox) -> Phone:
    return Phone(sandbox)


@pytest.mark.parametrize(
    ("outcome", "status", "detection", "keys"),
    [
        ("confirm", "completed", "live", [None, "0"]),
        ("live", "completed", "live", [None, ""]),
        ("machine", "completed", "machine", [None, ""]),
        ("fax", "completed", "fax", [None, ""]),
        ("unknown", "completed", "unknown", [None, ""]),
        ("no answer", "no answer", "", []),
        ("busy", "busy", "", []),
        ("failed", "failed", "", []),
    ],
)
def test_a_call_goes_on_as_it_was_decided(
    sandbox: Sandbox, ours: Ours, phone: Phone, outcome: str, status: str, detection: str, keys: list[str | None]
) -> None:
    sandbox.decide("call", TO, outcome)
    id = phone.dial()
    wait_until(lambda: phone.log(id).status_code == 200)
    log = phone.log(id).json()
    assert (log["call_id"], log["caller_no"], log["status"], log["detection"]) == (id, TO, status, detection)
    assert [heard.get("confirm") for heard in ours.heard] == keys
    assert all(heard["session_data"] == {"delivery": "7"} for heard in ours.heard)
    assert [(call["to"], call["session_data"]) for call in sandbox.accepted.list("call")] == [(TO, {"delivery": "7"})]


@pytest.mark.usefixtures("ours")
def test_the_log_of_a_call_is_not_there_at_once(sandbox: Sandbox, phone: Phone) -> None:
    sandbox.phones.pace = 1
    sandbox.clock.stop()
    sandbox.decide("call", TO, "busy")
    id = phone.dial()
    assert phone.log(id).status_code == 404
    sandbox.clock.move(3)
    wait_until(lambda: sandbox.phones.calls[id].status)
    assert phone.log(id).status_code == 404
    sandbox.clock.move(10)
    assert phone.log(id).json()["status"] == "busy"


def test_a_live_call_can_be_hung_up_and_only_once(sandbox: Sandbox, ours: Ours, phone: Phone) -> None:
    sandbox.phones.pace = 1
    sandbox.clock.stop()
    sandbox.decide("call", TO, "confirm")
    id = phone.dial()
    assert phone.request("DELETE", f"/LiveCalls/{id}").status_code == 200
    assert phone.request("DELETE", f"/LiveCalls/{id}").status_code == 404
    sandbox.clock.move(60)
    assert phone.log(id).json()["status"] == "canceled"
    assert ours.heard == []


def test_a_server_that_does_not_answer_ends_the_call(sandbox: Sandbox, ours: Ours, phone: Phone) -> None:
    sandbox.decide("call", TO, "live")
    ours.statuses.append(500)
    id = phone.dial()
    wait_until(lambda: phone.log(id).status_code == 200)
    assert phone.log(id).json()["status"] == "failed"


def test_a_number_called_again_can_come_to_something_else(sandbox: Sandbox, ours: Ours, phone: Phone) -> None:
    sandbox.decide("call", TO, "busy", "no answer")
    ids = [phone.dial() for _ in range(3)]
    wait_until(lambda: all(phone.log(id).status_code == 200 for id in ids))
    assert [phone.log(id).json()["status"] for id in ids] == ["busy", "no answer", "no answer"]


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [
        ("delivered", {"sent", "delivered"}),
        ("undelivered", {"sent", "undelivered"}),
        ("sent", {"sent"}),
        ("failed", {"failed"}),
    ],
)
def test_receipts_tell_of_a_text(sandbox: Sandbox, ours: Ours, phone: Phone, outcome: str, statuses: set[str]) -> None:
    sandbox.decide("text", TO, outcome)
    answer = phone.text().json()
    assert answer["status"] == "queued"
    wait_until(lambda: len(ours.heard) == len(statuses))
    assert {(heard["id"], heard["caller_no"]) for heard in ours.heard} == {(answer["id"], TO)}
    assert {heard["status"] for heard in ours.heard} == statuses


def test_a_family_that_sent_stop_gets_no_text_until_start(sandbox: Sandbox, ours: Ours, phone: Phone) -> None:
    requests.post(f"{sandbox.url}/sandbox/texts", json={"caller": TO, "text": " stop", "times": 2}, timeout=60)
    wait_until(lambda: len(ours.heard) == 2)
    assert ours.heard[0] == ours.heard[1]
    assert ours.heard[0]["text_message"] == " stop"
    assert phone.text().json()["status"] == "opted out"
    sandbox.phones.receive_text(TO, "START")
    assert phone.text().json()["status"] == "queued"


def test_our_server_is_told_again_until_it_says_that_it_heard(sandbox: Sandbox, ours: Ours) -> None:
    ours.statuses += [500, 503]
    sandbox.phones.receive_text(TO, "STOP")
    wait_until(lambda: len(sandbox.phones.callbacks) == 3)
    assert [callback.status for callback in sandbox.phones.callbacks] == [500, 503, 200]


def test_what_comes_of_a_call_or_a_text_can_be_told_twice(sandbox: Sandbox, ours: Ours, phone: Phone) -> None:
    sandbox.decide("call", TO, "confirm")
    sandbox.decide("text", TO, "sent")
    sandbox.fail("twice", path="Dials")
    sandbox.fail("twice", path="Messages")
    phone.dial()
    phone.text()
    wait_until(lambda: len(ours.heard) == 6)
    assert sandbox.accepted.counts() == {"mail": 0, "call": 1, "text": 1}
    assert [heard["confirm"] for heard in ours.heard if "confirm" in heard] == ["0", "0"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/Dials/Connect", None),
        ("/Dials/Connect", []),
        ("/Dials/Connect", {"call": {"no": "612 555 0123", "caller_id_no": OURS}}),
        ("/Dials/Connect", {"call": {"no": TO}}),
        ("/Messages", {"api_no": OURS, "caller_no": TO}),
        ("/Messages", {"api_no": OURS, "caller_no": TO, "text_message": ""}),
    ],
)
def test_what_cannot_be_understood_is_refused(sandbox: Sandbox, phone: Phone, path: str, body: object) -> None:
    assert phone.request("POST", path, body).status_code == 400
    assert len(sandbox.accepted) == 0


def test_a_key_is_asked_for(sandbox: Sandbox, phone: Phone) -> None:
    phone.headers = {"X-API-KEY": "wrong"}
    assert phone.text().status_code == 401
    phone.headers = {}
    assert phone.text().status_code == 401
    assert len(sandbox.accepted) == 0


def test_there_is_nothing_elsewhere(phone: Phone) -> None:
    assert phone.request("GET", "/History/Logs/Calls/none").status_code == 404
    assert phone.request("GET", "/Dials/Connect").status_code == 404


def test_an_unknown_outcome_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="Of a call cannot become delivered"):
        sandbox.decide("call", TO, "delivered")
    answer = requests.post(
        f"{sandbox.url}/sandbox/decide", json={"kind": "fax", "to": TO, "outcomes": ["x"]}, timeout=10
    )
    assert answer.status_code == 400


def test_settings_of_the_phones_can_be_given_over_http(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/sandbox/settings"
    assert requests.post(url, json={"pace": 0.5, "texts_url": "http://127.0.0.1:1/"}, timeout=60).status_code == 200
    assert (sandbox.phones.pace, sandbox.phones.texts_url) == (0.5, "http://127.0.0.1:1/")
    assert requests.post(url, json={"weather": 1}, timeout=60).status_code == 400
