"""Small steps that keep nobody waiting: one short transaction each, with time limits, and a pause after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connection

from core.timeouts import retry_when_busy

# People in a transaction. On two slow processors it takes less than half a second.
PEOPLE = 500
ROWS = 2_000
# A step that meets a lock gives up after this time and is tried again; those who wait for it, wait no longer.
_LIMITS = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '30s'"
_LONGEST_PAUSE = 1.0

P = ParamSpec("P")
T = TypeVar("T")


class OutOfTime(Exception):
    """The time of this run is over. The next one goes on."""


class Steps:
    """Runs steps until a time, and pauses after each for as long as it took: half of the machine stays free."""

    def __init__(self, *, until: float | None = None, pause: bool = True) -> None:
        self.until = until
        self.pause = pause

    def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step, again if others held its locks. Raises OutOfTime before it, when the time is over."""
        begin = time.monotonic()
        if self.until is not None and begin >= self.until:
            raise OutOfTime
        result = retry_when_busy(partial(step, *args, **kwargs))
        if self.pause:
            time.sleep(min(time.monotonic() - begin, _LONGEST_PAUSE))
        return result


def limit_time() -> None:
    """Set the limits of a step, at the beginning of its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS)
