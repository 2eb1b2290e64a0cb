"""Where events come from: one small adapter for each of Mailgun's ways to ask for them.

Facts of the Events API: https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import stamina
from django.conf import settings

REGIONS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
PAGE_SIZE = 300
MAX_PAGES = 100_000
TIMEOUT = (10, 60)  # seconds to connect, seconds between two bytes
END_OF_TIME = 253402300799  # epoch seconds of the last second that a datetime can hold
MAX_WAIT = timedelta(minutes=15)  # for a rate limit to pass


class ProviderError(Exception):
    """The provider's answer ends the run of this domain. The message says why, in words for the office."""


class TransientError(ProviderError):
    """Asking again may help."""


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event of a page.

    ``raw`` is its JSON as it came. ``readable`` is the same event as JSON that PostgreSQL can take apart; None where
    ``raw`` itself is. ``variables`` are its user variables as JSON where they came as JSON text. ``problem`` says in
    words why it cannot be stored as an event at all.
    """

    raw: str
    problem: str = ""
    readable: str | None = None
    variables: str | None = None


class EventSource(Protocol):
    """What the sync needs of a provider. Both methods raise ProviderError."""

    def now(self) -> datetime:
        """The provider's clock; also finds out whether the provider lets us in."""
        ...

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        """The events that occurred from ``begin`` to ``end``, the oldest first, a non-empty page at a time.

        Comes to its end only when the provider has said that there are no more.
        """
        ...


# An escape in JSON text. Group 1 holds what PostgreSQL's text cannot: NUL and half a surrogate pair.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SPACE = re.compile(r"[ \t\n\r]*")
# Integers become floats: they are only compared, and a number of 5,000 digits must not stop its page.
_DECODER = json.JSONDecoder(parse_int=float)


def provider_event(raw: str, value: Any) -> ProviderEvent:
    if problem := _problem(value):
        return ProviderEvent(raw, problem)
    variables = value.get("user-variables")
    return ProviderEvent(
        raw,
        readable=_for_postgres(raw) if _SUSPECT.search(raw) else None,
        variables=_json_in_text(variables) if isinstance(variables, str) else None,
    )


def _problem(value: Any) -> str:
    if not isinstance(value, dict):
        return "It is not a JSON object."
    kind, timestamp = value.get("event"), value.get("timestamp")
    if not isinstance(kind, str) or not kind:
        return "It does not say which kind of event it is."
    if not isinstance(timestamp, float):
        return "It has no timestamp."
    return "" if 0 <= timestamp < END_OF_TIME else "Its timestamp is out of range."


def _json_in_text(text: str) -> str | None:
    try:
        variables = json.loads(text)
    except (ValueError, RecursionError):
        return None  # the provider's words about variables that were too long
    return _for_postgres(json.dumps(variables)) if isinstance(variables, dict) else None


def reread(raw: str) -> ProviderEvent:
    """An event that was stored or quarantined, as if it came again."""
    return provider_event(raw, _DECODER.decode(raw))


def _for_postgres(text: str) -> str:
    return _ESCAPE.sub(lambda match: r"\ufffd" if match[1] else match[0], text)


def read_page(text: str) -> tuple[list[ProviderEvent] | None, dict[str, Any]]:
    """Take a page's JSON apart: its events with their own text, and the other members.

    The events are None where ``items`` is missing or not a list. Raises ValueError where ``text`` is not a JSON object.
    """
    events: list[ProviderEvent] | None = None
    members: dict[str, Any] = {}
    at = _after(text, 0, "{")
    while text[at : at + 1] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _after(text, at, ":")
        if name == "items" and text[at : at + 1] == "[":
            events, at = _read_items(text, at)
        else:
            members[name], at = _DECODER.raw_decode(text, at)
        at = _after(text, at, ",", "}")
    return events, members


def _read_items(text: str, at: int) -> tuple[list[ProviderEvent], int]:
    events = []
    at = _after(text, at, "[")
    while text[at : at + 1] != "]":
        begin = at
        value, at = _DECODER.raw_decode(text, at)
        events.append(provider_event(text[begin:at], value))
        at = _after(text, at, ",", "]")
    return events, at + 1


