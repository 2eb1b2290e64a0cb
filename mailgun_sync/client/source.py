"""Reads pages of events over HTTP: what the Events API and the Logs API have in common.

An API says how to ask for a first page and how an answer names the next one. All else is the same for both: retries,
rate limits, the total time of a page, pages and events that are too large, and circles.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

import requests
import stamina
from django.conf import settings

from core.dates import time_text
from mailgun_sync.client.errors import ProviderError, TooLargeEventError, TooLargePageError, TransientError
from mailgun_sync.client.events import ProviderEvent, read_page
from providers import mailgun
from providers.http import NoAnswerError, NotSetUpError, Reply, TooLargeError, clock_of, wait_of
from providers.transport import new_session

MAX_PAGES = 100_000
# After this time a request for a page is not repeated. Its domain waits for the next sync.
PAGE_SECONDS = 15 * 60
SHORTEST_WAIT = timedelta(seconds=1)  # after a used-up rate limit


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


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What asks for a page. ``body`` is JSON text, "" without one."""

    url: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page. ``next`` asks for the next one; None if the page is the last."""

    events: list[ProviderEvent]
    next: PageRequest | None
    date: datetime | None = None


@dataclass
class PagedApi(ABC):
    """An API of Mailgun that gives events. Several threads may share it; all wait when one meets the rate limit."""

    most: ClassVar[int]
    """The most events of a page."""

    domain: str
    base: str
    key: str = field(repr=False)
    # By time.monotonic(). The threads share it: if two write at once, their values differ by little.
    _not_before: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._api = mailgun.api(base=self.base, key=self.key, timeout=mailgun.EVENTS_TIMEOUT)

    @classmethod
    def of(cls, domain: str) -> Self:
        """Return the API of a domain, with base and key of the settings. Raises ProviderError when they lack one."""
        try:
            api = mailgun.api()
        except NotSetUpError as error:
            raise ProviderError(str(error)) from error
        return cls(domain=domain, base=api.base, key=settings.MAILGUN_API_KEY)

    @abstractmethod
    def first_page(self, first: int, last: int, limit: int) -> PageRequest:
        """Ask for the first page of the events from ``first`` to ``last``, in epoch seconds, the oldest first."""

    @abstractmethod
    def read(self, reply: Reply, request: PageRequest) -> Answer:
        """Read a page. Raises ProviderError if it is none, or if its next page is none of this API."""

    @abstractmethod
    def refusal(self, reply: Reply) -> ProviderError:
        """Return why Mailgun gave no page."""

    def now(self) -> datetime:
        asked = datetime.now(UTC)
        with new_session() as session:
            answer = self._ask(session, self._from(asked - timedelta(minutes=1), asked, limit=1))
        return answer.date or asked

    def knows_domain(self) -> bool:
        """Whether Mailgun has the domain. Raises ProviderError if no answer comes."""
        with new_session() as session:
            return self._reply(session, PageRequest(self.base + mailgun.domain_path(self.domain))).ok

    def pages(self, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
        limit = self.most
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
        request: PageRequest | None = self._from(begin, end, limit=limit)
        seen: set[PageRequest | int | None] = set()
        for _ in range(MAX_PAGES):
            if request is None:
                return
            answer = self._ask(session, request)
            if not answer.events:
                return
            # A provider that goes in a circle may give its pages new addresses each time.
            content = hash(tuple(event.raw for event in answer.events))
            if content in seen:
                raise ProviderError("Mailgun gave the same page again as the next page.")
            yield answer.events
            seen |= {request, content}
            request = answer.next
            if request in seen:
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
                self._ask(session, self.first_page(first, last, limit))
            except TooLargePageError:
                return True
            return False

        first, last = int(begin.timestamp()), int(end.timestamp()) + 1
        # Events that were read may stand before it in the same second.
        if has_it(first, first + 1, self.most):
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

    def _from(self, begin: datetime, end: datetime, *, limit: int) -> PageRequest:
        return self.first_page(int(begin.timestamp()), int(end.timestamp()) + 1, limit)

    def _ask(self, session: requests.Session, request: PageRequest) -> Answer:
        retry = stamina.RetryingCaller(
            attempts=settings.MAILGUN_ATTEMPTS, timeout=PAGE_SECONDS, wait_initial=0.5, wait_max=30
        )
        return retry(TransientError, self._ask_once, session, request)

    def _ask_once(self, session: requests.Session, request: PageRequest) -> Answer:
        reply = self._reply(session, request)
        if reply.status == 429:
            self._not_before = time.monotonic() + _time_to_reset(reply).total_seconds()
            raise TransientError("Mailgun's rate limit is used up (429).")
        if reply.status >= 500 and reply.status != mailgun.NOT_THERE:
            raise TransientError(str(self.refusal(reply)))
        if reply.status != 200:
            raise self.refusal(reply)
        return self.read(reply, request)

    def _reply(self, session: requests.Session, request: PageRequest) -> Reply:
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        content = {"json": json.loads(request.body)} if request.body else {}
        try:
            return self._api.request("POST" if content else "GET", request.url, session=session, **content)
        except TooLargeError as error:
            raise TooLargePageError(str(error)) from error
        except NoAnswerError as error:
            raise TransientError(str(error)) from error


def read_body(text: str) -> tuple[list[ProviderEvent], dict[str, Any]]:
    """Return the events of a page and its other members. Raises ProviderError if it is no page of events."""
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        raise ProviderError("The answer is a web page and not events: is MAILGUN_API_BASE right?")
    try:
        events, members = read_page(text)
    except (ValueError, RecursionError) as error:
        raise TransientError("Mailgun's answer broke off or is not JSON.") from error
    if events is None:
        raise ProviderError("Mailgun's answer has no list of events.")
    return events, members


def origin_of(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL; empty ones for a text that is no URL."""
    try:
        return urlsplit(url)[:2]
    except ValueError:
        return "", ""


def _newest(events: list[ProviderEvent]) -> datetime | None:
    """Return the time of the last event of a page that can be read; None if none can."""
    last = next((event for event in reversed(events) if not event.error), None)
    return last.at if last else None


def _time_to_reset(reply: Reply) -> timedelta:
    """Return how long to wait after a 429. Raises ProviderError if that is longer than a run waits."""
    wait = max(wait_of(reply.headers) or timedelta(0), SHORTEST_WAIT)
    if wait > mailgun.LONGEST_RATE_LIMIT:
        until = (clock_of(reply.headers) or datetime.now(UTC)) + wait
        raise ProviderError(f"Mailgun's rate limit is used up (429) until {time_text(until)}.")
    return wait
