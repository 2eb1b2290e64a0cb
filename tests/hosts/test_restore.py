"""The commands of docs/production.md bring a database back to the moment before a mistake."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from devtools.engines import find_postgres
from devtools.home import private_folder
from devtools.processes import other_user
from devtools.servers import NAME, Postgres
from tests.hosts.stores import Primary, ask, run, server_of
from tests.wait import wait_until

pytestmark = pytest.mark.slow

RUNBOOK = (settings.BASE_DIR / "docs" / "production.md").read_text()


def written(name: str, backup: Path) -> str:
    """A setting as the runbook has it, for another folder of backups."""
    [value] = re.findall(rf"^ +{name} = '?([^'\n]+)'?$", RUNBOOK, re.MULTILINE)
    return str(value).replace("/backup", str(backup))


class Archived(Primary):
    """A server that archives its log as the runbook says, and may be started from a base backup."""

    name = "archived"
    backup: Path
    more: dict[str, str]

    def _command(self) -> list[str | Path]:
        return [*super()._command(), *(f"--{name}={value}" for name, value in self.more.items())]


@pytest.fixture
def server() -> Iterator[Archived]:
    with server_of(Archived) as server:
        server.backup = private_folder(server.state / "backup", server.home.account)
        private_folder(server.backup / "wal", server.home.account)
        server.more = {"archive_mode": "on", "archive_command": written("archive_command", server.backup)}
        server.start()
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def program(server: Postgres, name: str, *arguments: str | Path) -> None:
    command = [find_postgres(server.home.wheels) / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, **other_user(server.home.account))
    assert done.returncode == 0, done.stderr


def test_what_was_there_a_moment_before_a_mistake_comes_back(server: Archived) -> None:
    run(server, "CREATE TABLE message (id int); INSERT INTO message SELECT generate_series(1, 10)")
    base = server.backup / "base"
    options = re.search(r"pg_basebackup --pgdata .*? (--format .+)", RUNBOOK)
    assert options
    reach = ["--host", server.sockets, "--port=5432", f"--username={NAME}"]
    program(server, "pg_basebackup", "--pgdata", base, *options[1].split(), *reach)
    program(server, "pg_verifybackup", "--no-parse-wal", base)

    run(server, "INSERT INTO message SELECT generate_series(11, 500)")
    moment = str(ask(server, "SELECT clock_timestamp()::text"))
    time.sleep(0.05)
    run(server, "DELETE FROM message WHERE id > 3")
    run(server, "SELECT pg_switch_wal()")
    wait_until(lambda: ask(server, "SELECT archived_count FROM pg_stat_archiver") and _all_archived(server))

    server.stop()
    shutil.rmtree(server.data)
    base.rename(server.data)
    server.more = {
        "restore_command": written("restore_command", server.backup),
        "recovery_target_time": moment,
        "recovery_target_action": written("recovery_target_action", server.backup),
    }
    signal = server.data / "recovery.signal"
    signal.touch()
    if server.home.account:
        shutil.chown(signal, server.home.account.pw_uid)
    server.process = server._spawn(server._command())
    server.wait()
    wait_until(lambda: not ask(server, "SELECT pg_is_in_recovery()"))
    assert ask(server, "SELECT count(*) FROM message") == 500
    run(server, "INSERT INTO message VALUES (501)")


def _all_archived(server: Archived) -> bool:
    return bool(
        ask(server, "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver")
    )
