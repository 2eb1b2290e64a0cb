"""Actions that the provider takes at a set time: it rings, it calls back, it reports."""

import heapq
import sys
import threading
import traceback
from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.clock import Clock

Action = Callable[..., None]


class Agenda:
    """Runs actions at their time by the provider's clock, in a few threads of its own, until it is stopped."""

    def __init__(self, clock: Clock, *, threads: int = 8) -> None:
        self._clock = clock
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._entries: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._started = self._stopped = False

    def at(self, moment: float, action: Action, *arguments: Any) -> None:
        """Run the action at this moment (epoch seconds), or at once if the moment is past."""
        with self._changed:
            if self._stopped:
                return
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
            heapq.heappush(self._entries, (moment, next(self._numbers), action, arguments))
            self._changed.notify()

    def stop(self, *, wait: float = 0) -> None:
        """Start no more actions. Running actions continue; `wait` says how many seconds to wait for each thread."""
        with self._changed:
            self._stopped = True
            self._entries.clear()
            self._changed.notify_all()
            threads = self._threads if self._started and wait else []
        for thread in threads:
            thread.join(wait)

    def __len__(self) -> int:
        return len(self._entries)

    def _work(self) -> None:
        while entry := self._next():
            _, _, action, arguments = entry
            try:
                action(*arguments)
            except Exception:
                # One action that fails must not stop the others.
                traceback.print_exc(file=sys.stderr)

    def _next(self) -> tuple[float, int, Action, tuple[Any, ...]] | None:
        with self._changed:
            while not self._stopped:
                wait = self._entries[0][0] - self._clock.now() if self._entries else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._entries)
                # A short wait, because a test may move the clock.
                self._changed.wait(None if wait is None else min(wait, 0.05))
        return None
