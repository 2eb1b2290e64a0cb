"""Reads one snapshot of the database, for any length of time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from core.replica import read_connection
from core.timeouts import statement_timeout


@contextmanager
def snapshot(*, seconds: float) -> Iterator[None]:
    """Read the data as of the first query, so that the totals and rows of a report agree.

    Raises StatementTimeout if a statement takes more than `seconds`. Inside another transaction, it has only the
    isolation of that transaction.
    """
    connection = read_connection()
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with statement_timeout(seconds):
            yield


# Memory to sort all recipients of a large message; no JIT, since compiling takes longer than it saves; no nested loops,
# since the statistics do not know new rows yet: PostgreSQL would take them for a few, and join each with each.
_FOR_MANY_ROWS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL enable_nestloop = off"


def stream(sql: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a query through a server-side cursor, so that memory does not grow with their number.

    It needs a transaction, which keeps the settings for many rows afterwards.
    """
    plan_for_many_rows()
    with read_connection().chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(2_000):
            yield from rows


def plan_for_many_rows() -> None:
    """Use settings for many rows, until the end of the transaction."""
    with read_connection().cursor() as cursor:
        cursor.execute(_FOR_MANY_ROWS)
