"""bin/run runs the whole product on this machine, with a made-up district and a stand-in for the providers."""

import argparse
import http.client
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from demo.names import FAMILIES, SCHOOL_SHARES, SCHOOLS

from .processes import SetupError, Supervised, spawn, stop, tail, wait_until
from .running import VAR, Services, command, given, running
from .servers import RUNNING_ROLE, Postgres

# DISPATCH_AT_ONCE for each of the four modes, one that recovers, and one for ticks and cancels: then slow providers
# keep nothing else waiting.
DISPATCHERS = 4 * 2 + 2
# The workers: the queues of each, and its processes. More for reports than one person may have at once.
WORKERS = {
    "worker": ("celery,calls", 2),
    "sync": ("sync", 2),
    "reports": ("reports", 3),
    "dispatcher": ("dispatch", DISPATCHERS),
}

# How often the web server is asked whether it lives, how long an answer may take, and when it counts as silent.
_ASKED_EVERY, _ANSWER_SECONDS, _SILENT_SECONDS = 10, 5, 60

DEMO_DOMAIN = "mg.harrison.example"
# demo/staff.py says so while the district has the password that is in the repository.
_PUBLISHED = "Sign in with the password"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_DEMO_NUMBER = "+16515550100"
_DEMO_SENDERS = "admin,principal,counselor,frontoffice:attendance"
# Slow, so that a person can watch a large message and cancel it; and calls are allowed at any hour.
_DEMO_PACE = {
    "MAILGUN_BATCH": "25",
    "EMAIL_A_MINUTE": "300",
    "VOICE_A_MINUTE": "240",
    "TEXT_A_MINUTE": "240",
    "VOICE_HOURS": "00:00-23:59",
    "REDIAL_MINUTES": "2",
}


class Program(Supervised):
    """A Python program of the product. It runs as soon as it is made."""

    def __init__(
        self,
        name: str,
        *arguments: str,
        services: Services,
        finishes: bool = False,
        private: dict[str, str] | None = None,
    ) -> None:
        """`private` are more names of its environment. Everybody can read the arguments of a program."""
        self.name, self.log, self.finishes = name, services.logs / f"{name}.log", finishes
        self._arguments, self._environment = arguments, services.environment
        if private:
            self._environment = self._environment | private
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = spawn([sys.executable, "-m", *self._arguments], log=self.log, env=self._environment)

    def keep_alive(self) -> None:
        if not self.finishes:
            super().keep_alive()


class Web(Program):
    """The web server. If it runs and does not answer any more, it is ended, and so started again."""

    def __init__(self, host: str, port: int, *, services: Services) -> None:
        self._host, self._port = _reachable(host), port
        address = f"--bind={host}:{port}"
        super().__init__("web", "gunicorn", "--config=config/gunicorn.conf.py", address, services=services)

    def start(self) -> None:
        super().start()
        self._lived_at = self._asked_at = time.monotonic()

    def keep_alive(self) -> None:
        super().keep_alive()
        now = time.monotonic()
        if now - self._asked_at < _ASKED_EVERY:
            return
        self._asked_at = now
        if _ask(self._host, self._port, "/healthz", seconds=_ANSWER_SECONDS)[0] == 200:
            self._lived_at = time.monotonic()
        elif now - self._lived_at > _SILENT_SECONDS:
            print(f"The web program does not answer for {_SILENT_SECONDS} seconds, and is ended.", flush=True)
            stop(self.process)


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser("bin/run", description=__doc__, epilog="PORT and HOST say where.").parse_args(arguments)
    host, port = os.environ.get("HOST", "127.0.0.1"), _port()
    with running(VAR, "demo") as services:
        _wait_for_free(host, port)
        print("Starting Messenger Logs ...", flush=True)
        services.environment["PYTHONUNBUFFERED"] = "1"
        stands_in = not given("MAILGUN_API_KEY")
        owner = separate_roles(services)
        # The demo must not send anything to a real provider.
        sign_ins = _prepare(services, owner, outgoing=stands_in and not given("VOXOLOGY_API_KEY"))
        refuse_published_password(host, sign_ins)
        site = f"http://{_reachable(host)}:{port}"
        programs = [stand_in(services, site, _demo_traffic(services))] if stands_in else []
        web = Web(host, port, services=services)
        programs += [web, *_first_readings(services), *background_programs(services, VAR / "beat-schedule")]
        try:
            wait_until(lambda: _answers(_reachable(host), port), web.process, name="The web program", log=web.log)
            with _found_by_manage(services.environment | owner):
                print(f"\nMessenger Logs is at http://{host}:{port}/\n{sign_ins}")
                print(f"Logs are in {services.logs}. Ctrl-C stops it all.", flush=True)
                _watch(services, programs)
        finally:
            print("\nStopping ...", flush=True)
            stop(*(program.process for program in programs))
    return 0


