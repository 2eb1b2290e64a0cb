"""Whether this process can do its work: each store that it needs is asked, with a short limit of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock, Thread

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from core.files import files
from core.timeouts import why_unavailable

SECONDS = 2.0
WORKS = "works"
LATE = f"does not answer within {SECONDS:g} seconds"


@dataclass(frozen=True)
class Finding:
    """What a check found. The words name no host and no error text: anybody may read them."""

    name: str
    works: bool
    words: str


class Check:
    """A check in a thread of its own: it may wait for long, and the caller still gets an answer in time.

    Only one thread at a time does it, so checks of a store that does not answer do not pile up.
    """

    def __init__(self, name: str, check: Callable[[], str]) -> None:
        self.name, self._check = name, check
        self._lock, self._words = Lock(), ""
        self._thread: Thread | None = None
        self._began = 0.0

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._began = time.monotonic()
                self._thread = Thread(target=self._run, name=f"check of {self.name}", daemon=True)
                self._thread.start()

    def finding(self, *, seconds: float) -> Finding:
        """Wait so many seconds for what the check finds."""
        assert self._thread
        self._thread.join(seconds)
        words = LATE if self._thread.is_alive() else self._words
        return Finding(self.name, words == WORKS, words)

    def ask(self) -> Finding:
        """Check it. While a check hangs that others began, only the first of them waits for SECONDS."""
        self.start()
        return self.finding(seconds=max(0.0, self._began + SECONDS - time.monotonic()))

    def _run(self) -> None:
        try:
            self._words = self._check()
        except (DatabaseError, RedisError, OperationalError) as error:
            self._words = why_unavailable(error).rstrip(".") or f"does not answer ({type(error).__name__})"
        except Exception as error:
            self._words = f"failed ({type(error).__name__})"
        finally:
            connection.close()


def findings() -> list[Finding]:
    """Ask everything at the same time. It takes SECONDS at most."""
    deadline = time.monotonic() + SECONDS
    for check in _CHECKS:
        check.start()
    return [check.finding(seconds=max(0.0, deadline - time.monotonic())) for check in _CHECKS]


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return WORKS


def _migrations() -> str:
    missing = _last_migrations() - set(MigrationRecorder(connection).applied_migrations())
    return f"not applied in {', '.join(sorted(app for app, _ in missing))}" if missing else WORKS


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app, as the code has them."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _cache() -> str:
    # A Valkey that is full answers, and stores nothing.
    with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as client:
        client.set("readyz", 1, ex=10)
    return WORKS


def _broker() -> str:
    with current_app.connection_for_write() as broker:
        broker.connect()
    return WORKS


def _files() -> str:
    files().check()
    return WORKS


# Pages and messages do not need it, so it is not among those that say whether this process is ready.
FILES = Check("files", _files)
_CHECKS = (
    Check("database", _database),
    Check("migrations", _migrations),
    Check("cache", _cache),
    Check("broker", _broker),
)
