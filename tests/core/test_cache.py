"""The cache while Valkey is killed, frozen, and full."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import cache as cache_module
from core.cache import ValkeyOrMemory
from tests.valkey import Valkey, kill, short_folder
from tests.wait import wait_until

pytestmark = pytest.mark.slow

OPERATIONS: dict[str, Callable[[ValkeyOrMemory], Any]] = {
    "get": lambda cache: cache.get("nothing", "else"),
    "set": lambda cache: cache.set("a", 1),
    "add": lambda cache: cache.add("b", 1),
    "touch": lambda cache: cache.touch("nothing"),
    "delete": lambda cache: cache.delete("nothing"),
    "has_key": lambda cache: "nothing" in cache,
    "get_many": lambda cache: cache.get_many(["nothing"]),
    "set_many": lambda cache: cache.set_many({"a": 1}),
    "delete_many": lambda cache: cache.delete_many(["nothing"]),
    "get_or_set": lambda cache: cache.get_or_set("c", 1),
}


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with short_folder() as folder:
        valkey = Valkey(folder)
        yield valkey
        kill(valkey.process)


@pytest.fixture
def cache(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyOrMemory]:
    monkeypatch.setattr(cache_module, "_asked_again_at", {})
    cache = ValkeyOrMemory(valkey.url, {"OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}})
    cache.clear()
    cache.memory.clear()
    yield cache
    if valkey.process.poll() is not None:
        valkey.start()
    valkey.thaw()


@pytest.fixture(params=["killed", "frozen"])
def away(request: pytest.FixtureRequest, valkey: Valkey) -> Callable[[], None]:
    return valkey.kill if request.param == "killed" else valkey.freeze


def test_every_operation_answers_the_same_without_valkey(cache: ValkeyOrMemory, away: Callable[[], None]) -> None:
    with_valkey = {name: ask(cache) for name, ask in OPERATIONS.items()}

    away()

    assert {name: ask(cache) for name, ask in OPERATIONS.items()} == with_valkey


def test_counts_go_on_in_memory(cache: ValkeyOrMemory, away: Callable[[], None]) -> None:
    away()
    cache.set("count", 1)

    assert [cache.incr("count") for _ in range(3)] == [2, 3, 4]


def test_one_waits_for_a_silent_valkey_and_the_others_do_not(cache: ValkeyOrMemory, away: Callable[[], None]) -> None:
    away()
    began = time.monotonic()
    for _ in range(100):
        cache.get("a")

    assert time.monotonic() - began < 0.5


def test_it_returns_to_valkey(
    cache: ValkeyOrMemory, valkey: Valkey, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "PAUSE_SECONDS", 0.1)
    cache.set("where", "valkey")
    away()
    assert cache.get("where") is None

    valkey.thaw() if valkey.process.poll() is None else valkey.start()

    wait_until(lambda: cache.get("where") == "valkey")


def test_a_valkey_that_refuses_to_write_is_as_good_as_none(cache: ValkeyOrMemory, valkey: Valkey) -> None:
    client = cache._cache.get_client()
    client.config_set("maxmemory", "1")
    try:
        cache.set("count", 1)
        assert cache.incr("count") == 2
    finally:
        client.config_set("maxmemory", "0")
