"""Requests to providers, with limits of time and size. One question sorts every failure: may it have been accepted?"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any, Self

import aiohttp
import requests
import stamina
from django.conf import settings
from django.dispatch import Signal
from urllib3 import encode_multipart_formdata
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.strict_json import read_object
from core.text import storable
from providers.many_requests import Gate, post
from providers.transport import environment_of, shared_session, time_limit

CONNECT_SECONDS = 5
# The largest answer that we read. A full page of Mailgun's events has about 1 MB.
MOST_BYTES = 16 * 1024 * 1024
ATTEMPTS = 3
SHORT_WAIT = timedelta(seconds=5)  # the longest wait within a request
USUAL_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
MISCONFIGURED_WAIT = timedelta(minutes=5)
KEPT_CHARACTERS = 20_000
# A request to a provider failed. Sent with the name of its `api`, and with the `error`: the status of an answer such as
# "429", or "no answer". A receiver is quick, and uses no database: many threads send it.
request_failed = Signal()
# Answers that refuse any request: somebody has to correct the settings.
REFUSALS = {
    401: "did not accept the API key",
    403: "does not allow this with the API key",
    404: "does not know the address: are base and paths in the settings right?",
}


class NotSetUpError(Exception):
    """The settings lack what a provider needs. The message says what is missing, in plain words for the office."""


class NoAnswerError(Exception):
    """No complete answer came."""

    def __init__(self, message: str, *, connected: bool) -> None:
        super().__init__(message)
        self.connected = connected
        """Whether the provider may have read the request."""


class TooLargeError(NoAnswerError):
    """The answer is larger than MOST_BYTES. Only a part of it was read."""


class TryLaterError(Exception):
    """The provider surely accepted nothing: it refused the connection or the request. ``after`` says when to retry."""

    def __init__(self, message: str, after: timedelta = USUAL_WAIT) -> None:
        super().__init__(message)
        self.after = after


class BusyError(TryLaterError):
    """The provider asks for patience. ``asked`` says whether it also named the wait."""

    def __init__(self, message: str, after: timedelta, *, status: int, asked: bool) -> None:
        super().__init__(message, after)
        self.status = status
        self.asked = asked


class UnknownError(Exception):
    """The provider may have accepted the request: no answer came. Look it up; never repeat it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer. ``raw`` is its body; bytes that are not UTF-8 are replaced, so they spoil only one word."""

    status: int
    raw: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty one if it is none."""
        return read_object(self.raw) or {}

    @property
    def kept(self) -> str:
        """The part of the body that we store."""
        return kept(self.raw)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request, and its media type."""

    body: bytes
    type: str

    @classmethod
    def json(cls, value: Mapping[str, Any]) -> Self:
        """Return a JSON object."""
        return cls(json.dumps(value).encode(), "application/json")

    @classmethod
    def form(cls, fields: Sequence[tuple[str, str]]) -> Self:
        """Return a form with these fields (multipart/form-data)."""
        return cls(*encode_multipart_formdata(fields))


@dataclass(frozen=True)
class Api:
    """A provider's API. All threads of a process share its connections.

    If a provider closes a reused connection during a request, nobody knows whether it read the request. So a connection
    is used again only while it is fresh (providers/transport.py): hundreds of requests a second need no more than that,
    and after a quiet time each has a new one.
    """

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout: tuple[float, float] | None = None
    """Seconds to connect, seconds for a whole answer. None means CONNECT_SECONDS and PROVIDER_TIMEOUT_SECONDS."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        expected: Collection[int] = (),
        attempts: int = ATTEMPTS,
        **content: Any,
    ) -> Reply:
        """Make a request; make it again if the provider accepted nothing and the wait is short.

        Raises TryLaterError if the provider surely accepted nothing, UnknownError if it may have. Other error answers,
        and those with a status in ``expected``, are replies: the caller knows what they mean.
        """

        def once() -> Reply:
            with _may_be_accepted():
                reply = self.request(method, self._url(path), **content)
            return self._sorted(reply, expected)

        return stamina.RetryingCaller(attempts=attempts, timeout=None)(_retry_delay, once)

    async def hand_over(
        self,
        path: str,
        content: Content,
        *,
        before: Callable[[], Awaitable[None]],
        begun: Callable[[], None],
        attempts: int = ATTEMPTS,
    ) -> Reply:
        """POST something to which the provider must not say yes twice, within providers.many_requests.connections.

        ``before`` is awaited just before the first byte of each request, and may raise to prevent it; ``begun`` is
        called just after that byte. Otherwise it is like `ask`.
        """

        async def once() -> Reply:
            with _may_be_accepted():
                reply = await self._post(path, content, Gate(before, begun))
            return self._sorted(reply, ())

        if attempts == 1:  # hundreds in a second
            return await once()
        return await stamina.AsyncRetryingCaller(attempts=attempts, timeout=None)(_retry_delay, once)

    def request(self, method: str, url: str, *, session: requests.Session | None = None, **content: Any) -> Reply:
        """Make one request to a URL below ``base``. Every answer is a reply.

        ``session`` is one of providers.transport.new_session. Raises NoAnswerError if no whole answer came in time, and
        TooLargeError if it has more than MOST_BYTES.
        """
        connect, total = self._limits
        asking = session or shared_session()
        begun = time.monotonic()
        try:
            headers = {**asking.headers, **self.headers, **content.pop("headers", {})}
            prepared = requests.Request(method, url, headers=headers, auth=self.auth, **content).prepare()
            # No redirects: they would carry the key to another host.
            options = {"timeout": (connect, total), "allow_redirects": False}
            with (
                time_limit(total),
                asking.send(prepared, **{**environment_of(self.base), **options, "stream": True}) as response,
            ):
                body = self._read(response)
        except requests.RequestException as error:
            late = time.monotonic() - begun >= total
            raise self._no_answer(error, late=late, connected=not _never_connected(error)) from error
        return self._reply(response.status_code, body, response.headers)

    async def _post(self, path: str, content: Content, gate: Gate) -> Reply:
        connect, total = self._limits
        headers = {**self.headers, "Content-Type": content.type}
        if self.auth:
            headers["Authorization"] = aiohttp.encode_basic_auth(*self.auth)
        try:
            received = await post(
                self._url(path), content.body, headers, gate, connect=connect, total=total, most=MOST_BYTES
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            late = gate.passed and isinstance(error, TimeoutError)
            raise self._no_answer(error, late=late, connected=gate.passed) from error
        if len(received.body) > MOST_BYTES:
            raise self._too_large()
        return self._reply(received.status, received.body, received.headers)

    @property
    def _limits(self) -> tuple[float, float]:
        connect, total = self.timeout or (CONNECT_SECONDS, settings.PROVIDER_TIMEOUT_SECONDS)
        return min(connect, total), total

    def _url(self, path: str) -> str:
        return self.base.rstrip("/") + path

    def _no_answer(self, error: Exception, *, late: bool, connected: bool) -> NoAnswerError:
        total = self._limits[1]
        reason = f"did not finish its answer within {total:g} seconds" if late else "could not be reached"
        request_failed.send(sender=Api, api=self.name, error="no answer")
        return NoAnswerError(f"{self.name} {reason} ({type(error).__name__}).", connected=connected)

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"{self.name}'s answer has more than {MOST_BYTES:,} bytes.", connected=True)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> Reply:
        if status in (401, 403, 429) or status >= 500:
            request_failed.send(sender=Api, api=self.name, error=str(status))
        return Reply(status, body.decode("utf-8", errors="replace"), headers)

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for part in response.iter_content(64 * 1024):
            body += part
            if len(body) > MOST_BYTES:
                raise self._too_large()
        return bytes(body)

    def _sorted(self, reply: Reply, expected: Collection[int]) -> Reply:
        """Return a reply of which the caller knows what it means. Raises TryLaterError for the others."""
        if reply.status in (429, 503):
            asked = wait_of(reply.headers) is not None
            message = f"{self.name} asks for patience ({reply.status})."
            raise BusyError(message, requested_wait(reply.headers), status=reply.status, asked=asked)
        if reply.status in REFUSALS and reply.status not in expected:
            raise TryLaterError(f"{self.name} {REFUSALS[reply.status]} ({reply.status}).", MISCONFIGURED_WAIT)
        if 300 <= reply.status < 400:
            raise TryLaterError(f"{self.name} has moved ({reply.status}).", MISCONFIGURED_WAIT)
        return reply


