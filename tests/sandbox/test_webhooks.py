"""The stand-in's webhooks: signed, repeated by Mailgun's schedule, and spoiled on demand."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from sandbox.server import Sandbox
from tests.wait import wait_until

KEY = "a signing key"


class Receiver:
    """An address of the product that remembers the calls, and answers with `statuses` one after the other, then 200."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((self.headers["Content-Type"], body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def bodies(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many calls, and return their JSON."""
        wait_until(lambda: len(self.calls) >= count)
        return [json.loads(body) for _, body in self.calls]


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    receiver = Receiver()
    sandbox.webhooks.start(receiver.url, KEY)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def made_with_key(signature: dict[str, str]) -> bool:
    text = (signature["timestamp"] + signature["token"]).encode()
    return hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest() == signature["signature"]


def test_each_event_is_told_once_signed_and_as_the_api_gives_it(sandbox: Sandbox, receiver: Receiver) -> None:
    told = [sandbox.add(id=str(number)) for number in range(3)]
    sandbox.add(event="rejected", id="no webhook for it")
    sandbox.add(timestamp=sandbox.clock.now() - 60, id="before")

    bodies = receiver.bodies(3)

    assert sorted((body["event-data"] for body in bodies), key=lambda event: str(event["id"])) == told
    assert all(made_with_key(body["signature"]) for body in bodies)
    assert len({body["signature"]["token"] for body in bodies}) == 3


def test_it_calls_again_until_the_answer_is_stored_or_never_again(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.webhooks.pace = 0
    receiver.statuses += [500, 503, 200]
    sandbox.add(id="a")
    assert len({str(body["signature"]) for body in receiver.bodies(3)}) == 1
    receiver.statuses += [406]
    sandbox.add(id="b")

    receiver.bodies(4)

    assert [call.status for call in sandbox.webhooks.calls[:3]] == [500, 503, 200]
    wait_until(lambda: len(sandbox.webhooks.calls) == 4)
    assert (sandbox.webhooks.calls[3].status, len(receiver.calls)) == (406, 4)


def test_what_may_be_wrong_with_a_call(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.webhooks.fail("bad-signature")
    sandbox.add(id="forged")
    assert not made_with_key(receiver.bodies(1)[0]["signature"])
    sandbox.webhooks.fail("replay")
    sandbox.add(id="replayed")
    first, again = receiver.bodies(3)[1:]
    assert first == again
    sandbox.webhooks.fail("twice")
    sandbox.add(id="doubled")
    first, again = receiver.bodies(5)[3:]
    assert first["event-data"] == again["event-data"]
    assert first["signature"] != again["signature"]
    sandbox.webhooks.fail("late", seconds=7200)
    sandbox.add(id="late")
    late = receiver.bodies(6)[5]["signature"]
    assert made_with_key(late)
    assert int(late["timestamp"]) <= sandbox.clock.now() - 7200
    sandbox.webhooks.fail("several")
    sandbox.add(id="first")
    sandbox.add(id="second", timestamp=sandbox.clock.now() + 0.1)
    assert [event["id"] for event in receiver.bodies(7)[6]["event-data"]] == ["first", "second"]


@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_old_form_posts(sandbox: Sandbox, receiver: Receiver, kind: str) -> None:
    sandbox.webhooks.fail(kind)
    sandbox.add(event="failed", severity="permanent", reason="bounce", recipient="mai@example.com")

    wait_until(lambda: receiver.calls)

    (content_type, body), *_ = receiver.calls
    assert content_type.startswith("multipart/form-data" if kind == "multipart" else "application/x-www-form")
    assert b"bounced" in body
    if kind == "form":
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert fields["recipient"] == "mai@example.com"
        assert made_with_key(fields)


def test_another_program_sets_it_all_up(sandbox: Sandbox, receiver: Receiver) -> None:
    def control(path: str, **body: object) -> dict[str, Any]:
        answer: dict[str, Any] = requests.post(f"{sandbox.url}/sandbox/{path}", json=body, timeout=5).json()
        return answer

    control("settings", webhook_url=receiver.url, webhook_signing_key="another", events_api_gone=410)
    control("webhooks", what="twice")
    control("events", events=[{"id": "a"}])

    assert not made_with_key(receiver.bodies(2)[0]["signature"])
    wait_until(lambda: len(requests.get(f"{sandbox.url}/sandbox/webhooks", timeout=5).json()["webhooks"]) == 2)
    gone = requests.get(f"{sandbox.url}/v3/{sandbox.domain}/events", auth=("api", sandbox.api_key), timeout=5)
    assert gone.status_code == 410
