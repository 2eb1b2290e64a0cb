"""Runs both servers: it holds their lock, and gives the environment that Django needs."""

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .home import find_home, locked, private_folder
from .processes import SetupError
from .servers import Postgres, Server, Valkey

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
_BUSY = "Another process is at work here already. Stop it first, with Ctrl-C where it runs."


@dataclass(frozen=True)
class Services:
    """The servers that this process started, the environment that names them, and the folder for logs."""

    servers: list[Server]
    environment: dict[str, str]
    logs: Path


@contextmanager
def running(var: Path, name: str, *, throw_away: bool = False) -> Iterator[Services]:
    """Run PostgreSQL and Valkey during the context. `name` is the name of their state in `var`.

    If DATABASE_URL and REDIS_URL name servers, those are used. With `throw_away`, they are never used: new servers
    start empty.
    """
    logs = _private_logs(var) / name
    logs.mkdir(exist_ok=True)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    kinds = {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}
    ours = {variable: kind for variable, kind in kinds.items() if throw_away or not given(variable)}
    with ExitStack() as ends:
        ends.enter_context(locked(var / f"{name}.lock", busy=_BUSY))
        for log in logs.glob("*.log"):
            log.replace(log.with_suffix(".log.old"))
        if not given("SECRET_KEY"):
            environment["SECRET_KEY"] = _secret_key(var)
        servers: list[Server] = []
        if ours:
            home = find_home(var)
            state = private_folder(home.folder / name, home.account)
            sockets = home.sockets(state)
        for variable, kind in ours.items():
            server = kind(home, state, sockets, logs, lasting=not throw_away)
            server.start()
            ends.callback(server.stop)
            servers.append(server)
            # The owner of another database is not the owner of this one.
            for foreign in (f"{variable}_FILE", f"MIGRATION_{variable}", f"MIGRATION_{variable}_FILE"):
                environment.pop(foreign, None)
            environment[variable] = server.url
        for server in servers:
            server.wait()
        yield Services(servers, environment, logs)


def given(variable: str) -> bool:
    """Whether the environment has a value, or the name of a file with it."""
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def _private_logs(var: Path) -> Path:
    """Return the folder of the logs. They may name people and secrets, so only their owner may enter it."""
    folder = var / "log"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _secret_key(var: Path) -> str:
    """Return a random key. It is the same at every start, and only its owner can read it."""
    file = var / "secret_key"
    if not file.exists():
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(50))
        unfinished.rename(file)
    return file.read_text()


def command(main: Callable[[list[str]], int]) -> None:
    """Run the command of a file in bin/. A signal ends it properly, and a SetupError is printed as a sentence."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except SetupError as problem:
        sys.exit(str(problem))
    except PermissionError as problem:
        sys.exit(
            f"{problem.filename} belongs to another user. "
            "Run this as the user who ran it first, or remove var/ and .venv/ to start afresh."
        )
