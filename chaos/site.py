"""The parts of a site, started as bin/run starts them. Each can be killed, frozen, and set to work again."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from chaos.plan import How
from devtools.processes import SetupError, Supervised, spawn, stop, tail, wait_until
from devtools.run import Web, background_programs, free_port, separate_roles, stand_in
from devtools.running import VAR, Services, running

# Nothing of the environment of the person who starts it may lead anywhere else.
_NOT_OURS = ("DATABASE_", "REDIS_", "MIGRATION_", "MAILGUN_", "VOXOLOGY_", "ROSTER_", "SSO_", "EMAIL_", "REPORT_")


class Site:
    """`parts` has each part by its name. Only the thread that started the site may set a part to work again."""

    def __init__(self, services: Services, folder: Path, *, longest: float, seed: int) -> None:
        """`folder` is empty, and has what the parts keep beside the stores."""
        self.services, self.folder, self.seed = services, folder, seed
        self.journal = folder / "provider.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.owner = separate_roles(services)
        self._environment = _environment(folder, longest)
        services.environment.update(self._environment)
        self.frozen: dict[str, list[psutil.Process]] = {}
        self.dead: set[str] = set()
        self.full: dict[str, list[BaseDatabaseWrapper]] = {}
        """The connections that leave none to others."""
        self.away: list[tuple[str, How, float, float]] = []
        """Every time that a part was away: part, how, from, until (epoch seconds)."""
        self._since: dict[str, tuple[How, float]] = {}
        self.parts: dict[str, Supervised] = {server.name: server for server in services.servers}

    def start(self) -> None:
        """Prepare the database, and start all programs. Returns when the site answers."""
        log = self.services.logs / "prepare.log"
        prepare = spawn([sys.executable, "-m", "chaos.prepare"], log=log, env=self.services.environment | self.owner)
        traffic = {
            "per-day": "0",
            "journal": str(self.journal),
            "pace": "0.1",
            "mail-pace": "0.005",
            "webhook-pace": "0.01",
            "seed": str(self.seed),
        }
        # The stand-in tells the programs where it is, so it comes first.
        programs = [stand_in(self.services, self.url, traffic)]
        # The demo has a pace of its own.
        self.services.environment.update(self._environment)
        self.parts |= {program.name: program for program in programs}
        if prepare.wait() != 0:
            raise SetupError(f"The database could not be prepared. The end of {log}:\n{tail(log)}")
        web = Web("127.0.0.1", self.port, services=self.services)
        programs = [web, *background_programs(self.services, self.folder / "beat-schedule")]
        self.parts |= {program.name: program for program in programs}
        wait_until(self.answers, web.process, name="The web program", log=web.log)

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/accounts/login/", timeout=5).status_code == 200
        return False

    @property
    def provider_url(self) -> str:
        return self.services.environment["MAILGUN_API_BASE"]

    def stop(self) -> None:
        self.work_again()
        stop(*(part.process for name, part in self.parts.items() if name not in ("postgres", "valkey")))

    # Faults

    def strike(self, part: str, how: How, rng: random.Random) -> None:
        """Let a part fail in this way. A part that is away already stays as it is."""
        if part in self.dead or part in self.frozen or part in self.full:
            return
        processes = self._processes(part)
        if how is How.KILL_ONE:
            _signal([rng.choice(processes[1:] or processes)], signal.SIGKILL)
            return
        self._since[part] = how, time.time()
        if how is How.FILL:
            self.full[part] = list(_every_connection())
        elif how is How.FREEZE:
            self.frozen[part] = processes
            _signal(processes, signal.SIGSTOP)
        else:
            self.dead.add(part)
            _signal(processes, signal.SIGKILL)
            self.parts[part].process.wait()

    def heal(self, part: str) -> None:
        """Set a part that is away to work again. Returns when it does."""
        _signal(self.frozen.pop(part, []), signal.SIGCONT)
        for one in self.full.pop(part, []):
            one.close()
        if part in self.dead:
            self.dead.remove(part)
            self.parts[part].start()
            self.parts[part].wait()
        if part in self._since:
            how, since = self._since.pop(part)
            self.away.append((part, how, since, time.time()))

    def work_again(self) -> None:
        for part in (*self.frozen, *self.dead, *self.full):
            self.heal(part)

    def keep_alive(self) -> None:
        """Start each part again that ended although no fault was made, as bin/run does."""
        for name, part in self.parts.items():
            if name not in self.dead and name not in self.frozen and part.process.poll() is not None:
                part.keep_alive()

    def was_away(self, part: str, begin: float, end: float) -> bool:
        """Whether a part was away at some moment between two (epoch seconds)."""
        return any(name == part and since <= end and until >= begin for name, _, since, until in self.away)

    def _processes(self, part: str) -> list[psutil.Process]:
        """The process of a part, then its children."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.parts[part].process.pid)
            return [first, *first.children(recursive=True)]
        return []


def _every_connection() -> Iterator[BaseDatabaseWrapper]:
    """Connect to the database until it refuses one more."""
    with suppress(OperationalError):
        while True:
            one = connection.copy()
            one.ensure_connection()
            yield one


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _environment(folder: Path, longest: float) -> dict[str, str]:
    """A site in which nothing waits for longer than the faults make it."""
    stale = int(longest) + 10
    return {
        "DJANGO_SETTINGS_MODULE": "chaos.settings",
        "PYTHONUNBUFFERED": "1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
        "DISPATCH_SECONDS": "1",
        "STALE_CLAIM_SECONDS": str(stale),
        "LOOK_AGAIN_SECONDS": "10",
        # A frozen worker may have a request in hand for `longest`, and then a frozen provider for `longest`.
        "MAILGUN_LOOK_UP_MINUTES": str(round((2 * longest + 20) / 60, 2)),
        "MAILGUN_BATCH": "10",
        "MAILGUN_SYNC_MINUTES": "*",
        "PROVIDER_TIMEOUT_SECONDS": "4",
        "REDIAL_MINUTES": "0",
        "PHONE_TRIES": "2",
        "VOICE_HOURS": "00:00-23:59",
        "REPORT_FOLDER": str(folder / "reports"),
        "REPORT_AT_ONCE_ROWS": "0",
        "REPORT_UNFINISHED_EACH": "1000",
        **{f"{mode}_A_MINUTE": "0" for mode in ("EMAIL", "VOICE", "TEXT")},
    }


@contextmanager
def site(*, longest: float, seed: int, folder: Path) -> Iterator[Site]:
    """Run a site with stores of its own, which are empty at first and outlive a kill."""
    for name in [name for name in os.environ if name.startswith(_NOT_OURS)]:
        del os.environ[name]
    with running(VAR, "chaos") as services:
        made = Site(services, folder, longest=longest, seed=seed)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def insist(action: Callable[[], object], *, until: float, but: tuple[type[Exception], ...]) -> Exception | None:
    """Try again and again until it succeeds. Returns the last error once `until` (time.monotonic()) is past."""
    while True:
        try:
            action()
        except but as error:
            if time.monotonic() > until:
                return error
            time.sleep(0.3)
        else:
            return None
