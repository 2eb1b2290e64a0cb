"""A broker, a worker and a beat as processes of a test, which it can kill."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from devtools.engines import WHEELS, find_valkey
from devtools.processes import spawn, tail
from tests.dispatch.conftest import database_url
from tests.wait import wait_until


class Broker:
    """A Valkey for this test alone. It keeps its data as in production."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "appendonly": "yes", "save": ""}
        command = [find_valkey(WHEELS), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self.process = spawn(command, log=self.folder / "valkey.log")
        wait_until(self.answers)

    def answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        return False

    def kill(self) -> None:
        kill(self.process)
        assert not self.answers()

    def forget(self) -> None:
        shutil.rmtree(self.folder / "appendonlydir")


class Celery:
    """A worker and a beat, as in production."""

    def __init__(self, folder: Path, broker: Broker, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.dispatch.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": broker.url,
            "DISPATCH_SECONDS": "1",
            "VOICE_HOURS": "00:00-23:59",
            **(environment or {}),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "celery", "--app=config", *arguments, "--loglevel=info"]
        process = spawn(command, log=self.folder / f"{arguments[0]}.log", env=self.environment)
        self.processes.append(process)
        return process

    def start(self, *options: str) -> None:
        self.run("worker", *options)
        self.start_beat()

    def kill(self) -> None:
        print(self.logs())  # where the test failed, pytest shows it
        for process in self.processes:
            kill(process)

    def start_beat(self) -> None:
        self.beat = self.run("beat", f"--schedule={self.folder / 'schedule'}", "--pidfile=")

    def logs(self) -> str:
        logs = "\n".join(tail(self.folder / f"{name}.log", 30) for name in ("worker", "beat"))
        return "\n".join(line[:300] for line in logs.splitlines())


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a path that is short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="outage-", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def broker(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder)
    yield broker
    kill(broker.process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all its children with SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
