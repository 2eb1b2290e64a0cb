"""A cache in Valkey that goes on without Valkey, in the memory of the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

# So long after a failure this process does not ask Valkey again: one page waits for it, and not all of them.
PAUSE_SECONDS = 10.0
# An attacker with many addresses must not push the counts of others out of the memory.
_MOST_ENTRIES = 10_000

log = structlog.get_logger(__name__)

# When this process may ask each server again. The threads of a process have caches of their own.
_asked_again_at: dict[str, float] = {}


def _either(name: str) -> Callable[..., Any]:
    """Make the method `name`: it asks Valkey or, while Valkey is away, the memory."""
    in_valkey, in_memory = getattr(RedisCache, name), getattr(LocMemCache, name)

    def method(cache: ValkeyOrMemory, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= _asked_again_at.get(cache.address, 0.0):
            try:
                return in_valkey(cache, *args, **kwargs)
            except RedisError as error:
                _asked_again_at[cache.address] = time.monotonic() + PAUSE_SECONDS
                log.warning("cache.away", error=type(error).__name__, seconds=PAUSE_SECONDS)
        return in_memory(cache.memory, *args, **kwargs)

    return method


class ValkeyOrMemory(RedisCache):
    """The cache in Valkey; while it is away or refuses to write, one in the memory of this process.

    The limits of sign-in and of the API then go on to count, in each process for itself. The time limits of Valkey are
    options: `socket_connect_timeout` and `socket_timeout`, in seconds.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.address = str(server)
        self.memory = LocMemCache(self.address, params | {"OPTIONS": {"MAX_ENTRIES": _MOST_ENTRIES}})

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    get_many = _either("get_many")
    set_many = _either("set_many")
    delete_many = _either("delete_many")
    has_key = _either("has_key")
    incr = _either("incr")
    clear = _either("clear")
