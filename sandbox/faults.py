"""Things that go wrong on demand."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.clock import Clock
from sandbox.exchange import Request, Response


class Kind(StrEnum):
    """What a fault does to the request it strikes."""

    STATUS = "status"  # an error answer with this status
    RATE_LIMIT = "rate-limit"  # 429 with the headers that say when to come again
    DELAY = "delay"  # the right answer after so many seconds
    HOLD = "hold"  # the right answer when it is released
    CUT = "cut"  # the connection ends in the middle of the body
    LOST = "lost"  # the connection ends without an answer
    TWICE = "twice"  # the right answer; but what comes of it is told twice: events, call flow, receipts
    HALF = "half"  # a complete answer with half of the JSON in it
    HTML = "html"  # a web page with status 200
    ITEMS = "items"  # a page whose `items` is this value instead of a list
    POISON = "poison"  # a page with this text as one more event in its middle
    SHORT = "short"  # a page with so many events at most, though more follow
    FOREIGN_NEXT = "foreign-next"  # a page whose `next` is on another host
    REPEATED_NEXT = "repeated-next"  # a page whose `next` is the page itself


@dataclass
class Fault:
    """One kind of failure, and which requests it strikes: those that match, after `skip` of them, `times` in all."""

    kind: Kind
    times: int | None = 1
    """None: every one until the faults are cleared."""
    skip: int = 0
    page: int | None = None
    """Only this page of each traversal, counted from 1."""
    domain: str | None = None
    path: str | None = None
    """Only requests with this text in path or query."""

    status: int = 500
    reset_ms: int = 1000
    """429: how far ahead the limit resets, in milliseconds."""
    retry_after: int | None = None
    """429: the `Retry-After` header in seconds; none by default."""
    seconds: float = 0.0
    """Delay, and the longest time a request is held (0: no end)."""
    accepted: bool = False
    """Status, rate limit, lost: what was asked for is done all the same."""
    mid_body: bool = False
    """Hold: after half of the answer has been sent, instead of before it."""
    size: int = 1
    text: str | bytes = "{"
    value: Any = None
    host: str = "http://events.elsewhere.example"

    released: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    held: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
    """Set as soon as a request is being held."""

    def applies_to(self, request: Request) -> bool:
        """Whether this request is one for it; uses up one of its `skip` or `times` if so."""
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
        """Let the request wait as a delay or a hold says."""
        if self.kind is Kind.DELAY:
            threading.Event().wait(self.seconds)
        elif self.kind is Kind.HOLD:
            self.held.set()
            self.released.wait(self.seconds or None)

    def refuse(self, now: float) -> Response | None:
        """The answer given in place of the right one, if it is such a fault. `now` in epoch seconds."""
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
    """The faults that are set. A request is struck by one of them at most: the first that matches."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def next_for(self, request: Request) -> Fault | None:
        with self._lock:
            return next((fault for fault in self._faults if fault.applies_to(request)), None)

    @property
    def held(self) -> int:
        """How many of the holds that are set are holding a request."""
        with self._lock:
            return sum(fault.held.is_set() for fault in self._faults)

    def release(self) -> None:
        """Let every held request go on, and hold no more."""
        with self._lock:
            held = [fault for fault in self._faults if fault.kind is Kind.HOLD]
            self._faults = [fault for fault in self._faults if fault.kind is not Kind.HOLD]
        for fault in held:
            fault.released.set()

    def clear(self) -> None:
        """Forget all faults; what is held goes on."""
        self.release()
        with self._lock:
            self._faults.clear()


class RateLimit:
    """So many calls in each window of so many seconds; the windows follow the provider's clock."""

    def __init__(self, clock: Clock, calls: int, seconds: float) -> None:
        self._clock = clock
        self._calls = calls
        self._seconds = seconds
        self._window = 0
        self._used = 0
        self._lock = threading.Lock()

    def count(self) -> tuple[bool, dict[str, str]]:
        """Count one call: whether it is within the limit, and the headers that tell how things stand."""
        with self._lock:
            window = int(self._clock.now() // self._seconds)
            if window != self._window:
                self._window, self._used = window, 0
            self._used += 1
            remaining = self._calls - self._used
        headers = rate_limit_headers(limit=self._calls, remaining=max(0, remaining), reset=(window + 1) * self._seconds)
        return remaining >= 0, headers


def rate_limit_headers(*, limit: int, remaining: int, reset: float) -> dict[str, str]:
    """`reset` in epoch seconds; the header tells it in milliseconds, as the provider does."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(reset * 1000)),
    }
