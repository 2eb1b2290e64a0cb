"""A transport for requests that limits the time of a whole answer. By default, requests limits only each single wait.

A provider that sends one byte a minute would otherwise keep its worker for ever. The limit holds for the head of an
answer too, and it needs no thread: each read waits at most for the rest of the time.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from providers.public_addresses import PrivateAddressError, check_public

# A provider may close a connection that is idle, just when the next request goes out: then nobody knows whether it
# read that request. Servers keep idle connections for 5 seconds and more, so a younger one is safe to use again.
FRESH_SECONDS = 2.0
# The most idle connections to one host that are kept for the next request.
_KEPT = 256


# The end of the answer that this thread reads, by time.monotonic().
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let reads from a session of `new_session` raise TimeoutError once ``seconds`` have passed."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def new_session(*, public_only: bool = False) -> requests.Session:
    """Return a session that obeys `time_limit`. With `public_only` it connects only to public hosts."""
    session = requests.Session()
    for scheme in _POOLS:
        session.mount(f"{scheme}://", (_PublicAdapter if public_only else _Adapter)(pool_maxsize=_KEPT))
    return session


@cache
def shared_session() -> requests.Session:
    """Return the session that all threads of this process share. It keeps connections, and no cookies."""
    session = new_session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


@cache
def environment_of(base: str) -> dict[str, Any]:
    """Return the proxies and certificates that the environment of this process names for an address."""
    return dict(requests.Session().merge_environment_settings(base, {}, None, None, None))


# Two processes must not write into one connection.
os.register_at_fork(after_in_child=shared_session.cache_clear)


class _TimedFile(io.RawIOBase):
    """The bytes that a socket receives, until the deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if (deadline := _deadline.get()) is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedFile(sock))


if TYPE_CHECKING:
    _AnyPool = HTTPConnectionPool
else:
    _AnyPool = object


class _Connection(HTTPConnection):
    response_class = _Response
    idle_since: float | None = None


class _TLSConnection(HTTPSConnection):
    response_class = _Response
    idle_since: float | None = None


class _Fresh(_AnyPool):
    """A pool that uses a connection again only while it is fresh. urllib3 notices those that were closed already."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if connection.idle_since and time.monotonic() - connection.idle_since > FRESH_SECONDS:
            connection.close()
        return connection

    def _put_conn(self, connection: Any) -> None:
        if connection:
            connection.idle_since = time.monotonic()
        super()._put_conn(connection)


class _Pool(_Fresh, HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(_Fresh, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


class _Public:
    """A connection to the very address that was checked."""

    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        name = self.host
        try:
            self.host = check_public(name, self.port)
        except PrivateAddressError as error:
            raise NewConnectionError(self, str(error)) from error  # type: ignore[arg-type]
        try:
            return super()._new_conn()  # type: ignore[misc, no-any-return]
        finally:
            # The certificate is that of the name.
            self.host = name


class _PublicConnection(_Public, _Connection):
    pass


class _PublicTLSConnection(_Public, _TLSConnection):
    pass


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicTLSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTLSConnection


class _Adapter(HTTPAdapter):
    pools: dict[str, Any] = _POOLS

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self.pools
        return manager


class _PublicAdapter(_Adapter):
    pools = {"http": _PublicPool, "https": _PublicTLSPool}
