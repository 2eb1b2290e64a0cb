"""The clock of the host may be put forward or back while the product runs. Nothing may wait for days because of it."""

import threading
import time
from datetime import datetime, timedelta

from django.db.models import DateTimeField, Func, Q
from django.db.models.expressions import Combinable

# Smaller differences come from clocks that are kept in step little by little.
_SMALL = 5.0  # seconds
_BETWEEN_HOSTS = timedelta(minutes=5)

DATABASE_NOW = Func(function="clock_timestamp", output_field=DateTimeField())
"""The time by the clock of the database, which is one for all hosts."""

_lock = threading.Lock()
_steady = time.time() - time.monotonic()
_stepped_at: float | None = None


def has_come(field: str, now: datetime | Combinable, *, at_most: timedelta) -> Q:
    """Return the condition that a stored time has come.

    ``now`` is a time of this host, or DATABASE_NOW where the stored time is one of the database.

    It also holds for a time further ahead than `at_most`, which is as far as we set it: the clock was wrong then.
    """
    return Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + at_most + _BETWEEN_HOSTS})


def stepped_within(seconds: float) -> bool:
    """Whether this process noticed in the last `seconds` that the clock was put, forward or back.

    Then a time that was stored before says nothing about how long ago that was.
    """
    global _steady, _stepped_at
    with _lock:
        steady = time.time() - time.monotonic()
        if abs(steady - _steady) > _SMALL:
            _stepped_at = time.monotonic()
        _steady = steady
        return _stepped_at is not None and time.monotonic() - _stepped_at < seconds
