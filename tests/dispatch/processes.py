"""A broker, a worker and a beat as processes of a test, which it can kill."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devtools.processes import spawn, tail
from tests.dispatch.conftest import database_url
from tests.valkey import Valkey, kill, short_folder


class Celery:
    """A worker and a beat, as in production."""

    def __init__(self, folder: Path, broker: Valkey, environment: Mapping[str, str] | None = None) -> None:
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
        files = [self.folder / f"{name}.log" for name in ("worker", "beat")]
        logs = "\n".join(tail(file, 30) for file in files if file.exists())
        return "\n".join(line[:300] for line in logs.splitlines())


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def broker(folder: Path) -> Iterator[Valkey]:
    broker = Valkey(folder)
    yield broker
    kill(broker.process)
