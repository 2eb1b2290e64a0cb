"""What tells an administrator that a part is away: /readyz and the troubles of System Health."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests
from django.db import connection
from django.utils import timezone

from chaos.plan import How
from chaos.site import Site
from health.troubles import own_troubles

WITHIN = 60.0
"""Seconds after which it must be said that a part is away, and after which it must not be said any more."""
_EVERY = 2.0
_STORES = frozenset({"web", "postgres", "valkey"})
_SAYS_SO = {"beat": "health.beat", "worker": "health.worker.", "dispatcher": "health.worker."}


@dataclass(frozen=True)
class Sample:
    """What was said at a moment (epoch seconds)."""

    at: float
    status: int
    """Of /readyz; 0 without an answer."""
    keys: frozenset[str]
    """Of the troubles; "unreadable" where the stores do not let anybody read them."""

    @property
    def works(self) -> bool:
        return self.status == 200 and not self.keys

    def tells(self, part: str, how: How) -> bool:
        if how is How.FILL:
            # Who has a connection goes on; the others are silent.
            return not self.works
        if part in _STORES:
            return self.status != 200
        return self.status != 200 or any(key.startswith(_SAYS_SO[part]) for key in self.keys)


class Watch:
    """Asks every two seconds in a thread of its own, until it is stopped."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def works(self) -> bool:
        """Whether the newest of what was said is that everything works."""
        return bool(self.samples) and self.samples[-1].works

    def violations(self) -> Iterator[str]:
        """Say which part was away for WITHIN seconds or longer, and nobody was told in time."""
        for part, how, since, until in self.site.away:
            if until - since < WITHIN - _EVERY or part not in (*_STORES, *_SAYS_SO):
                continue
            meanwhile = [sample for sample in self.samples if since <= sample.at <= min(until, since + WITHIN)]
            if not any(sample.tells(part, how) for sample in meanwhile):
                yield f"health: {part} {how.value} for {until - since:.0f} s, and nothing said so within {WITHIN:.0f} s"

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            at = time.time()
            self.samples.append(Sample(at, _readyz(self.site.url), _keys()))
        connection.close()


def _readyz(url: str) -> int:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code
    except requests.RequestException:
        return 0


def _keys() -> frozenset[str]:
    try:
        return frozenset(trouble.key for trouble in own_troubles(timezone.now()))
    except Exception:
        # Whatever is away, an administrator cannot read them then, and /readyz says so.
        connection.close()
        return frozenset({"unreadable"})
