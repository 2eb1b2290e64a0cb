"""One moment of the database, however long it is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from core.timeouts import statement_timeout


@contextmanager
def snapshot(*, seconds: float) -> Iterator[None]:
    """Read what was there at the first query, and nothing that came since: totals and rows of a report agree.

    Each statement may take so many seconds; raises StatementTimeout. Begun within a transaction, it is no more
    isolated than that one.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with statement_timeout(seconds):
            yield


# Room in memory to sort everybody of a large message; compiling takes longer than it saves. Of rows that just came the
# statistics know nothing: taken for a few, they would be joined each with each.
_FOR_MANY_ROWS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL enable_nestloop = off"


def stream(sql: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of a query through a cursor of the server: memory does not grow with their number.

    Within a transaction, which then goes on with settings for many rows.
    """
    plan_for_many_rows()
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(2_000):
            yield from rows


def plan_for_many_rows() -> None:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_FOR_MANY_ROWS)
