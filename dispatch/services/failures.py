"""Why a mode stands still although a dispatcher runs: the last error that ended its work, for System Health.

The cache keeps it, because what fails is most often the database: a full disk, or no connection that is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache

from core.timeouts import words_for
from messenger_logs.choices import Mode

# As long as nothing of a mode may go out before System Health asks for the reason. Work that goes on shows nothing.
_KEPT_SECONDS = 60


@contextmanager
def noting_failures(*modes: Mode) -> Iterator[None]:
    """Keep the words for an error that ends the work of this context on these modes. The error goes on."""
    try:
        yield
    except SoftTimeLimitExceeded:
        raise  # The turn has paused the mode, and said why.
    except Exception as error:
        words = words_for(error)
        cache.set_many({_key(mode): words for mode in modes}, _KEPT_SECONDS)
        raise


def failure_of(mode: Mode) -> str:
    """Return the words for the error of the last minute; "" without one."""
    words: str = cache.get(_key(mode), "")
    return words


def _key(mode: Mode) -> str:
    return f"dispatch.failed.{mode.value}"