@contextmanager
def _may_be_accepted() -> Iterator[None]:
    """Sort what brought no answer: UnknownError if the provider may have accepted it, TryLaterError if surely not."""
    try:
        yield
    except NoAnswerError as error:
        raise (UnknownError if error.connected else TryLaterError)(str(error)) from error


def kept(raw: str) -> str:
    """Cut a provider's text to the length that we store, and replace what PostgreSQL cannot hold."""
    return storable(raw[:KEPT_CHARACTERS])


def requested_wait(headers: Mapping[str, str]) -> timedelta:
    """Return the wait that an answer asks for, at most LONGEST_WAIT; USUAL_WAIT if it asks for none."""
    wait = wait_of(headers)
    return USUAL_WAIT if wait is None else min(wait, LONGEST_WAIT)


def wait_of(headers: Mapping[str, str]) -> timedelta | None:
    """Return the wait that an answer asks for: Retry-After or X-RateLimit-Reset (Unix milliseconds), the later of them.

    The provider's clock counts, if the answer shows it. None if the answer asks for no wait. Sources: RFC 9110, 10.2.3;
    https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview (rate limits).
    """
    now = clock_of(headers) or datetime.now(UTC)
    waits = []
    after = headers.get("Retry-After", "").strip()
    with suppress(ValueError, OverflowError):
        # The header has seconds or a date.
        waits.append(timedelta(seconds=int(after)) if after.isdecimal() else _date(after) - now)
    with suppress(KeyError, ValueError, OverflowError, OSError):
        waits.append(datetime.fromtimestamp(int(headers["X-RateLimit-Reset"]) / 1000, UTC) - now)
    return max(waits, default=None)


def clock_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the time of the provider's clock when it answered, to the second; None without a Date header."""
    with suppress(KeyError, ValueError):
        return _date(headers["Date"])
    return None


def _date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _never_connected(error: requests.RequestException) -> bool:
    reason = error.args[0] if error.args else None
    cause = reason.reason if isinstance(reason, MaxRetryError) else reason
    never = requests.ConnectTimeout | requests.exceptions.SSLError
    return isinstance(error, never) or isinstance(cause, NewConnectionError)


def _retry_delay(error: Exception) -> bool | timedelta:
    """Return the delay before a retry: what the provider asks for, and a random bit more. False means no retry."""
    if not isinstance(error, TryLaterError) or error.after > SHORT_WAIT:
        return False
    return max(error.after, timedelta(0)) + timedelta(seconds=uniform(0.1, 0.6))  # noqa: S311
