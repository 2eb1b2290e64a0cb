"""Failures on demand."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.clock import Clock
from sandbox.exchange import Request, Response


class Kind(StrEnum):
    """What a fault does to a request."""

    STATUS = "status"  # an error answer with this status
    RATE_LIMIT = "rate-limit"  # 429 with the headers that say when to retry
    DELAY = "delay"  # the right answer after so many seconds
    HOLD = "hold"  # the right answer after the test releases it
    CUT = "cut"  # the connection ends in the middle of the body
    LOST = "lost"  # the connection ends without an answer
    TWICE = "twice"  # the right answer; its events, call flow and receipts come twice
    HALF = "half"  # a complete answer with half of the JSON in it
    HTML = "html"  # a web page with status 200
    ITEMS = "items"  # a page whose `items` is this value instead of a list
    POISON = "poison"  # a page with this text as one more event in its middle
    SHORT = "short"  # a page with so many events at most, though more follow
    FOREIGN_NEXT = "foreign-next"  # a page whose `next` is on another host
    REPEATED_NEXT = "repeated-next"  # a page whose `next` is the page itself
    LOOP = "loop"  # a page whose `next` is a new address of the same page
    DRIP = "drip"  # the right answer, one byte at a time
    DRIP_HEAD = "drip-head"  # a head that goes on, one line at a time
    BROKEN_RECORD = "broken-record"  # a domain of which this DNS record is not valid
    LARGE = "large"  # the right answer, with so many megabytes of white space in its JSON
    ENDLESS = "endless"  # an answer that goes on at full speed until the client closes the connection


@dataclass
class Fault:
    """One failure and its requests: those that match, after the first `skip` of them, `times` in all."""

    kind: Kind
    times: int | None = 1
    """None: all requests until the faults are cleared."""
    skip: int = 0
    page: int | None = None
    """Only this page of each traversal, from 1."""
    domain: str | None = None
    path: str | None = None
    """Only requests with this text in path or query."""

    status: int = 500
    reset_ms: int = 1000
    """429: milliseconds until the limit resets."""
    retry_after: int | None = None
    """429: the `Retry-After` header in seconds; None: no header."""
    seconds: float = 0.0
    """Delay: its length. Hold: its longest time (0: no limit). Drip: the pause after each byte or line."""
    accepted: bool = False
    """Status, rate limit, lost: the provider accepts the request nevertheless."""
    mid_body: bool = False
    """Hold: after half of the answer, instead of before it."""
    megabytes: int = 200
    size: int = 1
    record: str = "SPF"
    """Broken record: SPF, DKIM, CNAME or MX."""
    text: str | bytes = "{"
    value: Any = None
    host: str = "http://events.elsewhere.example"

    released: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    held: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    """Set when the server holds a request."""

    def applies_to(self, request: Request) -> bool:
        """Whether the fault applies to this request. A match uses up one of `skip` or `times`."""
        if self.times == 0:
            return False
        if self.page is not None and self.page != request.page:
            return False
        if self.domain is not None and self.domain != request.domain:
            return False
        if self.path is not None and self.path not in f"{request.path}?{request.query}":
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def wait(self) -> None:
        """Wait as long as a delay or a hold says."""
        if self.kind is Kind.DELAY:
            threading.Event().wait(self.seconds)
        elif self.kind is Kind.HOLD:
            self.held.set()
            self.released.wait(self.seconds or None)

    def refuse(self, now: float) -> Response | None:
        """Return the answer that replaces the right one; None if the fault leaves it. `now` is in epoch seconds."""
        if self.kind is Kind.LOST:
            return Response.refuse(0, "Nobody hears this")
        if self.kind is Kind.STATUS:
            return Response.refuse(self.status, f"Status {self.status} was asked for")
        if self.kind is Kind.HTML:
            return Response(200, b"<!doctype html><title>Welcome</title><p>Nothing to see here.", "text/html")
        if self.kind is Kind.RATE_LIMIT:
            headers = rate_limit_headers(limit=300, remaining=0, reset=now + self.reset_ms / 1000)
            if self.retry_after is not None:
                headers["Retry-After"] = str(self.retry_after)
            return Response.refuse(429, "Too many requests", headers)
        return None


class Faults:
    """The faults that a test has set. At most one applies to a request: the first that matches."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Set a fault, and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def next_for(self, request: Request) -> Fault | None:
        """Return the fault that applies to a request, and count it; None without one."""
        with self._lock:
            return next((fault for fault in self._faults if fault.applies_to(request)), None)

    @property
    def held(self) -> int:
        """The number of holds that hold a request now."""
        with self._lock:
            return sum(fault.held.is_set() for fault in self._faults)

    def release(self) -> None:
        """Release every held request, and remove the holds."""
        with self._lock:
            held = [fault for fault in self._faults if fault.kind is Kind.HOLD]
            self._faults = [fault for fault in self._faults if fault.kind is not Kind.HOLD]
        for fault in held:
            fault.released.set()

    def clear(self) -> None:
        """Remove all faults, and release every held request."""
        self.release()
        with self._lock:
            self._faults.clear()


class RateLimit:
    """Allows `calls` requests in each window of `seconds`; the windows follow the provider's clock."""

    def __init__(self, clock: Clock, calls: int, seconds: float) -> None:
        self._clock = clock
        self._calls = calls
        self._seconds = seconds
        self._window = 0
        self._used = 0
        self._lock = threading.Lock()

    def count(self) -> tuple[bool, dict[str, str]]:
        """Count one request. Returns whether it is within the limit, and the headers of the rate limit."""
        with self._lock:
            window = int(self._clock.now() // self._seconds)
            if window != self._window:
                self._window, self._used = window, 0
            self._used += 1
            remaining = self._calls - self._used
        headers = rate_limit_headers(limit=self._calls, remaining=max(0, remaining), reset=(window + 1) * self._seconds)
        return remaining >= 0, headers


def rate_limit_headers(*, limit: int, remaining: int, reset: float) -> dict[str, str]:
    """Return the headers of a rate limit. `reset` is in epoch seconds; the header has milliseconds."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(reset * 1000)),
    }
