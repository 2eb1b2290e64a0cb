"""The client of Mailgun's Events API: it fetches pages and takes their JSON apart.

Source: https://documentation.mailgun.com/docs/mailgun/user-manual/events/events . Other facts of Mailgun are in
providers/mailgun.py.
"""

from __future__ import annotations

import json
import re
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import stamina
from django.conf import settings

from core.dates import time_text
from core.strict_json import read_object
from core.text import storable, storable_json
from messenger_logs.services.addresses import is_plain, mailbox
from providers import mailgun, mailgun_pages
from providers.http import NoAnswerError, NotSetUpError, Reply, TooLargeError, clock_of, wait_of
from providers.mailgun_pages import Item, read_item
from providers.transport import new_session

MAX_PAGES = 100_000
# After this time a request for a page is not repeated. Its domain waits for the next sync.
PAGE_SECONDS = 15 * 60
END_OF_TIME = 253402300799  # the last second that a datetime can hold, in epoch seconds
SHORTEST_WAIT = timedelta(seconds=1)  # after a used-up rate limit


class ProviderError(Exception):
    """The provider's answer ends the run of this domain. The message says why, in plain words for the office."""


class TransientError(ProviderError):
    """The provider's answer may be better when we ask again."""


class TooLargePageError(ProviderError):
    """A page has more bytes than we read."""


class TooLargeEventError(ProviderError):
    """A page of one event has more bytes than we read. The event occurred from ``begin`` to ``end``, of one second.

    What came before ``begin`` was read. Reading can go on at ``end``.
    """

    def __init__(self, message: str, begin: datetime, end: datetime) -> None:
        super().__init__(message)
        self.begin, self.end = begin, end


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event of a page.

    ``raw`` is its JSON as it came. ``readable`` is the same event as JSON that PostgreSQL can read; None if ``raw`` is
    readable. ``variables`` are its user variables as JSON, if they came as JSON text. ``mailbox`` is the canonical form
    of its recipient, if that is more than the same text in lower case. ``error`` says in plain words why it cannot be
    stored as an event; "" if it can.
    """

    raw: str
    error: str = ""
    readable: str | None = None
    variables: str | None = None
    mailbox: str | None = None


class EventSource(Protocol):
    """The methods of a provider that the sync needs. Both raise ProviderError."""

    def now(self) -> datetime:
        """Return the time of the provider's clock. This also tests that the provider accepts our key."""
        ...

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        """Yield the events that occurred from ``begin`` to ``end``, the oldest first, in non-empty pages.

        The iterator ends only after the provider's empty page, which says that there are no more events. An event may
        come twice. Raises TooLargeEventError at an event that it cannot read, after all events before it.
        """
        ...


# Epoch seconds that came as text. PostgreSQL reads them as a number.
_SECONDS = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def event_of(item: Item) -> ProviderEvent:
    """Return the event of an item of a page."""
    if error := item.error or _error(item.value):
        return ProviderEvent(item.raw, error)
    variables = item.value.get("user-variables")
    readable = storable_json(item.raw)
    return ProviderEvent(
        item.raw,
        readable=None if readable is item.raw else readable,
        variables=_json_in_text(variables) if isinstance(variables, str) else None,
        mailbox=_odd_mailbox(item.value),
    )


def _error(value: Any) -> str:
    if not isinstance(value, dict):
        return "It is not a JSON object."
    kind, timestamp = value.get("event"), _seconds(value.get("timestamp"))
    if not isinstance(kind, str) or not kind:
        return "It does not say which kind of event it is."
    if not isinstance(timestamp, float):
        return "It has no timestamp."
    return "" if 0 <= timestamp < END_OF_TIME else "Its timestamp is out of range."


def _seconds(timestamp: Any) -> Any:
    """Return the number of a timestamp that came as text; anything else as it is."""
    return float(timestamp) if isinstance(timestamp, str) and _SECONDS.fullmatch(timestamp) else timestamp


def _with_seconds(value: Any) -> Any:
    if not isinstance(value, dict) or "timestamp" not in value:
        return value
    return value | {"timestamp": _seconds(value["timestamp"])}