def _after(text: str, at: int, mark: str, last: str = "") -> int:
    """The place of the next value behind ``mark``; where ``last`` stands instead, the place of ``last``."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    found = text[at : at + 1]
    if found == last and last:
        return at
    if found != mark:
        raise ValueError(f"expected {mark!r} at character {at}")
    return _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]


@dataclass
class EventsApi:
    """GET /v3/{domain}/events. Safe to use from several threads; all of them wait when one is told to."""

    domain: str
    base: str
    key: str = field(repr=False)
    # On time.monotonic(). Shared by the threads: a later value wins or loses to another just as late.
    _not_before: float = field(default=0.0, init=False, repr=False)

    @classmethod
    def of(cls, domain: str) -> EventsApi:
        if not settings.MAILGUN_API_KEY:
            raise ProviderError("There is no MAILGUN_API_KEY in the settings of this installation.")
        base = settings.MAILGUN_API_BASE or REGIONS.get(settings.MAILGUN_REGION)
        if not base:
            raise ProviderError(f"MAILGUN_REGION is {settings.MAILGUN_REGION!r}; it must be us or eu.")
        return cls(domain=domain, base=base.rstrip("/"), key=settings.MAILGUN_API_KEY)

    def now(self) -> datetime:
        asked = datetime.now(UTC)
        with self._session() as session:
            answer = self._ask(session, self._first_url(asked - timedelta(minutes=1), asked, limit=1))
        return answer.date or asked

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        url = self._first_url(begin, end, limit=PAGE_SIZE)
        seen: set[str] = set()
        with self._session() as session:
            while len(seen) < MAX_PAGES:
                seen.add(url)
                answer = self._ask(session, url)
                if not answer.events:
                    return
                yield answer.events
                url = answer.next
                if url in seen:
                    raise ProviderError("Mailgun named a page it had given already as the next page.")
        raise ProviderError(f"Mailgun gave more than {MAX_PAGES:,} pages.")

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.auth = ("api", self.key)
        session.headers["Accept"] = "application/json"
        return session

    def _first_url(self, begin: datetime, end: datetime, *, limit: int) -> str:
        first, last = int(begin.timestamp()), int(end.timestamp()) + 1
        return f"{self.base}/v3/{self.domain}/events?begin={first}&end={last}&ascending=yes&limit={limit}"

    def _ask(self, session: requests.Session, url: str) -> _Answer:
        for attempt in stamina.retry_context(
            on=TransientError, attempts=settings.MAILGUN_ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=30
        ):
            with attempt:
                return self._ask_once(session, url)
        raise AssertionError("unreachable: stamina raises the last error")

    def _ask_once(self, session: requests.Session, url: str) -> _Answer:
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        try:
            # No redirects: the key would travel along.
            response = session.get(url, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise TransientError(f"Mailgun could not be reached ({type(error).__name__}).") from error
        date = _date(response)
        if response.status_code == 429:
            self._not_before = time.monotonic() + _time_to_reset(response, date).total_seconds()
            raise TransientError("Mailgun's rate limit is used up (429).")
        if response.status_code != 200:
            kind = TransientError if response.status_code >= 500 else ProviderError
            raise kind(_refusal(response))
        events, paging = _read_body(response)
        next_url = str(paging.get("next", ""))
        if events and urlsplit(next_url)[:2] != urlsplit(self.base)[:2]:
            raise ProviderError("Mailgun's next page is on another host; the key is not sent there.")
        return _Answer(events, next_url, date)


@dataclass(frozen=True, slots=True)
class _Answer:
    events: list[ProviderEvent]
    next: str
    date: datetime | None


def _date(response: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _time_to_reset(response: requests.Response, date: datetime | None) -> timedelta:
    """How long to wait after a 429: until X-RateLimit-Reset (Unix milliseconds) or Retry-After, whichever is later."""
    now = date or datetime.now(UTC)
    waits = [timedelta(seconds=1)]
    with suppress(KeyError, ValueError, OverflowError, OSError):
        waits.append(datetime.fromtimestamp(int(response.headers["X-RateLimit-Reset"]) / 1000, UTC) - now)
    with suppress(KeyError, ValueError, OverflowError):
        waits.append(timedelta(seconds=int(response.headers["Retry-After"])))
    wait = max(waits)
    if wait > MAX_WAIT:
        raise ProviderError(f"Mailgun's rate limit is used up (429) until {now + wait:%Y-%m-%d %H:%M} UTC.")
    return wait


def _read_body(response: requests.Response) -> tuple[list[ProviderEvent], dict[str, Any]]:
    # Bytes that are no UTF-8 would make the whole page unreadable; replaced, they spoil one word of one event.
    text = response.content.decode("utf-8", errors="replace")
    if not text.lstrip().startswith("{"):
        raise ProviderError("The answer is a web page and not events: is MAILGUN_API_BASE right?")
    try:
        events, members = read_page(text)
    except (ValueError, RecursionError) as error:
        raise TransientError("Mailgun's answer broke off or is not JSON.") from error
    if events is None:
        raise ProviderError("Mailgun's answer has no list of events.")
    paging = members.get("paging")
    return events, paging if isinstance(paging, dict) else {}


_REFUSALS = {
    401: "Mailgun did not accept the API key (401).",
    403: "The API key may not read this domain's events (403).",
    404: "Mailgun does not know this domain (404): are the name and MAILGUN_REGION right?",
}


def _refusal(response: requests.Response) -> str:
    status = response.status_code
    try:
        said = response.json()["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = ""
    words = _REFUSALS.get(status, f"Mailgun answered with status {status}.")
    return f"{words} It said: {said[:200]}" if isinstance(said, str) and said else words
