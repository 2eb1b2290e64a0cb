"""A domain's events in their order, and the pages of a traversal."""

import base64
import binascii
import json
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple

from sandbox.exchange import RefusedError

Key = tuple[int, str, int]
"""The sort key of an event: timestamp in ms, id, and order of arrival if both are the same."""

# The filters of the Events API, each with the path of its value in an event.
FILTER_FIELDS: dict[str, tuple[str, ...]] = {
    "event": ("event",),
    "recipient": ("recipient",),
    "severity": ("severity",),
    "tags": ("tags",),
    "list": ("mailing-list", "address"),
    "from": ("message", "headers", "from"),
    "to": ("message", "headers", "to"),
    "subject": ("message", "headers", "subject"),
    "message-id": ("message", "headers", "message-id"),
}


class Event(NamedTuple):
    """A stored event. `text` is its JSON, byte for byte as it was added."""

    key: Key
    visible_at: float
    text: bytes


class NewEvent(NamedTuple):
    """An event to be stored. No page shows it before `visible_at` (epoch seconds)."""

    timestamp: float
    id: str
    visible_at: float
    text: bytes


@dataclass(frozen=True)
class Search:
    """The checked parameters of a request to the Events API."""

    begin: int
    """Epoch milliseconds. The range includes `begin` and `end`."""
    end: int | None
    ascending: bool
    limit: int
    filters: list[tuple[str, str]] = field(default_factory=list)

    @property
    def oldest(self) -> int:
        """The older end of the range, in ms; 0 if only the provider's retention limits it."""
        return self.begin if self.ascending else self.end or 0

    @property
    def newest(self) -> int | None:
        """The newer end of the range, in ms; None if it includes future events."""
        return self.end if self.ascending else self.begin


@dataclass(frozen=True)
class Cursor:
    """A place in a traversal: the content of the opaque part of a page URL."""

    search: Search
    page: int = 1
    beside: Key | None = None
    """The event next to which the page begins; None: the page begins at an end of the range."""
    above: bool = False
    """Whether the place is after that event in the order of keys, or before it."""
    backwards: bool = False

    @property
    def upwards(self) -> bool:
        """Whether the page is read from older to newer. The order on the page may differ."""
        return self.search.ascending != self.backwards

    def token(self) -> str:
        """Return the cursor as text for a URL."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> "Cursor":
        """Read a cursor. Raises RefusedError for any other text."""
        try:
            fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            search = fields["search"]
            search["filters"] = [(name, value) for name, value in search["filters"]]
            beside = fields["beside"]
            fields["beside"] = None if beside is None else (int(beside[0]), str(beside[1]), int(beside[2]))
            return cls(**{**fields, "search": Search(**search)})
        except (binascii.Error, ValueError, TypeError, KeyError, IndexError):
            raise RefusedError(400, "This page address is unknown") from None


@dataclass(frozen=True)
class Page:
    """Events in the order of the page, and the cursors of the pages around it."""

    events: list[Event]
    next: Cursor
    previous: Cursor
    first: Cursor
    last: Cursor


class EventStore:
    """The events of one domain in the order of their keys."""

    def __init__(self, on_added: Callable[[Iterable["NewEvent"]], None] = lambda events: None) -> None:
        """`on_added` is called with the events that were added."""
        self._events: list[Event] = []
        self._on_added = on_added
        self._arrivals = count()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: NewEvent) -> None:
        """Store an event at its place."""
        with self._lock:
            insort(self._events, self._placed(event), key=attrgetter("key"))
        self._on_added([event])

    def add_all(self, events: Iterable[NewEvent]) -> None:
        """Store many events at once. Sorting is quick, because the list is nearly sorted."""
        events = list(events)
        with self._lock:
            self._events.extend(self._placed(event) for event in events)
            self._events.sort(key=attrgetter("key"))
        self._on_added(events)

    def forget_before(self, timestamp: float) -> None:
        """Delete the events that are older than this moment (epoch seconds)."""
        with self._lock:
            del self._events[: self._first_from(to_ms(timestamp))]

    def page(self, cursor: Cursor, *, now: float, oldest: float, limit: int | None = None) -> Page:
        """Return the page at this place: events visible `now` and not older than `oldest` (epoch seconds).

        `limit` makes the page shorter than the request asks, as the provider may do.
        """
        search = cursor.search
        limit = search.limit if limit is None else min(limit, search.limit)
        found: list[Event] = []
        with self._lock:
            for index in self._walk(cursor, to_ms(oldest)):
                event = self._events[index]
                if event.visible_at <= now and _matches(event, search.filters):
                    found.append(event)
                    if len(found) == limit:
                        break
        if cursor.backwards:
            found.reverse()
        return self._page_around(cursor, found)

    def _placed(self, event: NewEvent) -> Event:
        return Event((to_ms(event.timestamp), event.id, next(self._arrivals)), event.visible_at, event.text)

    def _first_from(self, ms: int) -> int:
        return bisect_left(self._events, (ms,), key=attrgetter("key"))

    def _walk(self, cursor: Cursor, oldest: int) -> range:
        """Return the indexes where the page's events may be, in the order of the search."""
        search = cursor.search
        low = self._first_from(max(oldest, search.oldest))
        high = len(self._events) if search.newest is None else self._first_from(search.newest + 1)
        if cursor.beside is not None:
            bisect = bisect_right if cursor.above else bisect_left
            place = bisect(self._events, cursor.beside, key=attrgetter("key"))
            low, high = (max(low, place), high) if cursor.upwards else (low, min(high, place))
        return range(low, high) if cursor.upwards else range(high - 1, low - 1, -1)

    @staticmethod
    def _page_around(cursor: Cursor, events: list[Event]) -> Page:
        here = replace(cursor, page=1, beside=None, above=False, backwards=False)
        if events:
            up = cursor.search.ascending
            following = replace(here, beside=events[-1].key, above=up)
            preceding = replace(here, beside=events[0].key, above=not up, backwards=True)
        else:
            # The page is empty. A later request for the same place shows the events that came since.
            following = replace(cursor, backwards=False)
            preceding = replace(cursor, backwards=True)
        return Page(
            events,
            next=replace(following, page=cursor.page + 1),
            previous=replace(preceding, page=max(1, cursor.page - 1)),
            first=here,
            last=replace(here, backwards=True),
        )


def to_ms(timestamp: float) -> int:
    """Return epoch seconds as whole milliseconds."""
    # First whole microseconds, because 1529692198.641 * 1000 gives slightly too little.
    return round(timestamp * 1_000_000) // 1000


def _matches(event: Event, filters: list[tuple[str, str]]) -> bool:
    """Whether the event passes every filter. The value `a OR b` allows both values."""
    if not filters:
        return True
    try:
        fields = json.loads(event.text)
    except ValueError:
        return False
    return all(_matches_one(fields, FILTER_FIELDS[name], value) for name, value in filters)


def _matches_one(fields: Any, path: tuple[str, ...], expression: str) -> bool:
    for step in path:
        fields = fields.get(step) if isinstance(fields, dict) else None
    values = fields if isinstance(fields, list) else [fields]
    wanted = {part.strip().strip('"').casefold() for part in expression.split(" OR ")}
    return any(isinstance(value, str) and value.casefold() in wanted for value in values)
