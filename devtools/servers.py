"""Starts and ends a PostgreSQL and a Valkey that only their owner can reach."""

import os
import shutil
import signal
import socket
import time
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import psycopg2

from .engines import find_postgres, find_valkey, postgres_version
from .home import Home, mark_of, private_folder
from .processes import Process, SetupError, Supervised, end_leftovers, spawn, stop, tail, wait_until

NAME = "messenger_logs"  # the name of the database and of its owner
RUNNING_ROLE = "messenger_logs_app"  # runs the product and owns nothing; `manage.py migrate` makes it
_ANSWER_SECONDS = 5
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
}
_POSTGRES_NOT_LASTING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # It would hold locks that a test waits for, and choose other plans, whenever it happens to run.
    "autovacuum": "off",
}


@dataclass
class Server(Supervised):
    """A server program that works in the folder `state`. If it is not `lasting`, it starts empty, and is faster."""

    home: Home
    state: Path
    sockets: Path
    logs: Path
    lasting: bool
    process: Process = field(init=False)
    started: float = field(init=False)

    name = "server"
    ends_on = signal.SIGTERM
    orphan_ends_on = signal.SIGKILL

    @property
    def data(self) -> Path:
        return self.state / self.name

    @property
    def log(self) -> Path:  # type: ignore[override]
        return self.logs / f"{self.name}.log"

    @property
    def mark(self) -> str:
        return mark_of(self.state)

    @property
    def url(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        """End what an earlier run left behind, then start the server. The caller holds the lock."""
        command = self._command()
        end_leftovers(Path(command[0]).name, self.mark)
        if not self.lasting:
            shutil.rmtree(self.data, ignore_errors=True)
        self._prepare()
        self.process = self._spawn(command)
        self.started = time.monotonic()

    def wait(self) -> None:
        wait_until(self._is_ready, self.process, name=self.name, log=self.log)

    def stop(self) -> None:
        stop(self.process, how=self.ends_on, patience=20)

    def _command(self) -> list[str | Path]:
        raise NotImplementedError

    def _prepare(self) -> None:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        raise NotImplementedError

    def _spawn(self, command: list[str | Path]) -> Process:
        nothing_of_ours = {"PATH": os.defpath, "LC_ALL": "C"}
        return spawn(
            command, log=self.log, env=nothing_of_ours, account=self.home.account, orphaned=self.orphan_ends_on
        )


class Postgres(Server):
    name = "postgres"
    ends_on = signal.SIGINT  # ends its sessions, then writes everything to the tables
    orphan_ends_on = signal.SIGQUIT  # ends its sessions at once; the next start recovers

    @property
    def url(self) -> str:
        """Its address for the owner of the database."""
        return self.url_for(NAME)

    def url_for(self, role: str) -> str:
        return f"postgres://{role}@/{quote(str(self.sockets), safe='')}/{NAME}"

    def wait(self) -> None:
        super().wait()
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
            if not cursor.rowcount:
                cursor.execute(f"CREATE DATABASE {NAME}")

    def _command(self) -> list[str | Path]:
        settings = _POSTGRES_SETTINGS | ({} if self.lasting else _POSTGRES_NOT_LASTING)
        settings["cluster_name"] = self.mark  # The titles of all its processes show it, too.
        settings["unix_socket_directories"] = '"{}"'.format(str(self.sockets).replace('"', '""'))
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [find_postgres(self.home.wheels) / "postgres", "-D", self.data, "-p", "5432", *options]

    def _prepare(self) -> None:
        if not self.data.exists():
            self._initialize()
        # None of our servers is left, so these files are stale, even if another process has their pid today.
        for stale in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _initialize(self) -> None:
        programs = find_postgres(self.home.wheels)
        locale = ["--locale=C.UTF-8"]
        if postgres_version(programs) >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        unfinished = self.state / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["-U", NAME, "--auth=trust", "--encoding=UTF8", *locale]
        if self._spawn([programs / "initdb", "-D", unfinished, *options]).wait() != 0:
            raise SetupError(f"PostgreSQL could not make its folder. The end of {self.log}:\n{tail(self.log)}")
        unfinished.rename(self.data)

    def _is_ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=str(self.sockets), port=5432, user=NAME, dbname="postgres", connect_timeout=_ANSWER_SECONDS
        )


class Valkey(Server):
    name = "valkey"

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def _command(self) -> list[str | Path]:
        options: dict[str, str | Path] = {
            "port": "0",
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": self.data,
            "appendonly": "yes" if self.lasting else "no",
            "save": "",
            "proc-title-template": f"{{title}} {self.mark}",
        }
        return [
            find_valkey(self.home.wheels),
            *chain.from_iterable((f"--{key}", value) for key, value in options.items()),
        ]

    def _prepare(self) -> None:
        private_folder(self.data, self.home.account)
        self.socket.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"  # while it loads, it answers otherwise
            except OSError:
                return False