def _odd_mailbox(event: dict[str, Any]) -> str | None:
    """Return the canonical form of an event's recipient; None if PostgreSQL writes it itself, in lower case."""
    recipient = event.get("recipient")
    if recipient is None:
        headers = event.get("message")
        headers = headers.get("headers") if isinstance(headers, dict) else None
        recipient = headers.get("to") if isinstance(headers, dict) else None
    if not isinstance(recipient, str) or is_plain(recipient):
        return None
    return storable(mailbox(recipient))


def _json_in_text(text: str) -> str | None:
    """Read user variables that came as JSON text. None for other text, such as Mailgun's note on too long variables."""
    variables = read_object(text)
    try:
        return None if variables is None else storable_json(json.dumps(variables))
    except RecursionError:
        return None


def reread(raw: str) -> ProviderEvent:
    """Read the text of a stored or quarantined event again. One that cannot be read has an error."""
    return event_of(read_item(raw))


def same_event(one: str, other: str) -> bool:
    """Whether two JSON texts say the same.

    The order of members and the spelling of numbers do not count, nor does a timestamp that came as text.
    """
    if one == other:
        return True
    first, second = read_item(one), read_item(other)
    try:
        return not first.error and _with_seconds(first.value) == _with_seconds(second.value)
    except RecursionError:
        return False


def read_page(text: str) -> tuple[list[ProviderEvent] | None, dict[str, Any]]:
    """Split a page's JSON into its events and the other members: like providers.mailgun_pages.read_page."""
    items, members = mailgun_pages.read_page(text)
    return None if items is None else [event_of(item) for item in items], members


