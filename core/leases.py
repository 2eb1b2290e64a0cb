"""Leases: the right to do a work that only a few processes may do at the same time.

A lease is a row and no lock of the database session, so it also holds behind a pooler that gives each transaction
another session. While the work goes on, a thread renews it. If the process dies, the lease ends LEASE_SECONDS later.

A process that stood still for so long goes on with its work when another one has begun it. So what must not happen
twice has to ask in its transaction whether it is still its turn, such as by the row of its run, and raises TakenOver.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import Error, connection

from core.models import Lease

log = structlog.get_logger(__name__)

_RENEWALS = 3
"""How often a lease is renewed in its time."""

_TABLE = Lease._meta.db_table
_END = "clock_timestamp() + make_interval(secs => %(lasts)s)"
# A time that is too far away was written before the clock of the database was set back.
_IN_FORCE = f"{{}}.until BETWEEN clock_timestamp() AND {_END}"
_TAKE = f"""
INSERT INTO {_TABLE} AS known (name, number, holder, until)
SELECT %(name)s, free, %(holder)s, {_END}
FROM generate_series(0, %(slots)s - 1) AS free
WHERE NOT EXISTS (
    SELECT FROM {_TABLE} AS taken
    WHERE taken.name = %(name)s AND taken.number = free AND {_IN_FORCE.format("taken")})
ORDER BY free LIMIT 1
ON CONFLICT (name, number) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE NOT ({_IN_FORCE.format("known")})
RETURNING number
"""  # noqa: S608  (names only)
_RENEW = f"UPDATE {_TABLE} SET until = {_END} WHERE holder = %(holder)s AND name = %(name)s"  # noqa: S608


class TakenOver(Exception):
    """Another process has begun this work, because this one stood still."""


@contextmanager
def lease(name: str, slots: int = 1) -> Iterator[bool]:
    """Hold one of the leases of a work during the context. The value is False when all are taken; nobody waits.

    Use it outside of a transaction: others wait for an open one that has taken or freed a lease.
    """
    holder = _take(name, slots)
    if holder is None:
        yield False
        return
    over = Event()
    keeper = Thread(target=_keep, args=(name, holder, over), name=f"lease {name}", daemon=True)
    keeper.start()
    try:
        yield True
    finally:
        over.set()
        keeper.join()
        _free(name, holder)


def end_leases(name: str) -> bool:
    """End the leases of a work whose process hangs. Returns False if there is none."""
    return bool(Lease.objects.filter(name=name).delete()[0])


def _take(name: str, slots: int) -> UUID | None:
    """Take a lease that is free. One that another process takes at the same moment costs one more look."""
    holder = uuid4()
    for _ in range(slots):
        if _execute(_TAKE, name, holder, slots=slots):
            return holder
    return None


def _keep(name: str, holder: UUID, over: Event) -> None:
    """Renew a lease, by a database connection of this thread, until the work is over or the lease is lost."""
    try:
        while not over.wait(settings.LEASE_SECONDS / _RENEWALS):
            try:
                if not _execute(_RENEW, name, holder):
                    log.warning("lease.lost", work=name)
                    return
            except Error:
                # The database may be away for a moment. The lease stays ours until another process takes it.
                log.warning("lease.not_renewed", work=name)
                connection.close()
    finally:
        connection.close()


def _free(name: str, holder: UUID) -> None:
    try:
        Lease.objects.filter(name=name, holder=holder).delete()
    except Error:
        log.warning("lease.not_freed", work=name)  # It ends without help.


def _execute(sql: str, name: str, holder: UUID, **values: Any) -> int:
    """Return the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"name": name, "holder": str(holder), "lasts": settings.LEASE_SECONDS, **values})
        return int(cursor.rowcount)
