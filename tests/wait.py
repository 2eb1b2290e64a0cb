"""Waiting for what another thread, process or server does."""

import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# For a loaded machine. A test that passes does not wait for it; only one that fails does.
PATIENCE = 60.0


def wait_until(condition: Callable[[], T], *, seconds: float = PATIENCE, every: float = 0.01, what: str = "") -> T:
    """Ask until `condition` answers something true, and return that.

    Fails the test after so many `seconds`, with the words of `what`, or else with the source of the condition, and with
    the last answer.
    """
    __tracebackhide__ = True
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            aim = what or _source(condition)
            raise AssertionError(f"Waited {seconds:g} seconds in vain for: {aim} (last answer: {answer!r})")
        time.sleep(every)
    return answer


def _source(condition: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)
