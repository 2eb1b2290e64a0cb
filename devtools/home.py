"""Decides where the servers keep their state, and under which account they run.

Their home is var/ of the checkout. PostgreSQL refuses to run as root, so root runs the servers under an unprivileged
account. If that account cannot enter the checkout, their home is a folder outside. This never changes permissions.
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

# The path of a socket has to fit into 107 bytes. This is the longest name of a socket here.
_LONGEST_SOCKET_PATH = 107 - len("/.s.PGSQL.5432")


@dataclass(frozen=True)
class Home:
    """`folder` has the state, `wheels` the server programs. `account` is None for the account of this process."""

    folder: Path
    wheels: Path
    account: struct_passwd | None

    def sockets(self, state: Path) -> Path:
        """Make an empty folder with a short path, for the sockets of the servers that work in `state`."""
        folder = state / "sockets"
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_PATH:
            folder = Path("/tmp", mark_of(state))  # noqa: S108 (owner and permissions are checked)
        private_folder(folder, self.account)
        for leftover in folder.iterdir():
            leftover.unlink()
        return folder


def find_home(var: Path) -> Home:
    """Return the home of the servers for the checkout with the state folder `var`."""
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
    """Make a folder that everybody may enter. An existing folder stays as it is."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    return folder


def _name_of(var: Path) -> str:
    """Return a name for this checkout only. A copy, or a later checkout at the same place, gets another name."""
    identity = var / "identity"
    if not identity.exists():
        identity.write_text(secrets.token_hex())
    return hashlib.sha256(f"{var.resolve()}\n{identity.read_text()}".encode()).hexdigest()[:16]


def mark_of(state: Path) -> str:
    """Return a short name for a state folder. It marks the command lines of the servers that work in it."""
    return f"messenger-logs-{hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]}"


def private_folder(folder: Path, account: struct_passwd | None) -> Path:
    """Make a folder that only its owner may enter. Raises SetupError if it exists and others own it or may enter it."""
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
    """Hold a lock that ends with this process, even after a kill. Raises SetupError(`busy`) if another has it."""
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(busy) from None
        yield
