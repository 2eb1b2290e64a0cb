import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from environ import FileAwareEnv

from tests.wait import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
# Says in which environment it runs, and stays.
REPORT = "import json, os, time; print(json.dumps(dict(os.environ)), flush=True); time.sleep(600)"
UNTIED = "from core import child_processes; child_processes._prctl = None; "
MAIN = "from devtools.running import command; from devtools.__main__ import main; command(main)"


def without_servers() -> dict[str, str]:
    """Our environment as it was before somebody started the servers of these tests."""
    theirs = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MAILGUN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


class Run:
    """`python -m devtools` as a process of its own, with its servers."""

    def __init__(self, var: Path, *, tied: bool = True, environment: dict[str, str] | None = None) -> None:
        options = ["--var", str(var), "--state", "state"]
        self.process = psutil.Popen(
            [sys.executable, "-c", MAIN if tied else UNTIED + MAIN, *options, sys.executable, "-c", REPORT],
            cwd=ROOT,
            env=without_servers() | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = self.process.stdout.readline()
        self.environment: dict[str, str] = json.loads(said) if said else {}
        self.error = "" if said else self.process.stderr.read()

    @property
    def family(self) -> list[psutil.Process]:
        """The command, its servers, and theirs."""
        return [self.process, *self.process.children(recursive=True)]

    @property
    def servers(self) -> dict[str, psutil.Process]:
        children = self.process.children(recursive=True)
        names = ("postgres", "valkey-server", "redis-server")
        return {child.name(): child for child in reversed(children) if child.name() in names}

    def database(self) -> "closing[psycopg2.extensions.connection]":
        address = FileAwareEnv.db_url_config(self.environment["DATABASE_URL"])
        connection = psycopg2.connect(host=address["HOST"], user=address["USER"], dbname=address["NAME"])
        connection.autocommit = True
        return closing(connection)

    def ask(self, sql: str) -> tuple[object, ...]:
        with self.database() as database, database.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() if cursor.description else ()

    @property
    def valkey(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def kill(self) -> None:
        """Kill the command alone, in the way that nothing can prevent; nothing of it is left after a moment."""
        family = self.family
        self.process.kill()
        assert_gone(family)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a space in its name that everybody may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="a checkout ", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def var(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The var/ of a checkout. If its servers have to live elsewhere, that is removed with it."""
    monkeypatch.setenv("SERVICES_HOME", str(folder / "elsewhere"))
    var = folder / "var"
    var.mkdir(mode=0o755)
    return var


@pytest.fixture
def run(var: Path) -> Iterator[Callable[..., Run]]:
    """Start the servers of `var`, or of another folder."""
    runs: list[Run] = []

    def run(where: Path = var, **options: object) -> Run:
        where.mkdir(exist_ok=True)
        runs.append(Run(where, **options))
        return runs[-1]

    yield run
    for started in runs:
        if is_alive(started.process):
            started.kill()
        started.process.communicate()


def assert_gone(processes: list[psutil.Process]) -> None:
    wait_until(lambda: not any(map(is_alive, processes)), what="the end of every process")


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything: a zombie is only waiting for somebody to notice."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
