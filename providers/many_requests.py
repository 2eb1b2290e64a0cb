"""A transport for hundreds of requests at the same time, all in one thread: its event loop.

A thread for each request would take four times as long: they wait for each other. A request has a gate, a last question
between its connection and its first byte.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from ssl import SSLContext, create_default_context
from types import SimpleNamespace
from typing import Any

import aiohttp
import certifi
from requests.utils import select_proxy
from yarl import URL

from providers.transport import FRESH_SECONDS, environment_of

# aiohttp writes a larger body in parts, so that it does not keep the loop from the other requests.
_LARGE = 2**20
_sessions: dict[AbstractEventLoop, aiohttp.ClientSession] = {}


@asynccontextmanager
async def connections() -> AsyncIterator[None]:
    """Let `post` make requests in this event loop. They share connections, and no cookies."""
    loop = asyncio.get_running_loop()
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    trace.on_request_chunk_sent.append(_writing)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=FRESH_SECONDS)
    cookies = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies, trace_configs=[trace]) as session:
        _sessions[loop] = session
        try:
            yield
        finally:
            del _sessions[loop]


@dataclass(slots=True)
class Gate:
    """``before`` is awaited when a request is connected, and may raise: then nothing is sent. ``begun`` is called just
    after its first byte. A connection that hangs does not reach the gate. What waits there has all its time left.
    """

    before: Callable[[], Awaitable[None]]
    begun: Callable[[], None]
    passed: bool = False


@dataclass(frozen=True, slots=True)
class _Passing:
    """A request on its way to its gate, with the limit of its time and its seconds behind the gate."""

    gate: Gate
    limit: asyncio.Timeout
    total: float


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, of which ``body`` has at most one byte more than was asked for."""

    status: int
    headers: Any
    body: bytes


async def post(
    url: str, body: bytes, headers: Mapping[str, str], gate: Gate, *, connect: float, total: float, most: int
) -> Received:
    """Send a request through its gate, and read at most ``most`` bytes and one.

    ``connect`` and ``total`` are limits in seconds: for the connection, and from the first byte to the last. Raises
    OSError (a TimeoutError too), aiohttp.ClientError, and ValueError for an address that is none; ``gate.passed`` says
    whether anything may have left.
    """
    session = _sessions[asyncio.get_running_loop()]
    address = URL(url)
    options = environment_of(str(address.origin()))
    async with asyncio.timeout(total) as limit:
        async with session.request(
            "POST",
            address,
            headers=headers,
            data=BytesIO(body) if len(body) >= _LARGE else body,
            proxy=select_proxy(url, options["proxies"]),
            ssl=_trusted(options["verify"]),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect),
            allow_redirects=False,  # they would carry the key to another host
            trace_request_ctx=_Passing(gate, limit, total),
        ) as response:
            received = bytearray()
            async for part in response.content.iter_chunked(64 * 1024):
                received += part
                if len(received) > most:
                    break
    return Received(response.status, response.headers, bytes(received[: most + 1]))


async def _connected(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    passing: _Passing = context.trace_request_ctx
    passing.limit.reschedule(None)
    await passing.gate.before()
    passing.gate.passed = True
    passing.limit.reschedule(asyncio.get_running_loop().time() + passing.total)


async def _writing(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    # aiohttp says so just before it writes, in the same step of the loop.
    asyncio.get_running_loop().call_soon(context.trace_request_ctx.gate.begun)


@cache
def _trusted(verify: bool | str) -> SSLContext | bool:
    """Return the authorities that the environment names for requests: a file or a folder, else the usual ones."""
    if verify is False:
        return False
    where = certifi.where() if verify is True else verify
    return create_default_context(capath=where) if os.path.isdir(where) else create_default_context(cafile=where)
