"""Requests to providers, with limits of time and size. One question sorts every failure: may it have been accepted?"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any

import requests
import stamina
from django.conf import settings
from django.dispatch import Signal
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.strict_json import read_object
from core.text import storable
from providers.transport import new_session, time_limit

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


@dataclass(frozen=True)
class Api:
    """A provider's API. Without a session, each request has its own connection.

    If a provider closes a reused connection during a request, nobody knows whether it read the request. So requests
    that send something use new connections. Requests that only read may use a session, which is quicker.
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
        before: Callable[[], None] | None = None,
        **content: Any,
    ) -> Reply:
        """Make a request; make it again if the provider accepted nothing and the wait is short.

        ``before`` is called just before each request, and may raise to prevent it.

        Raises TryLaterError if the provider surely accepted nothing, UnknownError if it may have. Other error answers,
        and those with a status in ``expected``, are replies: the caller knows what they mean.
        """
        retry = stamina.RetryingCaller(attempts=ATTEMPTS, timeout=None)
        return retry(_retry_delay, self._ask_once, method, path, expected, before, content)

    def request(self, method: str, url: str, *, session: requests.Session | None = None, **content: Any) -> Reply:
        """Make one request to a URL below ``base``. Every answer is a reply.

        ``session`` is one of providers.transport.new_session. Raises NoAnswerError if no whole answer came in time, and
        TooLargeError if it has more than MOST_BYTES.
        """
        connect, total = self.timeout or (CONNECT_SECONDS, settings.PROVIDER_TIMEOUT_SECONDS)
        # No redirects: they would carry the key to another host.
        options = {"timeout": (min(connect, total), total), "allow_redirects": False, "stream": True, **content}
        begun = time.monotonic()
        try:
            with (
                time_limit(total),
                nullcontext(session) if session else new_session() as asking,
                asking.request(method, url, headers=self.headers, auth=self.auth, **options) as response,
            ):
                body = self._read(response)
        except requests.RequestException as error:
            late = time.monotonic() - begun >= total
            reason = f"did not finish its answer within {total:g} seconds" if late else "could not be reached"
            message = f"{self.name} {reason} ({type(error).__name__})."
            request_failed.send(sender=Api, api=self.name, error="no answer")
            raise NoAnswerError(message, connected=not _never_connected(error)) from error
        if response.status_code in (401, 403, 429) or response.status_code >= 500:
            request_failed.send(sender=Api, api=self.name, error=str(response.status_code))
        return Reply(response.status_code, body.decode("utf-8", errors="replace"), response.headers)

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for part in response.iter_content(64 * 1024):
            body += part
            if len(body) > MOST_BYTES:
                raise TooLargeError(f"{self.name}'s answer has more than {MOST_BYTES:,} bytes.", connected=True)
        return bytes(body)

    def _ask_once(
        self,
        method: str,
        path: str,
        expected: Collection[int],
        before: Callable[[], None] | None,
        content: Mapping[str, Any],
    ) -> Reply:
        if before:
            before()
        try:
            reply = self.request(method, self.base.rstrip("/") + path, **content)
        except NoAnswerError as error:
            raise (UnknownError if error.connected else TryLaterError)(str(error)) from error
        if reply.status in (429, 503):
            raise TryLaterError(f"{self.name} asks for patience ({reply.status}).", requested_wait(reply.headers))
        if reply.status in REFUSALS and reply.status not in expected:
            raise TryLaterError(f"{self.name} {REFUSALS[reply.status]} ({reply.status}).", MISCONFIGURED_WAIT)
        if 300 <= reply.status < 400:
            raise TryLaterError(f"{self.name} has moved ({reply.status}).", MISCONFIGURED_WAIT)
        return reply


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
