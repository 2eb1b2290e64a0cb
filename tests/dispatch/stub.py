"""A provider over real HTTP that accepts everything and remembers it, and a gateway to it."""

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import requests
from django.db import connection
from django.utils import timezone

from dispatch.gateways import Answer, Gateway, HandOff, News, OpenAttempt, Result, TryLaterError, UnknownError
from messenger_logs.choices import Mode
from messenger_logs.services.status_reports import StatusReport
from providers.many_requests import connections
from tests.loop import run

URL = "STUB_PROVIDER"
Fault = Callable[["Request"], None]


class Refused(Exception):
    """The provider answers with this status and accepts nothing."""


class Request(BaseHTTPRequestHandler):
    provider: "Provider"

    def do_POST(self) -> None:
        at = time.time()
        items = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        items = [item | {"at": at} for item in items]
        try:
            self.provider.accept(self, items)
        except Refused as refused:
            self.respond(int(str(refused)), {})
        except ConnectionAbortedError:
            self.close_connection = True
        else:
            self.respond(200, {})

    def do_GET(self) -> None:
        key = self.path.removeprefix("/known/")
        with self.provider.lock:
            self.respond(200, [item for item in self.provider.received if item["key"] == key])

    def respond(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Provider:
    """`received` has all accepted items. Each request runs one of the faults `before` and one of `after` accepting."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.requests = 0
        self.lock = threading.Lock()
        handler = type("Handler", (Request,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def accept(self, request: Request, items: list[dict[str, Any]]) -> None:
        with self.lock:
            self.requests += 1
            before = self.before.pop(0) if self.before else None
            after = self.after.pop(0) if self.after else None
        if before:
            before(request)
        with self.lock:
            self.received += items
        if after:
            after(request)

    @property
    def attempts(self) -> Counter[tuple[int, int]]:
        """How often the provider got each attempt of each delivery."""
        with self.lock:
            return Counter((item["delivery"], item["attempt"]) for item in self.received)

    @property
    def deliveries(self) -> set[int]:
        return {delivery for delivery, _ in self.attempts}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def answers(status: int) -> Fault:
    def refuse(request: Request) -> None:
        raise Refused(status)

    return refuse


def hangs_up(request: Request) -> None:
    raise ConnectionAbortedError


def answer_of(gateway: Gateway, hand_off: HandOff) -> Answer:
    """Let a gateway hand over, as a worker does."""

    async def hand_over() -> Answer:
        async with connections():
            return await gateway.hand_off(hand_off)

    return run(hand_over())


async def in_the_database(work: Callable[[], None]) -> None:
    """Do something in the database in the middle of a hand-off, which may not."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    await asyncio.to_thread(do)


class StubGateway:
    """Every result is a code: `codes` has it by the number of the attempt."""

    batch = int(os.environ.get("STUB_BATCH", "3"))
    at_once = int(os.environ.get("STUB_AT_ONCE", "1"))
    codes: dict[int, int] = {}
    timeout = 5.0

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    async def hand_off(self, hand_off: HandOff) -> Answer:
        items = [
            {"key": str(hand_off.key), "delivery": item.delivery_id, "attempt": item.attempt, "address": item.address}
            for item in hand_off.items
        ]
        status = await self._post(hand_off, json.dumps(items).encode())
        if status == 429:
            raise TryLaterError("too many requests")
        if status != 200:
            raise UnknownError(str(status))
        return Answer(
            [Result(item.delivery_id, self.report(item.delivery_id, item.attempt)) for item in hand_off.items]
        )

    async def _post(self, hand_off: HandOff, body: bytes) -> int:
        """Make the request. Returns the status of its answer."""
        address = urlsplit(os.environ[URL])
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError as error:
            raise TryLaterError(str(error)) from None
        die_at("connected")
        try:
            await hand_off.begin_request()
            writer.write(b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            hand_off.begun()
            die_at("sent")
            async with asyncio.timeout(self.timeout):
                return int((await reader.read()).split()[1])
        except (OSError, IndexError) as error:
            raise UnknownError(str(error)) from None
        finally:
            writer.close()

    def report(self, delivery_id: int, attempt: int) -> StatusReport:
        usual = {Mode.EMAIL: -29, Mode.VOICE: 5, Mode.TEXT: -27}[self.mode]
        return StatusReport(
            delivery_id=delivery_id, attempt=attempt, code=self.codes.get(attempt, usual), at=timezone.now()
        )

    def look_up(self, hand_off: HandOff, *, until: float | None = None) -> Answer | None:
        if self.mode is not Mode.EMAIL:
            return Answer([])
        answer = requests.get(f"{os.environ[URL]}/known/{hand_off.key}", timeout=5)
        known = {item["delivery"] for item in answer.json()}
        return Answer(
            [
                Result(item.delivery_id, self.report(item.delivery_id, item.attempt))
                if item.delivery_id in known
                else Result(item.delivery_id, None)
                for item in hand_off.items
            ]
        )


class RingingGateway(StubGateway):
    """Calls ring until the test lets them end, by `ends`: delivery to code."""

    ends: dict[int, int] = {}
    hung_up: list[int] = []

    def report(self, delivery_id: int, attempt: int) -> StatusReport:
        return StatusReport(
            delivery_id=delivery_id, attempt=attempt, status="in_progress", at=timezone.now(), provider_id="call"
        )

    def poll(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Mapping[OpenAttempt, News]:
        return {
            one: StatusReport(
                delivery_id=one.delivery_id, attempt=one.attempt, code=self.ends[one.delivery_id], at=timezone.now()
            )
            if one.delivery_id in self.ends
            else None
            for one in attempts
        }

    def hang_up(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Sequence[OpenAttempt]:
        self.hung_up.extend(one.delivery_id for one in attempts)
        return attempts


def die_at(step: str) -> None:
    """Kill this process at the step that the test named."""
    if os.environ.get("DIE_AT") == step:
        os.kill(os.getpid(), signal.SIGKILL)


def email_gateway() -> StubGateway:
    return StubGateway(Mode.EMAIL)


def voice_gateway() -> StubGateway:
    return StubGateway(Mode.VOICE)


def ringing_gateway() -> StubGateway:
    return RingingGateway(Mode.VOICE)


def text_gateway() -> StubGateway:
    return StubGateway(Mode.TEXT)
