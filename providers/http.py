"""Requests to providers, with time limits, and every failure sorted by one question: whether it may have been taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any

import requests
import stamina
from django.conf import settings
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.strict_json import read_object
from core.text import storable

CONNECT_SECONDS = 5
ATTEMPTS = 3
SOON = timedelta(seconds=5)  # a wait that is worth staying for
USUAL_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
MISCONFIGURED_WAIT = timedelta(minutes=5)
KEPT_CHARACTERS = 20_000
# Answers to a request that was not accepted, whatever it asked for: somebody has to mend the settings.
REFUSALS = {
    401: "did not accept the API key",
    403: "does not allow this with the API key",
    404: "does not know the address: are base and paths in the settings right?",
}


class NotSetUpError(Exception):
    """The settings do not say enough to ask a provider. The message says what is missing, in words for the office."""


class NoAnswerError(Exception):
    """No whole answer came."""

    def __init__(self, words: str, *, connected: bool) -> None:
        super().__init__(words)
        self.connected = connected
        """Whether the provider may have read the request."""


class TryLaterError(Exception):
    """The provider surely took nothing of a request: it refused the connection, or answered 429 or 503."""

    def __init__(self, words: str, after: timedelta = USUAL_WAIT) -> None:
        super().__init__(words)
        self.after = after


class UnknownError(Exception):
    """The provider may have taken it: no answer came after everything was sent. To be looked up, never repeated."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered. Bytes that are no UTF-8 are replaced: they spoil one word, and not the whole answer."""

    status: int
    raw: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def object(self) -> dict[str, Any]:
        """The JSON object that it is; an empty one where it is none."""
        return read_object(self.raw) or {}

    @property
    def kept(self) -> str:
        """As much of it as is stored."""
        return kept(self.raw)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Api:
    """A provider's API. Without a session, each request has a connection of its own.

    A kept connection that the provider closed at that very moment would leave open whether the request was read. That
    matters where something is sent; where something is only read, a session is quicker.
    """

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout: tuple[float, float] | None = None
    """Seconds to connect, seconds between two bytes; None stands for CONNECT_SECONDS and PROVIDER_TIMEOUT_SECONDS."""

    def ask(self, method: str, path: str, *, expected: Collection[int] = (), **content: Any) -> Reply:
        """Make a request, again where nothing was taken and the wait is short.

        Raises TryLaterError where the provider surely took nothing, UnknownError where it may have. Other errors that
        it answers are replies, as are those of ``expected``: what they mean is for the caller to know.
        """
        again = stamina.RetryingCaller(attempts=ATTEMPTS, timeout=None)
        return again(_worth_staying_for, self._ask_once, method, path, expected, content)

    def request(self, method: str, url: str, *, session: requests.Session | None = None, **content: Any) -> Reply:
        """Make one request, at an address of ``base``. Raises NoAnswerError; every answer is a reply."""
        try:
            # No redirects: the key would travel along.
            response = (session.request if session else requests.request)(
                method,
                url,
                headers=self.headers,
                auth=self.auth,
                timeout=self.timeout or (CONNECT_SECONDS, settings.PROVIDER_TIMEOUT_SECONDS),
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            words = f"{self.name} could not be reached ({type(error).__name__})."
            raise NoAnswerError(words, connected=not _never_connected(error)) from error
        return Reply(response.status_code, response.content.decode("utf-8", errors="replace"), response.headers)

    def _ask_once(self, method: str, path: str, expected: Collection[int], content: Mapping[str, Any]) -> Reply:
        try:
            reply = self.request(method, self.base.rstrip("/") + path, **content)
        except NoAnswerError as error:
            raise (UnknownError if error.connected else TryLaterError)(str(error)) from error
        if reply.status in (429, 503):
            raise TryLaterError(f"{self.name} asks for patience ({reply.status}).", asked_to_wait(reply.headers))
        if reply.status in REFUSALS and reply.status not in expected:
            raise TryLaterError(f"{self.name} {REFUSALS[reply.status]} ({reply.status}).", MISCONFIGURED_WAIT)
        if 300 <= reply.status < 400:
            raise TryLaterError(f"{self.name} has moved ({reply.status}).", MISCONFIGURED_WAIT)
        return reply


def kept(raw: str) -> str:
    """As much of what a provider said as is stored, as PostgreSQL can hold it."""
    return storable(raw[:KEPT_CHARACTERS])


def asked_to_wait(headers: Mapping[str, str]) -> timedelta:
    """How long the provider wants to be left alone, within what we believe of that."""
    wait = wait_of(headers)
    return USUAL_WAIT if wait is None else min(wait, LONGEST_WAIT)


def wait_of(headers: Mapping[str, str]) -> timedelta | None:
    """What an answer asks us to wait: Retry-After or X-RateLimit-Reset (Unix milliseconds), whichever is later.

    Counted on the provider's clock, where it shows its own. None where the answer says nothing of it. Sources:
    RFC 9110, 10.2.3; https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview (rate limits).
    """
    now = clock_of(headers) or datetime.now(UTC)
    waits = []
    after = headers.get("Retry-After", "").strip()
    with suppress(ValueError, OverflowError):
        # Seconds, or a date.
        waits.append(timedelta(seconds=int(after)) if after.isdecimal() else _date(after) - now)
    with suppress(KeyError, ValueError, OverflowError, OSError):
        waits.append(datetime.fromtimestamp(int(headers["X-RateLimit-Reset"]) / 1000, UTC) - now)
    return max(waits, default=None)


def clock_of(headers: Mapping[str, str]) -> datetime | None:
    """The provider's clock, to the second, when it answered."""
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


def _worth_staying_for(error: Exception) -> bool | timedelta:
    """As long as the provider asks for, and a little more, which differs among workers; not where that is long."""
    if not isinstance(error, TryLaterError) or error.after > SOON:
        return False
    return max(error.after, timedelta(0)) + timedelta(seconds=uniform(0.1, 0.6))  # noqa: S311
