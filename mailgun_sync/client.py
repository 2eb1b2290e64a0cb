"""Where events come from: one small adapter for each of Mailgun's ways to ask for them.

Facts of the Events API: https://documentation.mailgun.com/docs/mailgun/user-manual/events/events . What we know of
Mailgun beside it is in providers/mailgun.py.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import stamina
from django.conf import settings

from core.strict_json import read_object
from core.text import storable_json
from providers import mailgun
from providers.http import NoAnswerError, NotSetUpError, Reply, clock_of, wait_of

MAX_PAGES = 100_000
END_OF_TIME = 253402300799  # epoch seconds of the last second that a datetime can hold
SHORTEST_WAIT = timedelta(seconds=1)  # for a rate limit to pass


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


_SPACE = re.compile(r"[ \t\n\r]*")
# Integers become floats: they are only compared, and a number of 5,000 digits must not stop its page.
_DECODER = json.JSONDecoder(parse_int=float)


def provider_event(raw: str, value: Any) -> ProviderEvent:
    if problem := _problem(value):
        return ProviderEvent(raw, problem)
    variables = value.get("user-variables")
    readable = storable_json(raw)
    return ProviderEvent(
        raw,
        readable=None if readable is raw else readable,
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
    """None for the provider's words about variables that were too long."""
    variables = read_object(text)
    return None if variables is None else storable_json(json.dumps(variables))


def reread(raw: str) -> ProviderEvent:
    """An event that was stored or quarantined, as if it came again."""
    return provider_event(raw, _DECODER.decode(raw))


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

    def __post_init__(self) -> None:
        self._api = mailgun.api(base=self.base, key=self.key, timeout=mailgun.EVENTS_TIMEOUT)

    @classmethod
    def of(cls, domain: str) -> EventsApi:
        try:
            api = mailgun.api()
        except NotSetUpError as error:
            raise ProviderError(str(error)) from error
        return cls(domain=domain, base=api.base, key=settings.MAILGUN_API_KEY)

    def now(self) -> datetime:
        asked = datetime.now(UTC)
        with requests.Session() as session:
            answer = self._ask(session, self._first_url(asked - timedelta(minutes=1), asked, limit=1))
        return answer.date or asked

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        url = self._first_url(begin, end, limit=mailgun.MOST_EVENTS)
        seen: set[str] = set()
        with requests.Session() as session:
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

    def _first_url(self, begin: datetime, end: datetime, *, limit: int) -> str:
        first, last = int(begin.timestamp()), int(end.timestamp()) + 1
        return self.base + mailgun.events_path(self.domain, begin=first, end=last, limit=limit)

    def _ask(self, session: requests.Session, url: str) -> _Answer:
        again = stamina.RetryingCaller(attempts=settings.MAILGUN_ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=30)
        return again(TransientError, self._ask_once, session, url)

    def _ask_once(self, session: requests.Session, url: str) -> _Answer:
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        try:
            reply = self._api.request("GET", url, session=session)
        except NoAnswerError as error:
            raise TransientError(str(error)) from error
        if reply.status == 429:
            self._not_before = time.monotonic() + _time_to_reset(reply).total_seconds()
            raise TransientError("Mailgun's rate limit is used up (429).")
        if reply.status != 200:
            kind = TransientError if reply.status >= 500 else ProviderError
            raise kind(mailgun.events_refusal(reply))
        events, paging = _read_body(reply.raw)
        next_url = str(paging.get("next", ""))
        if events and urlsplit(next_url)[:2] != urlsplit(self.base)[:2]:
            raise ProviderError("Mailgun's next page is on another host; the key is not sent there.")
        return _Answer(events, next_url, clock_of(reply.headers))


@dataclass(frozen=True, slots=True)
class _Answer:
    events: list[ProviderEvent]
    next: str
    date: datetime | None


def _time_to_reset(reply: Reply) -> timedelta:
    """How long to wait after a 429."""
    wait = max(wait_of(reply.headers) or timedelta(0), SHORTEST_WAIT)
    if wait > mailgun.LONGEST_RATE_LIMIT:
        until = (clock_of(reply.headers) or datetime.now(UTC)) + wait
        raise ProviderError(f"Mailgun's rate limit is used up (429) until {until:%Y-%m-%d %H:%M} UTC.")
    return wait


def _read_body(text: str) -> tuple[list[ProviderEvent], dict[str, Any]]:
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