def _port() -> int:
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise SetupError(f"PORT is {port}; it has to be a number from 1 to 65535.")
    return int(port)


def _wait_for_free(host: str, port: int) -> None:
    """Wait a moment for an earlier run to free the port. Raises SetupError if it stays in use."""
    for _attempt in range(20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return probe.bind((host, port))
            except OSError as problem:
                reason = problem.strerror
        time.sleep(0.1)
    raise SetupError(f"Port {port} of {host} cannot be used: {reason}. Choose another one: PORT={port + 1} bin/run")


def separate_roles(services: Services) -> dict[str, str]:
    """Let the programs run as a role that owns nothing. Return the environment that `manage.py migrate` needs.

    The owner of a database that is not ours stays with `manage.py migrate`, too.
    """
    for server in services.servers:
        if isinstance(server, Postgres):
            services.environment["DATABASE_URL"] = server.url_for(RUNNING_ROLE)
            return {"MIGRATION_DATABASE_URL": server.url}
    names = services.environment.keys() & {"MIGRATION_DATABASE_URL", "MIGRATION_DATABASE_URL_FILE"}
    return {name: services.environment.pop(name) for name in sorted(names)}


def refuse_published_password(host: str, sign_ins: str) -> None:
    """Raise SetupError if other machines could sign in with the password that everybody knows."""
    if host in _THIS_MACHINE or not sign_ins.startswith(_PUBLISHED):
        return
    raise SetupError(
        f"Everybody can read the password of the demo district, so HOST={host} would let everybody in. "
        f"Choose a password of at least 12 characters: DEMO_PASSWORD=... HOST={host} bin/run"
    )


def _reachable(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _demo_traffic(services: Services) -> dict[str, str]:
    """The options of a stand-in that has the mail of the demo district."""
    return {
        "senders": _DEMO_SENDERS,
        "time-zone": os.environ.get("TIME_ZONE", "America/Chicago"),
        "people": str(_people(services)),
        "closed": _closed(services).read_text(),
        "schools": ",".join(SCHOOLS),
        "school-shares": ",".join(map(str, SCHOOL_SHARES.values())),
        "students": str(2 * FAMILIES),
        "replies": "0.01",
    }


def stand_in(services: Services, site: str, traffic: dict[str, str]) -> Program:
    """Start a stand-in for the providers, and let the product use it. `traffic` are options of the stand-in."""
    port = free_port()
    key, webhook_secret, signing_key = (secrets.token_urlsafe() for _ in range(3))
    arguments = {"port": str(port), "domains": DEMO_DOMAIN} | traffic
    known_to_it = {
        "SANDBOX_API_KEY": key,
        "SANDBOX_CALL_FLOW_URL": f"{site}/voxology/{webhook_secret}/call-flow/",
        "SANDBOX_TEXTS_URL": f"{site}/voxology/{webhook_secret}/texts/",
        "SANDBOX_WEBHOOK_URL": f"{site}/mailgun/webhook/",
        "SANDBOX_WEBHOOK_SIGNING_KEY": signing_key,
    }
    options = (f"--{name}={value}" for name, value in arguments.items())
    program = Program("stand-in", "sandbox", *options, services=services, private=known_to_it)
    services.environment.update(
        MAILGUN_API_KEY=key,
        MAILGUN_API_BASE=f"http://127.0.0.1:{port}",
        MAILGUN_DOMAINS=DEMO_DOMAIN,
        MAILGUN_SYNC_MINUTES="*",
        MAILGUN_WEBHOOK_SIGNING_KEY=signing_key,
    )
    if not given("ROSTER_URL"):
        services.environment.update(
            ROSTER_URL=f"http://127.0.0.1:{port}/ims/oneroster/rostering/v1p2",
            ROSTER_TOKEN_URL=f"http://127.0.0.1:{port}/oneroster/token",
            ROSTER_CLIENT_ID="roster-client",
            ROSTER_CLIENT_SECRET=key,
            ROSTER_ROLE_GROUPS="principal=Principals,siteAdministrator=Front Office,counselor=Counselors",
        )
    if not given("VOXOLOGY_API_KEY"):
        services.environment.update(
            VOXOLOGY_API_KEY=key,
            VOXOLOGY_API_BASE=f"http://127.0.0.1:{port}/v1",
            VOXOLOGY_CALLER_ID=_DEMO_NUMBER,
            VOXOLOGY_WEBHOOK_SECRET=webhook_secret,
        )
        services.environment.update({name: value for name, value in _DEMO_PACE.items() if not given(name)})
    return program


def _people(services: Services) -> Path:
    """Return the file of the demo district's people, so that its log and the stand-in have the same ones."""
    return services.logs / "people.jsonl"


def _closed(services: Services) -> Path:
    """Return the file of the days on which the schools of the demo district were closed."""
    return services.logs / "closed.txt"


def _prepare(services: Services, owner: dict[str, str], *, outgoing: bool) -> str:
    """Update database and static files, and make the demo district at the first start. Return how to sign in."""
    log, sign_ins = services.logs / "prepare.log", services.logs / "sign-ins.txt"
    prepare = [sys.executable, "-m", "devtools.prepare", *map(str, (sign_ins, _people(services), _closed(services)))]
    if outgoing:
        prepare.append("--outgoing")
    if spawn(prepare, log=log, env=services.environment | owner).wait() != 0:
        raise SetupError(f"The database could not be prepared. The end of {log}:\n{tail(log)}")
    return sign_ins.read_text()


def _first_readings(services: Services) -> list[Program]:
    """What beat would do only some time later."""
    return [
        Program("first-sync", "django", "sync_mailgun", services=services, finishes=True),
        Program("first-suppressions", "django", "sync_suppressions", services=services, finishes=True),
    ]


def background_programs(services: Services, schedule: Path) -> list[Program]:
    """Start the workers, and beat with its file `schedule`."""
    worker = ["celery", "--app=config", "worker", "--loglevel=info"]
    workers = [
        Program(
            name, *worker, f"--hostname={name}@%h", f"--queues={queues}", f"--concurrency={number}", services=services
        )
        for name, (queues, number) in WORKERS.items()
    ]
    return [
        *workers,
        Program(
            *("beat", "celery", "--app=config", "beat", "--loglevel=info", f"--schedule={schedule}", "--pidfile="),
            services=services,
        ),
    ]


def _answers(host: str, port: int) -> bool:
    """Whether the site is ready. On a busy machine its first checks may take longer than they are given."""
    return _ask(host, port, "/readyz", seconds=30)[0] == 200


def _ask(host: str, port: int, path: str, *, seconds: float) -> tuple[int, str]:
    """Return the status and the text of an answer; 0 if none came in time."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


@contextmanager
def _found_by_manage(environment: Mapping[str, str]) -> Iterator[None]:
    """Write the environment to the file that manage.py reads, as long as the product runs."""
    file = VAR / "demo.json"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(environment.items() - os.environ.items())))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _watch(services: Services, programs: list[Program]) -> None:
    """Keep everything running until Ctrl-C. Raises SetupError if a server or a program does not keep running."""
    while True:
        # Servers first, because the programs need them.
        for part in (*services.servers, *programs):
            part.keep_alive()
        time.sleep(0.5)


if __name__ == "__main__":
    command(main)
