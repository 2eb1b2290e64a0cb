"""The stores that hosts share: a primary, a replica of it, and a pooler in front of the primary."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psycopg2

from devtools.engines import find_postgres
from devtools.home import find_home, mark_of, private_folder
from devtools.processes import other_user, spawn, tail
from devtools.running import VAR
from devtools.servers import NAME, Postgres
from tests.hosts.pooler import Pooler
from tests.valkey import kill, short_folder
from tests.wait import wait_until

Kind = TypeVar("Kind", bound=Postgres)

_OF_A_PRIMARY = {"wal_level": "replica", "max_wal_senders": "5", "full_page_writes": "on", "max_connections": "200"}
_BOUNCER = """
[databases]
{name} = host={sockets} port=5432 dbname={name} user={name}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 5432
auth_type = any
pool_mode = transaction
default_pool_size = 40
ignore_startup_parameters = options
"""


class Primary(Postgres):
    name = "primary"

    def _command(self) -> list[str | Path]:
        return [*super()._command(), *(f"--{name}={value}" for name, value in _OF_A_PRIMARY.items())]


class Replica(Primary):
    name = "replica"

    def follow(self, primary: Primary) -> None:
        """Copy the primary while it runs, and follow it from then on."""
        command = [find_postgres(self.home.wheels) / "pg_basebackup", "--pgdata", self.data, "--write-recovery-conf"]
        command += ["--host", primary.sockets, "--port=5432", f"--username={NAME}", "--checkpoint=fast"]
        copied = subprocess.run(command, capture_output=True, text=True, **other_user(self.home.account))
        assert copied.returncode == 0, copied.stderr
        self.process = self._spawn(self._command())

    def has(self, primary: Primary) -> bool:
        """Whether it has replayed all that the primary has written."""
        written = ask(primary, "SELECT pg_current_wal_flush_lsn()::text")
        return bool(ask(self, f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"))


def run(server: Postgres, sql: str) -> list[tuple[Any, ...]]:
    """Run a statement outside of a transaction. Returns its rows."""
    with closing(psycopg2.connect(host=str(server.sockets), user=NAME, dbname=NAME)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def ask(server: Postgres, sql: str) -> Any:
    [[value]] = run(server, sql)
    return value


@contextmanager
def primary_server() -> Iterator[Primary]:
    with server_of(Primary) as primary:
        primary.start()
        try:
            primary.wait()
            yield primary
        finally:
            primary.stop()


@contextmanager
def replica_of(primary: Primary) -> Iterator[Replica]:
    with server_of(Replica) as replica:
        shutil.rmtree(replica.data, ignore_errors=True)
        replica.follow(primary)
        try:
            wait_until(replica._is_ready)
            yield replica
        finally:
            print(tail(replica.log))  # where the test failed, pytest shows it
            replica.stop()


@contextmanager
def server_of(kind: type[Kind]) -> Iterator[Kind]:
    """Yield a server that was not started yet, with folders of its own."""
    home = find_home(VAR)
    state = private_folder(home.folder / f"hosts-{kind.name}", home.account)
    sockets = private_folder(Path("/tmp", mark_of(state)), home.account)
    logs = VAR / "log"
    yield kind(home, state, sockets, logs, lasting=False)
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(sockets, ignore_errors=True)


@contextmanager
def pooled(primary: Primary) -> Iterator[str]:
    """Yield the address of the primary behind PgBouncer in transaction mode, or behind ours where that is missing."""
    with short_folder() as folder:
        program = shutil.which("pgbouncer")
        if program is None:
            pooler = Pooler(primary.sockets, folder, user=NAME, database=NAME)
            print("There is no pgbouncer here, so the pooler of the tests took its place.")
            yield pooler.url
            pooler.close()
            return
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(_BOUNCER.format(name=NAME, sockets=primary.sockets, folder=folder))
        if primary.home.account:
            folder.chmod(0o755)
            shutil.chown(folder, primary.home.account.pw_uid)
        process = spawn([program, configuration], log=folder / "pgbouncer.log", account=primary.home.account)
        try:
            wait_until((folder / ".s.PGSQL.5432").exists)
            yield f"postgres://{NAME}@/{quote(str(folder), safe='')}/{NAME}"
        finally:
            kill(process)
