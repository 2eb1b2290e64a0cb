"""Requests to providers, with time-outs, and every failure sorted by one question: whether it may have been taken."""

from __future__ import annotations

import json
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

from dispatch.gateways import TryLaterError, UnknownError

CONNECT_SECONDS = 5
ATTEMPTS = 3
SOON = timedelta(seconds=5)  # a wait that is worth staying for
USUAL_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
MISCONFIGURED_WAIT = timedelta(minutes=5)
KEPT_CHARACTERS = 20_000
# Answers to a request that was not accepted, whatever it asked for: somebody has to mend the settings.
_MISCONFIGURED = {
    401: "did not accept the API key",
    403: "does not allow this with the API key",
    404: "does not know the address: are base and paths in the settings right?",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered, where it said whether it took what was asked for."""

    status: int
    raw: str

    def object(self) -> dict[str, Any]:
        """The JSON object that it is; an empty one where it is none."""
        try:
            value = json.loads(self.raw)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def kept(self) -> str:
        """As much of it as is stored."""
        return self.raw[:KEPT_CHARACTERS]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Api:
    """A provider's API. Each hand-off has a connection of its own.

    A kept connection that the provider closed at that very moment would leave open whether the request was read.
    """

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, *, expected: Collection[int] = (), **content: Any) -> Reply:
        """Make a request, again where nothing was taken and the wait is short.

        Raises TryLaterError where the provider surely took nothing, UnknownError where it may have. Other errors that
        it answers are replies, as are those of ``expected``: what they mean is for the gateway to know.
        """
        for attempt in stamina.retry_context(on=_worth_staying_for, attempts=ATTEMPTS, timeout=None):
            with attempt:
                return self._ask_once(method, path, expected, content)
        raise AssertionError("unreachable: stamina raises the last error")

    def _ask_once(self, method: str, path: str, expected: Collection[int], content: Mapping[str, Any]) -> Reply:
        try:
            # No redirects: the key would travel along.
            response = requests.request(
                method,
                self.base.rstrip("/") + path,
                headers=self.headers,
                auth=self.auth,
                timeout=(CONNECT_SECONDS, settings.PROVIDER_TIMEOUT_SECONDS),
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            raise self._sorted(error) from error
        return self._checked(response, expected)

    def _sorted(self, error: requests.RequestException) -> TryLaterError | UnknownError:
        reason = error.args[0] if error.args else None
        cause = reason.reason if isinstance(reason, MaxRetryError) else reason
        never_connected = isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) or isinstance(
            cause, NewConnectionError
        )
        kind = TryLaterError if never_connected else UnknownError
        return kind(f"{self.name} could not be reached ({type(error).__name__}).")

    def _checked(self, response: requests.Response, expected: Collection[int]) -> Reply:
        status = response.status_code
        if status in (429, 503):
            raise TryLaterError(f"{self.name} asks for patience ({status}).", asked_to_wait(response))
        if status in _MISCONFIGURED and status not in expected:
            raise TryLaterError(f"{self.name} {_MISCONFIGURED[status]} ({status}).", MISCONFIGURED_WAIT)
        if 300 <= status < 400:
            raise TryLaterError(f"{self.name} has moved ({status}).", MISCONFIGURED_WAIT)
        return Reply(status, storable(response.content.decode("utf-8", errors="replace")))


def _worth_staying_for(error: Exception) -> bool | timedelta:
    """As long as the provider asks for, and a little more, which differs among workers; not where that is long."""
    if not isinstance(error, TryLaterError) or error.after > SOON:
        return False
    return max(error.after, timedelta(0)) + timedelta(seconds=uniform(0.1, 0.6))  # noqa: S311


def storable(text: str) -> str:
    """The text as PostgreSQL takes it."""
    return text.replace("\0", "\ufffd").encode("utf-8", errors="replace").decode()


def asked_to_wait(response: requests.Response) -> timedelta:
    """How long the provider wants to be left alone: Retry-After or X-RateLimit-Reset (Unix ms), whichever is later."""
    waits = []
    after = response.headers.get("Retry-After", "")
    with suppress(ValueError, OverflowError):
        # Seconds, or a date.
        number = after.strip().isdecimal()
        waits.append(timedelta(seconds=int(after)) if number else _until(parsedate_to_datetime(after)))
    with suppress(KeyError, ValueError, OverflowError, OSError):
        waits.append(_until(datetime.fromtimestamp(int(response.headers["X-RateLimit-Reset"]) / 1000, UTC)))
    return min(max(waits, default=USUAL_WAIT), LONGEST_WAIT)


def _until(moment: datetime) -> timedelta:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)