@dataclass
class EventsApi:
    """GET /v3/{domain}/events. Several threads may share it; all of them wait when one meets the rate limit."""

    domain: str
    base: str
    key: str = field(repr=False)
    # By time.monotonic(). The threads share it: if two write at once, their values differ by little.
    _not_before: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._api = mailgun.api(base=self.base, key=self.key, timeout=mailgun.EVENTS_TIMEOUT)

    @classmethod
    def of(cls, domain: str) -> EventsApi:
        """Return the API of a domain, with base and key of the settings. Raises ProviderError when they lack one."""
        try:
            api = mailgun.api()
        except NotSetUpError as error:
            raise ProviderError(str(error)) from error
        return cls(domain=domain, base=api.base, key=settings.MAILGUN_API_KEY)

    def now(self) -> datetime:
        asked = datetime.now(UTC)
        with new_session() as session:
            answer = self._ask(session, self._first_url(asked - timedelta(minutes=1), asked, limit=1))
        return answer.date or asked

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        limit = mailgun.MOST_EVENTS
        with new_session() as session:
            while True:
                try:
                    for events in self._pages(session, begin, end, limit):
                        yield events
                        begin = max(begin, min(_newest(events) or begin, end))
                    return
                except TooLargePageError as error:
                    if limit == 1:
                        raise self._too_large_event(session, begin, end, error) from error
                # The address of a next page has its limit in it. So the smaller pages begin at the newest event.
                limit //= 2

    def _pages(
        self, session: requests.Session, begin: datetime, end: datetime, limit: int
    ) -> Iterator[list[ProviderEvent]]:
        url = self._first_url(begin, end, limit=limit)
        seen: set[str | int] = set()
        for _ in range(MAX_PAGES):
            answer = self._ask(session, url)
            if not answer.events:
                return
            # A provider that goes in a circle may give its pages new addresses each time.
            content = hash(tuple(event.raw for event in answer.events))
            if content in seen:
                raise ProviderError("Mailgun gave the same page again as the next page.")
            yield answer.events
            seen |= {url, content}
            url = answer.next
            if url in seen:
                raise ProviderError("Mailgun named a page it had given already as the next page.")
        raise ProviderError(f"Mailgun gave more than {MAX_PAGES:,} pages.")

    def _too_large_event(
        self, session: requests.Session, begin: datetime, end: datetime, error: TooLargePageError
    ) -> ProviderError:
        """Find the second of the next event after ``begin``. It is in no answer, but a search that has it is too large.

        Returns ``error`` itself if no search is too large any more.
        """

        def has_it(first: int, last: int, limit: int = 1) -> bool:
            try:
                self._ask(session, self._url(first, last, limit))
            except TooLargePageError:
                return True
            return False

        first, last = int(begin.timestamp()), int(end.timestamp()) + 1
        # Events that were read may stand before it in the same second.
        if has_it(first, first + 1, mailgun.MOST_EVENTS):
            found = first + 1
        else:
            seconds = range(first + 2, last + 1)
            place = bisect_left(seconds, True, key=lambda second: has_it(first + 1, second))
            if place == len(seconds):
                return error
            found = seconds[place]
        return TooLargeEventError(
            str(error), datetime.fromtimestamp(found - 1, UTC), datetime.fromtimestamp(found, UTC)
        )

    def _first_url(self, begin: datetime, end: datetime, *, limit: int) -> str:
        return self._url(int(begin.timestamp()), int(end.timestamp()) + 1, limit)

    def _url(self, first: int, last: int, limit: int) -> str:
        return self.base + mailgun.events_path(self.domain, begin=first, end=last, limit=limit)

    def _ask(self, session: requests.Session, url: str) -> _Answer:
        retry = stamina.RetryingCaller(
            attempts=settings.MAILGUN_ATTEMPTS, timeout=PAGE_SECONDS, wait_initial=0.5, wait_max=30
        )
        return retry(TransientError, self._ask_once, session, url)

    def _ask_once(self, session: requests.Session, url: str) -> _Answer:
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        try:
            reply = self._api.request("GET", url, session=session)
        except TooLargeError as error:
            raise TooLargePageError(str(error)) from error
        except NoAnswerError as error:
            raise TransientError(str(error)) from error
        if reply.status == 429:
            self._not_before = time.monotonic() + _time_to_reset(reply).total_seconds()
            raise TransientError("Mailgun's rate limit is used up (429).")
        if reply.status != 200:
            kind = TransientError if reply.status >= 500 else ProviderError
            raise kind(mailgun.events_error(reply))
        events, paging = _read_body(reply.raw)
        next_url = str(paging.get("next", ""))
        if events and _origin(next_url) != _origin(self.base):
            raise ProviderError("Mailgun's next page is on another host; the key is not sent there.")
        return _Answer(events, next_url, clock_of(reply.headers))


def _newest(events: list[ProviderEvent]) -> datetime | None:
    """Return the time of the last event of a page that can be read; None if none can."""
    last = next((event for event in reversed(events) if not event.error), None)
    return datetime.fromtimestamp(_seconds(read_item(last.raw).value["timestamp"]), UTC) if last else None


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL; empty ones for a text that is no URL."""
    try:
        return urlsplit(url)[:2]
    except ValueError:
        return "", ""


@dataclass(frozen=True, slots=True)
class _Answer:
    events: list[ProviderEvent]
    next: str
    date: datetime | None


def _time_to_reset(reply: Reply) -> timedelta:
    """Return how long to wait after a 429. Raises ProviderError if that is longer than a run waits."""
    wait = max(wait_of(reply.headers) or timedelta(0), SHORTEST_WAIT)
    if wait > mailgun.LONGEST_RATE_LIMIT:
        until = (clock_of(reply.headers) or datetime.now(UTC)) + wait
        raise ProviderError(f"Mailgun's rate limit is used up (429) until {time_text(until)}.")
    return wait


def _read_body(text: str) -> tuple[list[ProviderEvent], dict[str, Any]]:
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        raise ProviderError("The answer is a web page and not events: is MAILGUN_API_BASE right?")
    try:
        events, members = read_page(text)
    except (ValueError, RecursionError) as error:
        raise TransientError("Mailgun's answer broke off or is not JSON.") from error
    if events is None:
        raise ProviderError("Mailgun's answer has no list of events.")
    paging = members.get("paging")
    return events, paging if isinstance(paging, dict) else {}
