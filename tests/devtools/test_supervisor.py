"""The supervisor of the embedded servers: real servers, real kills, real leftovers."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from devtools import servers
from devtools.engines import copy_wheels
from devtools.home import Home, find_home, mark_of
from devtools.processes import SetupError, other_user, spawn, stop
from devtools.processes import wait_until as wait_until_ready
from devtools.servers import Postgres
from tests.devtools.conftest import MAIN, ROOT, Run, assert_gone, is_alive, without_servers
from tests.wait import PATIENCE, wait_until

pytestmark = pytest.mark.slow

Start = Callable[..., Run]


@pytest.fixture
def stranger() -> Iterator[psutil.Popen]:
    """A program that has nothing to do with us."""
    stranger = psutil.Popen(["sleep", "600"])
    yield stranger
    stranger.kill()
    stranger.wait()


def sockets_of(started: Run) -> Path:
    return Path(str(started.ask("SHOW unix_socket_directories")[0]).strip('"'))


def data_of(started: Run) -> Path:
    return Path(str(started.ask("SHOW data_directory")[0]))


class TestRunning:
    def test_both_servers_answer(self, run: Start) -> None:
        started = run()

        assert started.valkey.ping()
        assert started.ask("SELECT current_database(), current_user") == ("messenger_logs", "messenger_logs")

    @pytest.mark.thorough
    def test_text_is_sorted_and_folded_by_a_locale_that_every_system_has(self, run: Start) -> None:
        assert run().ask("SELECT lower('ÉÇŁ'), upper('ñ')") == ("éçł", "Ñ")

    def test_nobody_else_can_reach_them(self, run: Start) -> None:
        started = run()

        assert all(not server.net_connections("inet") for server in started.servers.values())
        assert stat.S_IMODE(sockets_of(started).stat().st_mode) == 0o700

    @pytest.mark.thorough
    def test_the_servers_never_run_as_root(self, run: Start) -> None:
        servers = run().servers

        assert len(servers) == 2
        assert all(server.uids().effective != 0 for server in servers.values())

    @pytest.mark.thorough
    def test_the_servers_get_no_secrets(self, run: Start) -> None:
        started = run(environment={"MAILGUN_API_KEY": "key-secret"})

        assert all("key-secret" not in server.environ().values() for server in started.servers.values())

    @pytest.mark.thorough
    def test_two_checkouts_run_side_by_side(self, run: Start, folder: Path) -> None:
        one, other = run(), run(folder / "other")

        one.valkey.set("whose", "one")
        assert other.valkey.get("whose") is None
        assert data_of(one) != data_of(other)

    @pytest.mark.thorough
    def test_a_second_start_in_one_checkout_is_refused_in_words(self, run: Start) -> None:
        first, second = run(), run()

        assert "at work here already" in second.error
        assert second.process.wait(PATIENCE) == 1
        assert first.valkey.ping()

    def test_servers_that_the_environment_names_are_used_instead(self, run: Start, var: Path) -> None:
        named = {"DATABASE_URL": "postgres://db.example/logs", "REDIS_URL": "redis://cache.example/0"}
        started = run(environment=named)

        assert named.items() <= started.environment.items()
        assert not started.servers

    @pytest.mark.thorough
    def test_one_named_server_is_used_beside_one_of_ours(self, run: Start, var: Path) -> None:
        started = run(environment={"REDIS_URL_FILE": "/run/secrets/redis_url"})

        assert list(started.servers) == ["postgres"]
        assert "REDIS_URL" not in started.environment

    @pytest.mark.thorough
    def test_the_secret_key_stays_the_same_and_private(self, run: Start, var: Path) -> None:
        first = run()
        first.kill()

        assert len(first.environment["SECRET_KEY"]) >= 50
        assert run().environment["SECRET_KEY"] == first.environment["SECRET_KEY"]
        assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600

    @pytest.mark.thorough
    def test_a_path_too_long_for_a_socket_gets_a_short_folder(self, run: Start, var: Path) -> None:
        started = run(var / ("long" * 25))

        sockets = sockets_of(started)
        assert started.valkey.ping()
        assert sockets.parent == Path("/tmp")
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        started.kill()
        shutil.rmtree(sockets)

    def test_a_short_folder_that_others_may_enter_is_refused(self, run: Start, var: Path) -> None:
        long = var / ("long" * 25)
        long.mkdir()
        planted = Path("/tmp", mark_of(find_home(long).folder / "state"))
        planted.mkdir(mode=0o777)
        try:
            assert str(planted) in run(long).error
        finally:
            planted.rmdir()


class TestKilled:
    def test_with_9_nothing_is_left(self, run: Start) -> None:
        started = run()
        family = started.family

        assert len(family) > 8

        started.process.kill()

        assert_gone(family)

    @pytest.mark.thorough
    def test_with_9_nothing_is_left_where_the_kernel_does_not_help(self, run: Start) -> None:
        started = run(tied=False)
        family = list(filter(is_alive, started.family))
        assert sum("watchdog.py" in " ".join(process.cmdline()) for process in family) == 3

        started.process.kill()

        assert_gone(family)

    @pytest.mark.thorough
    def test_by_a_signal_everything_ends_in_order(self, run: Start, var: Path) -> None:
        started = run()
        family = started.family

        started.process.terminate()
        started.process.wait(PATIENCE)

        assert_gone(family)
        assert "database system is shut down" in (var / "log" / "state" / "postgres.log").read_text()

    @pytest.mark.thorough
    def test_the_next_start_has_all_that_was_written(self, run: Start) -> None:
        first = run()
        first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        first.valkey.set("kept", "yes")
        first.kill()

        second = run()

        assert second.ask("SELECT answer FROM kept") == (42,)
        assert second.valkey.get("kept") == b"yes"

    @pytest.mark.thorough
    def test_during_the_very_first_start(self, run: Start, var: Path) -> None:
        first = run()
        data = data_of(first)
        first.kill()
        data.rename(data.with_name("postgres.unfinished"))

        assert run().ask("SELECT 1") == (1,)


class TestLeftovers:
    @pytest.mark.thorough
    def test_a_pid_file_may_name_another_program(self, run: Start, stranger: psutil.Popen) -> None:
        first = run()
        data, sockets = data_of(first), sockets_of(first)
        pid_file = (data / "postmaster.pid").read_text().splitlines()
        first.kill()
        reused = "\n".join([str(stranger.pid), *pid_file[1:]]) + "\n"
        (data / "postmaster.pid").write_text(reused)
        (sockets / ".s.PGSQL.5432.lock").write_text(reused)

        assert run().ask("SELECT 1") == (1,)
        assert stranger.is_running()

    @pytest.mark.thorough
    def test_a_server_that_a_killed_run_left_is_ended(self, run: Start, var: Path, stranger: psutil.Popen) -> None:
        first = run()
        first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        first.kill()
        orphan = start_by_hand(var)
        family = [orphan, *orphan.children(recursive=True)]

        second = run()

        assert second.ask("SELECT answer FROM kept") == (42,)
        assert_gone(family)
        assert stranger.is_running()

    @pytest.mark.thorough
    def test_a_session_that_outlives_its_killed_server_is_ended(self, run: Start) -> None:
        first = run()
        sessions = busy_session(first)

        postmaster = first.servers["postgres"]
        postmaster.kill()
        assert_gone([postmaster])
        first.process.kill()
        assert all(map(is_alive, sessions))

        assert run().ask("SELECT 1") == (1,)
        assert_gone(sessions)


def start_by_hand(var: Path) -> psutil.Popen:
    """A PostgreSQL in this state that nobody looks after."""
    home = find_home(var)
    state = home.folder / "state"
    server = Postgres(home, state, home.sockets(state), var / "log", lasting=True)
    orphan = psutil.Popen(server._command(), stderr=subprocess.DEVNULL, cwd="/", **other_user(home.account))
    wait_until(server._is_ready)
    return orphan


def busy_session(started: Run) -> list[psutil.Process]:
    """A session that computes for minutes and looks at nothing meanwhile."""

    def compute() -> None:
        with suppress(psycopg2.Error), started.database() as database, database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM generate_series(1, 99999) a, generate_series(1, 99999) b")

    threading.Thread(target=compute, daemon=True).start()
    title = "messenger_logs [local] SELECT"

    def sessions() -> list[psutil.Process]:
        family = started.process.children(recursive=True)
        return [process for process in family if is_alive(process) and title in " ".join(process.cmdline())]

    return wait_until(sessions)


if os.geteuid() == 0:

    class TestAsRoot:
        @pytest.mark.thorough
        def test_servers_of_a_closed_checkout_live_outside(self, run: Start, folder: Path) -> None:
            closed = folder / "closed"
            closed.mkdir(mode=0o700)

            started = run(closed / "var")

            assert started.valkey.ping()
            assert data_of(started).is_relative_to(folder / "elsewhere")
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            assert closed.stat().st_uid == 0

        @pytest.mark.thorough
        def test_a_copy_of_a_closed_checkout_has_servers_of_its_own(self, run: Start, folder: Path) -> None:
            closed = folder / "closed"
            closed.mkdir(mode=0o700)
            original = run(closed / "var")
            shutil.copytree(closed, folder / "copy", ignore=shutil.ignore_patterns("log"))

            copy = run(folder / "copy" / "var")

            assert data_of(copy) != data_of(original)

        @pytest.mark.thorough
        def test_an_ordinary_user_needs_nothing_of_root(self, folder: Path, var: Path) -> None:
            account = find_home(var).account
            assert account
            os.chown(var, account.pw_uid, account.pw_gid)
            # This user may not be allowed to enter the checkout that is tested, so everything is loaded beforehand.
            become = (
                "import os; from pathlib import Path; from devtools import home; "
                f"home.WHEELS = Path({str(copy_wheels(folder))!r}); "
                f"os.setgroups([]); os.setgid({account.pw_gid}); os.setuid({account.pw_uid})"
            )
            program = MAIN.replace("command(main)", f"{become}; command(main)")
            command = [sys.executable, "-c", program, "--var", str(var), "/bin/sh", "-c", "echo $DATABASE_URL"]

            said = subprocess.run(command, cwd=ROOT, env=without_servers(), capture_output=True, text=True)

            assert said.stdout.startswith("postgres://"), said.stderr
            assert (var / "demo" / "postgres").stat().st_uid == account.pw_uid

        @pytest.mark.thorough
        def test_state_of_another_user_is_refused_in_words(self, run: Start, var: Path) -> None:
            state = find_home(var).folder / "state"
            state.mkdir()
            os.chown(state, 12345, 12345)

            assert "Run the command as the user who ran it first" in run().error


def test_a_program_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn(["sh", "-c", "echo still loading; sleep 60"], log=log)
    try:
        with pytest.raises(SetupError, match=r"The server was not ready after 0.5 seconds.*\nstill loading"):
            wait_until_ready(lambda: False, child, name="The server", log=log, patience=0.5)
    finally:
        stop(child)


def test_a_valkey_that_takes_a_connection_and_says_nothing_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_ANSWER_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "valkey.sock"))
        silent.listen()
        valkey = servers.Valkey(Home(tmp_path, tmp_path, None), tmp_path, tmp_path, tmp_path, lasting=False)
        assert not valkey._is_ready()
