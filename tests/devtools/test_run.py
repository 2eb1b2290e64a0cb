"""bin/run as a whole: in a copy of this checkout, started, used, killed and started again."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
from environ import FileAwareEnv

from devtools import run
from devtools.processes import SetupError, spawn, stop
from devtools.run import Program, Web, refuse_published_password, separate_roles
from devtools.running import Services
from devtools.servers import RUNNING_ROLE
from tests.devtools.conftest import ROOT, assert_gone, is_alive, without_servers
from tests.wait import PATIENCE, wait_until

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

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=self.process.cwd(), env=without_servers(), capture_output=True, text=True)

    def manage(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reaches_its_stores(self) -> bool:
        return self.run("check_stores").returncode == 0


@pytest.fixture
def site(checkout: Path, port: int) -> Iterator[Site]:
    site = Site(checkout, port)
    yield site
    family = [site.process, *site.process.children(recursive=True)] if site.process.is_running() else []
    for process in family:
        process.kill()
    site.process.communicate()


@pytest.mark.thorough
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
    assert_private(checkout, site, programs)
    assert_runs_as_a_role_that_owns_nothing(site)
    assert_the_servers_are_started_again(site)
    make_it_an_older_installation(checkout)
    family = list(filter(is_alive, [site.process, *site.process.children(recursive=True)]))

    site.process.kill()

    assert_gone(family)

    again = Site(checkout, site.port)
    assert f"http://127.0.0.1:{site.port}/" in again.wait()
    assert_runs_as_a_role_that_owns_nothing(again)
    family = [again.process, *again.process.children(recursive=True)]
    again.process.send_signal(signal.SIGINT)
    again.process.wait(PATIENCE)
    assert_gone(family)
    assert "Stopping" in again.process.stdout.read()


def assert_private(checkout: Path, site: Site, arguments: str) -> None:
    """No secret is where another account of this machine can read it."""
    environment = json.loads((checkout / "var" / "demo.json").read_text())
    secrets = {environment[name] for name in ("SECRET_KEY", "MAILGUN_API_KEY", "VOXOLOGY_WEBHOOK_SECRET")}
    assert all(secret not in arguments for secret in secrets)
    for folder, folders, files in os.walk(checkout / "var"):
        folders[:] = [name for name in folders if Path(folder, name).stat().st_mode & 0o001]
        readable = [Path(folder, name) for name in files if Path(folder, name).stat().st_mode & 0o004]
        assert not [file for file in readable for secret in secrets if secret.encode() in file.read_bytes()]


def assert_runs_as_a_role_that_owns_nothing(site: Site) -> None:
    ask = (
        "from django.db import connection; cursor = connection.cursor(); cursor.execute("
        "'SELECT current_user, usesuper, (SELECT count(*) FROM pg_tables WHERE tableowner = current_user)"
        " FROM pg_user WHERE usename = current_user'); print(cursor.fetchone())"
    )
    assert site.manage("shell", "--no-imports", "-c", ask).strip() == "('messenger_logs_app', False, 0)"
    site.manage("migrate", "--check")


def assert_the_servers_are_started_again(site: Site) -> None:
    children = {child.name(): child for child in site.process.children()}
    for name in ("postgres", "valkey-server"):
        children[name].kill()
        said = site.process.stdout.readline()
        assert f"The {name.removesuffix('-server')} program has ended, and is started again" in said
        wait_until(site.reaches_its_stores)
        assert site.status("/accounts/login/") == 200


def make_it_an_older_installation(checkout: Path) -> None:
    """There, one role owns everything."""
    environment = json.loads((checkout / "var" / "demo.json").read_text())
    address = FileAwareEnv.db_url_config(environment["MIGRATION_DATABASE_URL"])
    session = psycopg2.connect(host=address["HOST"], user=address["USER"], dbname=address["NAME"])
    with closing(session) as owner, owner.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {RUNNING_ROLE}; DROP ROLE {RUNNING_ROLE}")
        owner.commit()


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.0.2.7", "school.example"])
def test_other_machines_get_no_demo_with_the_published_password(host: str) -> None:
    with pytest.raises(SetupError, match="DEMO_PASSWORD="):
        refuse_published_password(host, "Sign in with the password harrison as\n  admin")

    refuse_published_password(host, "Sign in with your DEMO_PASSWORD as\n  admin")
    refuse_published_password(host, "")
    refuse_published_password("127.0.0.1", "Sign in with the password harrison as\n  admin")


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


def test_the_owner_of_a_given_database_is_known_to_the_migration_alone(tmp_path: Path) -> None:
    owner = {"MIGRATION_DATABASE_URL": "postgres://owner:secret@db/x", "MIGRATION_DATABASE_URL_FILE": "/run/secrets/x"}
    services = Services([], {"DATABASE_URL": "postgres://app@db/x", **owner}, tmp_path)

    assert separate_roles(services) == owner
    assert services.environment == {"DATABASE_URL": "postgres://app@db/x"}


def test_a_web_server_that_runs_and_does_not_answer_is_started_again(
    folder: Path, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "spawn", lambda command, **options: spawn(["sleep", "60"], log=options["log"]))
    monkeypatch.setattr(run, "_SILENT_SECONDS", 60)
    web = Web("127.0.0.1", port, services=Services([], {}, folder))
    first = web.process
    try:
        web._asked_at -= 11
        web.keep_alive()
        assert first.poll() is None, "it may be busy for a minute"
        web._asked_at, web._lived_at, web.started = web._asked_at - 11, web._lived_at - 61, web.started - 61
        web.keep_alive()
        assert first.poll() is not None
        web.keep_alive()
        assert web.process.poll() is None
        assert web.process.pid != first.pid
    finally:
        stop(web.process)
    said = capsys.readouterr().out
    assert "The web program does not answer for 60 seconds, and is ended." in said
    assert "The web program has ended, and is started again." in said
