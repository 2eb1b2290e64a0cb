"""A time limit for statements, so that no page keeps the database busy for long."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

QUERY_CANCELED = "57014"


class StatementTimeout(Exception):
    pass


@contextmanager
def statement_timeout(seconds: float) -> Iterator[None]:
    """Run a transaction in which each statement may take `seconds`. Raises StatementTimeout if one takes longer."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == QUERY_CANCELED:
            raise StatementTimeout from error
        raise
