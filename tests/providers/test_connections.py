"""Connections that are used again, and the gate between a connection and the first byte of its request."""

import asyncio
import socket
import socketserver
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest

from providers import many_requests, transport
from providers.http import Api, Content, TryLaterError
from providers.many_requests import connections
from sandbox.server import Sandbox
from tests.loop import run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The connections that were opened by `Api.ask`."""
    transport.shared_session.cache_clear()
    opened: list[object] = []
    connect = transport._Connection.connect

    def note(connection: transport._Connection) -> None:
        opened.append(connection)
        connect(connection)

    monkeypatch.setattr(transport._Connection, "connect", note)
    yield opened
    transport.shared_session.cache_clear()


def api_of(sandbox: Sandbox) -> Api:
    return Api("Sandbox", sandbox.url, auth=("api", sandbox.api_key), timeout=(1, 2))


PATH = "/v4/domains/mg.harrison.example"


def test_a_connection_is_used_again_only_while_it_is_fresh(
    sandbox: Sandbox, opened: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_of(sandbox)
    for _ in range(3):
        api.ask("GET", PATH, expected=[404])
    assert len(opened) == 1
    monkeypatch.setattr(transport, "FRESH_SECONDS", 0)
    api.ask("GET", PATH, expected=[404])
    assert len(opened) == 2


async def open_gate() -> None:
    pass


def hand_over(
    api: Api, times: int, before: Callable[[], Awaitable[None]] = open_gate, begun: Callable[[], None] = lambda: None
) -> None:
    """Hand something over, one after the other, to a sandbox that knows no such path."""

    async def do() -> None:
        async with connections():
            for _ in range(times):
                with suppress(TryLaterError):
                    await api.hand_over(PATH, Content.json({}), before=before, begun=begun, attempts=1)

    run(do())


@pytest.mark.parametrize(("seconds", "expected"), [(2.0, 1), (0.0, 3)])
def test_what_is_handed_over_shares_a_connection_that_is_fresh(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, seconds: float, expected: int
) -> None:
    accepted: list[object] = []
    process = socketserver.ThreadingMixIn.process_request

    def note(server: socketserver.ThreadingMixIn, request: object, address: object) -> None:
        accepted.append(address)
        process(server, request, address)

    monkeypatch.setattr(socketserver.ThreadingMixIn, "process_request", note)
    monkeypatch.setattr(many_requests, "FRESH_SECONDS", seconds)
    hand_over(api_of(sandbox), 3)
    assert len(accepted) == expected


@pytest.mark.parametrize("number", [1, 2], ids=["a new connection", "a used one"])
def test_a_request_passes_its_gate_when_it_is_connected_and_before_its_first_byte(
    sandbox: Sandbox, number: int
) -> None:
    arrived: list[int] = []
    begun: list[bool] = []

    async def before() -> None:
        await asyncio.sleep(0.1)  # bytes that had left would have arrived
        arrived.append(len(sandbox.requests))

    hand_over(api_of(sandbox), number, before, lambda: begun.append(True))
    assert arrived == list(range(number))
    assert len(begun) == len(sandbox.requests) == number


def test_nothing_is_sent_through_a_closed_gate(sandbox: Sandbox) -> None:
    asked: list[bool] = []

    async def closed() -> None:
        asked.append(True)
        raise TryLaterError("Not now.")

    hand_over(api_of(sandbox), 3, closed)
    assert len(asked) == 3
    assert not sandbox.requests


async def never() -> None:
    raise AssertionError


@pytest.mark.parametrize("base", ["nowhere", "http://[::1", "http://nobody.invalid"])
def test_what_goes_to_no_address_is_surely_not_taken(base: str) -> None:
    async def do() -> None:
        async with connections():
            await Api("Nobody", base).hand_over("/", Content.json({}), before=never, begun=lambda: None, attempts=1)

    with pytest.raises(TryLaterError, match="could not be reached"):
        run(do())


def test_a_connection_that_fails_does_not_reach_the_gate() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        hand_over(Api("Nobody", f"http://127.0.0.1:{unused.getsockname()[1]}", timeout=(1, 1)), 1, never)
