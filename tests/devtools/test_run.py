"""bin/run as a whole: in a copy of this checkout, started, used, killed and started again."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from devtools.processes import SetupError
from devtools.run import Program
from devtools.running import Services
from tests.devtools.conftest import ROOT, assert_gone, is_alive, without_servers
from tests.wait import PATIENCE

pytestmark = pytest.mark.slow

NOT_COPIED = (".git", ".venv", "var", "tests", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVICES_HOME", str(folder / "elsewhere"))
    shutil.copytree(ROOT, folder / "checkout", ignore=shutil.ignore_patterns(*NOT_COPIED))
    return folder / "checkout"


def _as_in_a_terminal() -> None:
    """A shell that runs the tests in the background has them ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Site:
    def __init__(self, checkout: Path, port: int) -> None:
        self.port = port
        self.process = psutil.Popen(
            [sys.executable, "-m", "devtools.run"],
            cwd=checkout,
            env=without_servers() | {"PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_as_in_a_terminal,
        )

    def wait(self) -> str:
        """What it has said by the time it says that it is ready, or ends."""
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl-C stops it all" in line:
                break
        return said

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        return connection.getresponse().status

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        where = {"cwd": self.process.cwd(), "env": without_servers()}
        return subprocess.run(command, **where, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def site(checkout: Path, port: int) -> Iterator[Site]:
    site = Site(checkout, port)
    yield site
    family = [site.process, *site.process.children(recursive=True)] if site.process.is_running() else []
    for process in family:
        process.kill()
    site.process.communicate()


def test_it_runs_is_killed_and_runs_again(checkout: Path, site: Site) -> None:
    said = site.wait()
    assert f"http://127.0.0.1:{site.port}/" in said
    assert "Sign in with the password" in said
    assert site.status("/") == 302
    assert site.status("/accounts/login/") == 200
    assert "admin" in site.manage("dumpdata", "accounts.User")
    family = list(filter(is_alive, [site.process, *site.process.children(recursive=True)]))
    programs = " ".join(argument for process in family for argument in arguments_of(process))
    assert all(name in programs for name in ("gunicorn", "worker", "beat", "sandbox", "postgres", "valkey"))

    site.process.kill()

    assert_gone(family)

    again = Site(checkout, site.port)
    assert f"http://127.0.0.1:{site.port}/" in again.wait()
    family = [again.process, *again.process.children(recursive=True)]
    again.process.send_signal(signal.SIGINT)
    again.process.wait(PATIENCE)
    assert_gone(family)
    assert "Stopping" in again.process.stdout.read()


def test_a_busy_port_is_said_with_the_way_out(checkout: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        site = Site(checkout, port)

        assert f"PORT={port + 1} bin/run" in site.wait()
        assert site.process.wait(PATIENCE) == 1


def services(logs: Path) -> Services:
    return Services([], dict(os.environ), logs)


def test_a_program_that_ends_is_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = Program("sleeper", "timeit", "-n1", "-r1", "import time; time.sleep(600)", services=services(tmp_path))
    program.seconds_to_prove_itself = 0
    first = program.process
    first.kill()
    first.wait()

    program.keep_alive()

    assert program.process.pid != first.pid
    assert program.process.poll() is None
    assert "sleeper" in capsys.readouterr().out
    program.process.kill()
    program.process.wait()


def test_a_program_that_does_not_keep_running_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    program = Program("broken", "timeit", "raise Exception('last words')", services=services(tmp_path))
    program.process.wait()

    with pytest.raises(SetupError, match="last words"):
        program.keep_alive()


def arguments_of(process: psutil.Process) -> list[str]:
    """None of one that has ended meanwhile, as the first sync does."""
    with suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []
