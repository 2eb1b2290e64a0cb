"""Heartbeats: a process in the background says every few seconds that it runs, as long as it does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Event, Thread

import structlog
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from health.models import Heartbeat

BEAT = "beat"
EVERY = 10.0  # seconds
log = structlog.get_logger(__name__)


def queue_part(queue: str) -> str:
    """Return the name of the part that works on a queue."""
    return f"queue {queue}"


def record_heartbeats(parts: Iterable[str]) -> None:
    """Write down that these parts run now. In one order, so that two workers do not wait for each other."""
    beats = [Heartbeat(part=part, beaten_at=Now()) for part in sorted(parts)]
    Heartbeat.objects.bulk_create(beats, update_conflicts=True, unique_fields=["part"], update_fields=["beaten_at"])


class Pulse(Thread):
    """Writes the heartbeats of a process while its main loop goes round.

    A thread, so that a database that does not answer never holds up the loop. It keeps no connection: the pool of a
    worker makes children of this process.
    """

    def __init__(self, *, every: float = EVERY) -> None:
        super().__init__(name="heartbeats", daemon=True)
        self._every, self._over, self._parts = every, Event(), set[str]()
        self.go_round()

    def go_round(self) -> None:
        """Say that the main loop went round. It says so at least every ten seconds."""
        self._round_at = time.monotonic()

    def beat_for(self, parts: Iterable[str]) -> None:
        """Begin to write heartbeats of these parts."""
        self._parts |= set(parts)
        if not self.is_alive() and not self._over.is_set():
            self.start()

    def end(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            if time.monotonic() - self._round_at < 1.5 * EVERY:
                self._write()
            self._over.wait(self._every)

    def _write(self) -> None:
        try:
            record_heartbeats(self._parts)
        except DatabaseError as error:
            log.warning("heartbeat.not_written", error=type(error).__name__)
        finally:
            connection.close()
