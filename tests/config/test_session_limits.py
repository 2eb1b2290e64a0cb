"""The limits of a session hold in a real process: PostgreSQL ends what takes too long, and others get the lock."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from core.timeouts import AWAY, BUSY
from tests.dispatch.conftest import database_url
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Takes a lock, says so, does its work, says what PostgreSQL answered, and works once more.
PROGRAM = """
import sys
import django
django.setup()
from django.db import Error, connection, transaction
from core.timeouts import why_unavailable

try:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE core_lease; SELECT pg_backend_pid()")
        print(cursor.fetchone()[0], flush=True)
        sys.stdin.readline()
        cursor.execute("SELECT pg_sleep(600)")
except Error as error:
    print(why_unavailable(error), flush=True)
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    print(cursor.fetchone()[0], flush=True)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    processes = []

    def start(**limits: str) -> "subprocess.Popen[str]":
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                cwd=settings.BASE_DIR,
                env=os.environ | {"DATABASE_URL": database_url()} | limits,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def work(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def is_free(table: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} NOWAIT")
    except OperationalError:
        return False
    return True


def is_connected(session: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [int(session)])
        return bool(cursor.rowcount)


def test_a_transaction_in_which_nothing_happens_loses_its_session_and_its_locks(start: Start) -> None:
    process = start(IDLE_TRANSACTION_SECONDS="1")
    session = said(process)

    wait_until(lambda: is_free("core_lease"))

    assert process.poll() is None, "the process lives, and waits"
    wait_until(lambda: not is_connected(session))
    work(process)
    assert said(process) in (str(BUSY), str(AWAY)), "the answer may be lost with the session"
    assert said(process) not in ("", session), "it goes on with a session of its own"
    assert process.wait(PATIENCE) == 0


def test_a_statement_that_takes_too_long_ends_with_its_transaction(start: Start) -> None:
    process = start(STATEMENT_SECONDS="1")
    session = said(process)
    assert not is_free("core_lease")

    work(process)

    assert said(process) == str(BUSY)
    assert said(process) == session, "the session is as good as before"
    assert process.wait(PATIENCE) == 0
    assert is_free("core_lease")
