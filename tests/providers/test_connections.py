"""Connections that are used again, and the gate between a connection and the first byte of its request."""

import socket
from collections.abc import Iterator

import pytest

from providers import transport
from providers.http import Api, TryLaterError
from sandbox.server import Sandbox


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The connections that were opened."""
    transport.shared_session.cache_clear()
    connections: list[object] = []
    connect = transport._Gated.connect

    def note(connection: transport._Gated) -> None:
        connections.append(connection)
        connect(connection)

    monkeypatch.setattr(transport._Gated, "connect", note)
    yield connections
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


@pytest.mark.parametrize("requests_before", [0, 1], ids=["a new connection", "a used one"])
def test_a_request_passes_its_gate_when_it_is_connected_and_before_its_first_byte(
    sandbox: Sandbox, opened: list[object], requests_before: int
) -> None:
    api, steps = api_of(sandbox), []
    for _ in range(requests_before):
        api.ask("GET", PATH, expected=[404])
    seen = len(sandbox.requests)

    def before() -> None:
        steps.append(("before", len(opened), len(sandbox.requests) - seen))

    api.ask("POST", PATH, expected=[404], json={"a": 1}, before=before, begun=lambda: steps.append(("begun", 0, 0)))
    assert steps == [("before", 1, 0), ("begun", 0, 0)]


def test_nothing_is_sent_through_a_closed_gate(sandbox: Sandbox) -> None:
    def closed() -> None:
        raise TryLaterError("Not now.")

    with pytest.raises(TryLaterError, match="Not now"):
        api_of(sandbox).ask("POST", PATH, attempts=1, before=closed)
    assert not sandbox.requests


def test_a_connection_that_fails_does_not_reach_the_gate() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        api = Api("Nobody", f"http://127.0.0.1:{unused.getsockname()[1]}", timeout=(1, 1))
        asked: list[bool] = []
        with pytest.raises(TryLaterError):
            api.ask("POST", "/", before=lambda: asked.append(True))
    assert not asked
