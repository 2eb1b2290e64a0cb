"""Where the servers keep their state, and under whose account they run.

Their home is var/ of the checkout. PostgreSQL refuses to run as root, so as root the servers run under an unprivileged
account; where that cannot enter the checkout, their home is a folder outside. Nobody's permissions are ever changed.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import struct_passwd

from .engines import WHEELS, copy_wheels
from .processes import SetupError, other_user

# A socket's path has to fit into 107 bytes; this is the longest name that a server here gives to one.
_LONGEST_SOCKET_PATH = 107 - len("/.s.PGSQL.5432")


@dataclass(frozen=True)
class Home:
    """`folder` holds the state; `wheels` the server programs; `account` is None for our own."""

    folder: Path
    wheels: Path
    account: struct_passwd | None

    def sockets(self, state: Path) -> Path:
        """An empty folder, with a path that is short enough, for the sockets of the servers that work in `state`."""
        folder = state / "sockets"
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_PATH:
            folder = Path("/tmp", mark_of(state))  # noqa: S108 (owner and permissions are checked)
        private_folder(folder, self.account)
        for leftover in folder.iterdir():
            leftover.unlink()
        return folder


def find_home(var: Path) -> Home:
    """The home of the servers of the checkout whose state folder is `var`."""
    if os.geteuid() != 0:
        return Home(var, WHEELS, None)
    name = os.environ.get("SERVICES_USER", "nobody")
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise SetupError(f"There is no user {name} to run the servers as; name one in SERVICES_USER.") from None
    if _may_enter(account, var, WHEELS):
        return Home(var, WHEELS, account)
    outside = Path(os.environ.get("SERVICES_HOME", "/var/lib/messenger-logs"))
    folder = _open_folder(_open_folder(outside) / _name_of(var))
    if not _may_enter(account, folder):
        raise SetupError(f"User {name} may enter neither this checkout nor {outside}: name a folder in SERVICES_HOME.")
    return Home(folder, copy_wheels(folder), account)


def _may_enter(account: struct_passwd, *folders: Path) -> bool:
    probe = 'for folder; do [ -r "$folder" ] && [ -x "$folder" ] || exit 1; done'
    command = ["/bin/sh", "-c", probe, "sh", *map(str, folders)]
    return subprocess.run(command, cwd="/", **other_user(account)).returncode == 0


def _open_folder(folder: Path) -> Path:
    """Make a folder that everybody may enter; one that is there stays as it is."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    return folder


def _name_of(var: Path) -> str:
    """A name for this checkout alone: not for a copy of it, nor for one that is made later at the same place."""
    identity = var / "identity"
    if not identity.exists():
        identity.write_text(secrets.token_hex())
    return hashlib.sha256(f"{var.resolve()}\n{identity.read_text()}".encode()).hexdigest()[:16]


def mark_of(state: Path) -> str:
    """A short name for a state folder: it marks the command lines of the servers that work in it."""
    return f"messenger-logs-{hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]}"


def private_folder(folder: Path, account: struct_passwd | None) -> Path:
    """Make a folder that only its owner may enter. Raises SetupError when it is there and another's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = account.pw_uid if account else os.geteuid()
    found = folder.lstat()
    if account and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
        os.chown(folder, account.pw_uid, account.pw_gid)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise SetupError(
            f"{folder} is not a folder that only user {pwd.getpwuid(owner).pw_name} may enter. "
            "Run the command as the user who ran it first, or remove the folder to start afresh."
        )
    return folder


@contextmanager
def locked(file: Path, *, busy: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends. Raises SetupError with `busy` when another holds it."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(busy) from None
        yield
