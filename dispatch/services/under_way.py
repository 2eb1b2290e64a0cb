"""Hand-offs that are under way: one event loop carries them, and the thread of the worker alone has the database.

A request that is connected asks whether it may begin. The worker answers many of them together, while it holds the
lock of their message's row, and keeps the lock until the first byte of each has left. So no request begins after a
cancel has committed, and a cancel waits for nothing but these bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from dispatch.gateways import Answer, Gateway, HandOff, Item
from dispatch.models import Claim
from dispatch.services.claims import lock_running
from providers.many_requests import connections

# So long a permission to begin is valid. A request that comes to it later must not begin: the lock may be gone.
BEGIN_SECONDS = 0.5
# What happens within so many seconds is dealt with together: it needs one look at the database instead of many.
_TOGETHER_SECONDS = 0.01
# A request that has begun needs so long at most to write its first bytes; they fit into the buffer of the connection.
_WRITE_SECONDS = 5.0
# No worker leaves a request without an answer for longer.
_DECIDE_SECONDS = 300.0


class Ask:
    """A request that is connected and asks whether it may begin."""

    def __init__(self, message_id: int) -> None:
        self.message_id = message_id
        self.begins = False
        self._until = 0.0
        self._told: SimpleQueue[Ask] | None = None
        self._loop = asyncio.get_running_loop()
        self._decided = asyncio.Event()

    def decide(self, until: float, told: SimpleQueue[Ask] | None = None) -> None:
        """Permit it to begin before ``until`` (time.monotonic()); 0 forbids it. It says in ``told`` when it is over.

        The worker's thread calls it.
        """
        self._until, self._told = until, told
        self._loop.call_soon_threadsafe(self._decided.set)

    async def may_begin(self) -> bool:
        """Wait for the decision, in the loop of the request."""
        async with asyncio.timeout(_DECIDE_SECONDS):
            await self._decided.wait()
        self.begins = True  # before the look at the clock: the worker waits for each request that still has time
        if time.monotonic() < self._until:
            return True
        self.is_over()
        return False

    def is_over(self) -> None:
        """Say that the first byte has left, or that none will."""
        if self._told:
            self._told.put(self)


class Request:
    """A hand-off on its way, and then its answer or its error."""

    def __init__(self, claim: Claim, hand_off: HandOff) -> None:
        self.claim = claim
        self.items: Sequence[Item] = hand_off.items
        self.hand_off = hand_off
        self.started = self.began = time.monotonic()
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.asking: Ask | None = None

    async def carry(self, gateway: Gateway, hand_off: HandOff) -> None:
        """Hand over, and keep the answer or the error."""
        try:
            self.answer = await gateway.hand_off(hand_off)
        except BaseException as error:
            self.error = error


class UnderWay:
    """The hand-offs of one worker and one gateway that have no answer yet, or one that is not recorded."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loop = _Loop() if gateway.at_once else None
        self._events: SimpleQueue[Ask | Request] = SimpleQueue()
        self.open: set[Request] = set()
        self.asking: list[Ask] = []
        self.answered: list[Request] = []
        self._closed = False

    def __len__(self) -> int:
        return len(self.open) + len(self.answered)

    def start(self, claim: Claim, hand_offs: Sequence[HandOff]) -> None:
        """Begin hand-offs: in the loop, or in this thread if their gateway uses the database."""
        requests = [Request(claim, hand_off) for hand_off in hand_offs]
        if self._loop:
            self.open.update(requests)
            self._loop.start([self._carry(request) for request in requests])
            return
        for request in requests:
            _complete(request.carry(self._gateway, replace(request.hand_off, runs=partial(_runs, claim.message_id))))
            self.answered.append(request)

    def wait(self, seconds: float) -> None:
        """Wait until something happens, and note it with all that happens just after it."""
        try:
            self._note(self._events.get(timeout=max(0.0, seconds)))
            until = time.monotonic() + _TOGETHER_SECONDS
            while True:
                self._note(self._events.get(timeout=max(0.0, until - time.monotonic())))
        except Empty:
            pass

    def take_asking(self) -> dict[int, list[Ask]]:
        """Take the requests that ask whether they may begin, by message."""
        by_message: dict[int, list[Ask]] = {}
        for ask in self.asking:
            by_message.setdefault(ask.message_id, []).append(ask)
        self.asking = []
        return by_message

    def take_answered(self) -> list[Request]:
        """Take the hand-offs whose answer is to be recorded."""
        answered, self.answered = self.answered, []
        return answered

    def oldest(self) -> float | None:
        """Return when the oldest request without an answer began, by time.monotonic()."""
        return min((request.began for request in self.open), default=None)

    def has_older(self, moment: float) -> bool:
        """Whether a hand-off that was started before a moment has no answer yet."""
        return any(request.started < moment for request in self.open)

    def close(self) -> None:
        """End: nothing begins any more. What has begun goes on, and nobody waits for its answer."""
        self._closed = True  # before the last look at those that ask; the others see it
        self.wait(0)
        forbid(self.asking)
        if self._loop:
            self._loop.close()

    def _note(self, event: Ask | Request) -> None:
        if isinstance(event, Ask):
            self.asking.append(event)
        else:
            self.open.discard(event)
            self.answered.append(event)

    async def _carry(self, request: Request) -> None:
        async def runs() -> bool:
            request.asking = Ask(request.claim.message_id)
            self._events.put(request.asking)
            if self._closed:
                forbid([request.asking])
            may = await request.asking.may_begin()
            request.began = time.monotonic()
            return may

        def begun() -> None:
            if request.asking:
                request.asking.is_over()

        await request.carry(self._gateway, replace(request.hand_off, runs=runs, begun=begun))
        begun()  # where the gateway did not say so
        self._events.put(request)


class _Loop:
    """An event loop in a thread of its own. After `close` it ends with the last of its work."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        Thread(target=self._run, name="hand-over").start()

    def start(self, work: Sequence[Coroutine[Any, Any, None]]) -> None:
        self._loop.call_soon_threadsafe(self._start, work)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    def _start(self, work: Sequence[Coroutine[Any, Any, None]]) -> None:
        for each in work:
            task = self._loop.create_task(each)
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with connections():
            await self._over.wait()
            while self._work:
                await asyncio.wait(set(self._work))


async def _runs(message_id: int) -> bool:
    return lock_running(message_id)


def _complete(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing, without an event loop: Django lets none use the database."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("It waits for something.")


def let_begin(asks: Collection[Ask]) -> None:
    """Let requests begin, and wait until each has begun or cannot begin any more. The caller holds the row's lock."""
    told: SimpleQueue[Ask] = SimpleQueue()
    until = time.monotonic() + BEGIN_SECONDS
    for ask in asks:
        ask.decide(until, told)
    rest = _without_told(set(asks), told, until)
    # Those that do not begin yet will find their time over.
    _without_told({ask for ask in rest if ask.begins}, told, until + _WRITE_SECONDS)


def forbid(asks: Collection[Ask]) -> None:
    """Tell requests not to begin."""
    for ask in asks:
        ask.decide(0.0)


def _without_told(asks: set[Ask], told: SimpleQueue[Ask], until: float) -> set[Ask]:
    """Wait for these requests until a time. Returns those that told nothing."""
    while asks and (left := until - time.monotonic()) > 0:
        try:
            asks.discard(told.get(timeout=left))
        except Empty:
            break
    return asks
