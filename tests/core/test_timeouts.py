import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from core.timeouts import AWAY, BUSY, FULL, StatementTimeout, statement_timeout, why_unavailable


class FromTheServer(Exception):
    def __init__(self, pgcode: str | None) -> None:
        super().__init__()
        self.pgcode = pgcode


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("57014", BUSY),  # statement_timeout
        ("55P03", BUSY),  # lock_timeout
        ("25P03", BUSY),  # idle_in_transaction_session_timeout
        ("40P01", BUSY),  # deadlock
        ("53100", FULL),  # disk full
        ("53300", AWAY),  # too many connections
        ("57P01", AWAY),  # shut down by an administrator
        ("57P03", AWAY),  # starting up
        (None, AWAY),  # connection refused
    ],
)
def test_a_fault_of_the_database_has_a_sentence(code: str | None, reason: str) -> None:
    error = OperationalError()
    error.__cause__ = FromTheServer(code)

    assert why_unavailable(error) == reason


def test_a_lost_connection_and_a_limit_that_nobody_caught_have_one_too() -> None:
    assert why_unavailable(InterfaceError("connection already closed")) == AWAY
    assert why_unavailable(StatementTimeout()) == BUSY


@pytest.mark.parametrize("error", [None, ValueError(), ProgrammingError("a fault in our SQL")])
def test_other_errors_have_none(error: Exception | None) -> None:
    assert why_unavailable(error) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql", ["SELECT pg_sleep(60)", "SET LOCAL lock_timeout = '10ms'; SELECT pg_advisory_xact_lock(8154)"]
)
def test_a_slow_statement_and_a_slow_lock_are_the_same_to_a_caller(sql: str) -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(8154)")
    try:
        with pytest.raises(StatementTimeout), statement_timeout(0.1), connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        other.close()
