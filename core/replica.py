"""Reading from a replica of the database (DATABASE_URL_READ), where a reader may see what is a moment old.

`from_replica` does the reading of searches, exports and reports. It uses the replica only if that shows everything that
was committed until a moment: for a page the last change of the person who looks, for a report when it was asked for.
Otherwise, and when the replica fails, the primary answers. Rights, the audit trail and all writes stay with that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = structlog.get_logger(__name__)

T = TypeVar("T")

REPLICA = "replica"
# What the replica may answer: what was sent and what happened to it. Who may see it is read from the primary.
APPS = {"messenger_logs", "mailgun_sync", "dispatch"}
WROTE = "wrote"
"""The cookie with the time of a person's last change."""

_SAFE = {"GET", "HEAD", "OPTIONS"}
_SKEW = timedelta(seconds=2)  # by which the clocks of our hosts may differ
_REST_SECONDS = 30  # in which a replica that did not answer is left alone
# A replica that became a primary, or an address that leads to the primary, says false.
_SHOWS = """
SELECT pg_is_in_recovery() AND (pg_last_wal_replay_lsn() >= %s::pg_lsn OR pg_last_xact_replay_timestamp() >= %s)
"""
# The limits of the statement and of the lock struck. The primary would not be quicker.
_SLOW = {"57014", "55P03"}

_reading: ContextVar[str] = ContextVar("reading", default=DEFAULT_DB_ALIAS)
_rests_until = 0.0


class Router:
    """Django's question which database to use. It matters within `from_replica` alone."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _reading.get() if model._meta.app_label in APPS else DEFAULT_DB_ALIAS

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def read_connection() -> BaseDatabaseWrapper:
    """Return the connection for SQL that only reads the ledger or the events."""
    return connections[_reading.get()]


def from_replica(work: Callable[[], T], *, shows: datetime | None = None) -> T:
    """Do work that reads, with the replica if it shows everything until `shows`, else with the primary.

    Without `shows`, the replica may be REPLICA_LAG_SECONDS behind. The work may be done twice: if the replica fails in
    the middle of it, the primary does all of it.
    """
    if not _usable(shows or datetime.now(UTC) - timedelta(seconds=settings.REPLICA_LAG_SECONDS)):
        return work()
    try:
        with _replica():
            return work()
    except (OperationalError, InterfaceError, InternalError) as error:
        if getattr(error.__cause__, "pgcode", None) in _SLOW:
            raise
        _leave_alone(error)
    return work()


def shows_changes_of(request: HttpRequest) -> datetime | None:
    """Return until when the replica has to show everything to this person; None if any recent state will do."""
    wrote = request.COOKIES.get(WROTE, "")
    if not wrote:
        return None
    now = datetime.now(UTC)
    try:
        return max(datetime.fromtimestamp(float(wrote), UTC) + _SKEW, now - _lag())
    except (ValueError, OverflowError, OSError):
        return now + _SKEW


def note_change(response: HttpResponseBase) -> None:
    """Let the browser remember that the person has changed something, for as long as a replica may be behind."""
    response.set_cookie(
        WROTE,
        f"{time.time():.0f}",
        max_age=_lag() + _SKEW,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def note_search(request: HttpRequest) -> None:
    """Say that a request changes nothing but what is kept of a search, though it is a POST."""
    request.changes_nothing = True  # type: ignore[attr-defined]


def may_change(request: HttpRequest) -> bool:
    """Whether a request may have changed what others see."""
    return request.method not in _SAFE and not getattr(request, "changes_nothing", False)


class ReplicaState(Enum):
    USED = "used"
    BEHIND = "behind"
    """It shows too little, or follows the primary no more."""
    AWAY = "away"
    NONE = "none"


def replica_state() -> ReplicaState:
    """Ask the replica whether searches and reports may read there now."""
    if not has_replica():
        return ReplicaState.NONE
    if _usable(datetime.now(UTC) - _lag()):
        return ReplicaState.USED
    return ReplicaState.AWAY if time.monotonic() < _rests_until else ReplicaState.BEHIND


def has_replica() -> bool:
    return REPLICA in connections.databases


def _lag() -> timedelta:
    return timedelta(seconds=settings.REPLICA_LAG_SECONDS)


@contextmanager
def _replica() -> Iterator[None]:
    token = _reading.set(REPLICA)
    try:
        yield
    finally:
        _reading.reset(token)


def _usable(until: datetime) -> bool:
    """Whether the replica answers, and shows everything that was committed until then.

    It does if it has replayed all that the primary has written, or a transaction that was committed later. Its own view
    of its delay would not do: a replica that lost the primary believes that nothing happens there.
    """
    if not has_replica() or time.monotonic() < _rests_until or _reading.get() == REPLICA:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        written = cursor.fetchone()[0]
    try:
        with connections[REPLICA].cursor() as cursor:
            cursor.execute(_SHOWS, [written, until])
            return bool(cursor.fetchone()[0])
    except Error as error:
        _leave_alone(error)
        return False


def _leave_alone(error: Error) -> None:
    global _rests_until
    _rests_until = time.monotonic() + _REST_SECONDS
    connections[REPLICA].close()
    log.warning("replica.failed", error=type(error).__name__)
