"""bin/run: the whole product on this machine, with a made-up district and a stand-in for the e-mail provider."""

import http.client
import os
import secrets
import socket
import sys
import time

from .processes import SetupError, spawn, stop, tail, wait_until
from .running import VAR, Services, command, given, running

_DEMO_DOMAIN = "mg.harrison.example"
_DEMO_SENDERS = "admin,principal,counselor,frontoffice:attendance"


class Program:
    """A Python program of the product; it runs from the moment it is made."""

    # One that ends sooner is not started again: it would only end again.
    seconds_to_prove_itself = 10

    def __init__(self, name: str, *arguments: str, services: Services, ends_by_itself: bool = False) -> None:
        self.name, self.log, self.ends_by_itself = name, services.logs / f"{name}.log", ends_by_itself
        self._arguments, self._environment = arguments, services.environment
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = spawn([sys.executable, "-m", *self._arguments], log=self.log, env=self._environment)

    def keep_alive(self) -> None:
        """Start it again when it has ended. Raises SetupError when it had hardly begun."""
        if self.ends_by_itself or self.process.poll() is None:
            return
        if time.monotonic() - self.started < self.seconds_to_prove_itself:
            raise SetupError(f"The {self.name} program does not keep running. The end of {self.log}:\n{tail(self.log)}")
        print(f"The {self.name} program has ended, and is started again. Its log is {self.log}.", flush=True)
        self.start()


def main(_arguments: list[str]) -> int:
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    with running(VAR, "demo") as services:
        _wait_for_free(host, port)
        print("Starting Messenger Logs ...", flush=True)
        services.environment["PYTHONUNBUFFERED"] = "1"
        programs = [] if given("MAILGUN_API_KEY") else [_stand_in(services)]
        sign_ins = _prepare(services)
        web = Program("web", "gunicorn", "--config=config/gunicorn.conf.py", f"--bind={host}:{port}", services=services)
        programs += [web, *_background_programs(services)]
        try:
            wait_until(lambda: _answers(host, port), web.process, name="The web program", log=web.log)
            print(
                f"\nMessenger Logs is at http://{host}:{port}/\n{sign_ins}\nCtrl-C stops it. Logs: {services.logs}",
                flush=True,
            )
            _watch(services, programs)
        finally:
            stop(*(program.process for program in programs))
    return 0


def _wait_for_free(host: str, port: int) -> None:
    """A moment for an earlier run to let go of the port. Raises SetupError when somebody keeps it."""
    for _attempt in range(20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return probe.bind((host, port))
            except OSError as problem:
                reason = problem.strerror
        time.sleep(0.1)
    raise SetupError(f"Port {port} of {host} cannot be used ({reason}). Choose another one: PORT={port + 1} bin/run")


def _stand_in(services: Services) -> Program:
    """Start a stand-in for Mailgun with the mail of the demo district, and point the product to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = secrets.token_urlsafe()
    arguments = ["--port", str(port), "--api-key", key, "--domains", _DEMO_DOMAIN, "--senders", _DEMO_SENDERS]
    stand_in = Program("mailgun-stand-in", "sandbox", *arguments, services=services)
    services.environment.update(
        MAILGUN_API_KEY=key,
        MAILGUN_API_BASE=f"http://127.0.0.1:{port}",
        MAILGUN_DOMAINS=_DEMO_DOMAIN,
        MAILGUN_SYNC_MINUTES="*",
    )
    return stand_in


def _prepare(services: Services) -> str:
    """Bring database and static files up to date; make the demo district where nobody can sign in yet."""
    log = services.logs / "prepare.log"
    if spawn([sys.executable, "-m", "config.services.prepare"], log=log, env=services.environment).wait() != 0:
        raise SetupError(f"The database could not be prepared. The end of {log}:\n{tail(log)}")
    return log.read_text()


def _background_programs(services: Services) -> list[Program]:
    schedule = f"--schedule={VAR / 'beat-schedule'}"
    worker = ["celery", "--app=config", "worker", "--loglevel=info", "--concurrency=2"]
    return [
        Program("first-sync", "django", "sync_mailgun", services=services, ends_by_itself=True),
        Program("worker", *worker, services=services),
        Program("beat", "celery", "--app=config", "beat", "--loglevel=info", schedule, "--pidfile=", services=services),
    ]


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request("GET", "/")
        status = connection.getresponse().status
    except OSError:
        return False
    finally:
        connection.close()
    if status >= 500:
        raise SetupError(f"The site answers with an error ({status}); its log says more.")
    return True


def _watch(services: Services, programs: list[Program]) -> None:
    """Look after everything until Ctrl-C. Raises SetupError when something essential has ended."""
    while True:
        for server in services.servers:
            if server.process.poll() is not None:
                raise SetupError(f"{server.name} has ended. The end of {server.log}:\n{tail(server.log)}")
        for program in programs:
            program.keep_alive()
        time.sleep(0.5)


if __name__ == "__main__":
    command(main)
