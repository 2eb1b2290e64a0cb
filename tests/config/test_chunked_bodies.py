"""Bodies of unknown length, through a real gunicorn over a socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from itertools import count
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Right, Tool
from config.chunked_bodies import ChunkedBodies
from messenger_logs.models import SentMessage, TextConsent
from tests.dispatch.conftest import database_url
from tests.wait import wait_until

SECRET = "a-secret-part"
TEXTS = f"/voxology/{SECRET}/texts/"
MOST = 100_000


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]


class Gunicorn:
    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {
            "DATABASE_URL": database_url(),
            "VOXOLOGY_WEBHOOK_SECRET": SECRET,
            "API_MAX_BYTES": str(MOST),
            "WEB_CONCURRENCY": "1",
            "PYTHONUNBUFFERED": "1",
        }
        options = ["--config=config/gunicorn.conf.py", f"--bind=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options], cwd=settings.BASE_DIR, env=os.environ | environment
        )

    def answers(self) -> bool:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), timeout=1)):
            return True
        return False

    def send(self, path: str, pieces: list[bytes], *, chunked: bool = True, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            body: Any = iter(pieces) if chunked else b"".join(pieces)
            usual = {"Content-Type": "application/json"}
            connection.request("POST", path, body, usual | headers, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))

    def send_raw(self, request: bytes) -> bytes:
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=30)) as connection:
            connection.sendall(request)
            return connection.recv(65536)


@pytest.fixture
def gunicorn(transactional_db: None) -> Iterator[Gunicorn]:
    server = Gunicorn()
    try:
        wait_until(server.answers, what="gunicorn answers")
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=30)


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def text(number: int, words: str) -> bytes:
    return json.dumps({"caller_no": f"+1651222{number:04}", "text_message": words}).encode()


@pytest.mark.slow
def test_a_body_in_chunks_is_read_like_any_other(gunicorn: Gunicorn, make_user: Callable[..., User]) -> None:
    for number, size in enumerate((1, 7, 10_000)):
        assert gunicorn.send(TEXTS, cut(text(number, "STOP"), size)).status == 200
    assert TextConsent.objects.filter(opted_out=True).count() == 3, "every STOP holds"

    token, _ = issue_token(user=make_user((Tool.MESSAGE_IMPORT, Right.WRITE)))
    names = count(1)

    def add(subject: str, **how: Any) -> Answer:
        message = {"external_id": f"m{next(names)}", "engine": "classic", "message_type": "Attendance"}
        message |= {"subject": subject, "sender_name": "Vang, Mai", "created_at": "2026-11-20T10:05:00-06:00"}
        body = json.dumps(message | {"modes": ["email"]}).encode()
        return gunicorn.send("/api/v1/messages/", cut(body, 1000), Authorization=f"Token {token}", **how)

    for chunked in (True, False):
        assert add("Absence", chunked=chunked).status == 201
        too_large = add("x" * MOST, chunked=chunked)
        assert too_large.status == 413
        assert "larger" in too_large.body["detail"]
    assert SentMessage.objects.filter(external_id__isnull=False).count() == 2

    # What is no body in chunks, or too large for a webhook, stores nothing and takes the server nowhere.
    assert gunicorn.send(TEXTS, cut(text(7, "STOP" + " " * 70_000), 1000)).status == 413
    head = f"POST {TEXTS} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for broken in (b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}}}0\r\n\r\n"):
        assert b" 400 " in gunicorn.send_raw(head + broken).partition(b"\r\n")[0]
    assert gunicorn.send(TEXTS, []).status == 400
    assert TextConsent.objects.count() == 3


def test_a_server_that_does_not_know_the_end_of_a_body_asks_for_its_length() -> None:
    said: list[Any] = []

    def never(environ: Any, start_response: Any) -> list[bytes]:
        raise AssertionError("It must not get here.")

    answer = ChunkedBodies(never, most=10)({"HTTP_TRANSFER_ENCODING": "chunked"}, lambda *parts: said.append(parts[0]))

    assert said == ["411 Length Required"]
    assert b"Content-Length" in b"".join(answer)
