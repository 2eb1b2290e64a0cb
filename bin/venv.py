"""Runs a Python that has the packages of the requirements: python bin/venv.py ARGUMENTS FOR PYTHON...

The packages are in .venv. It is made again if an installation was interrupted, or if the requirements have changed.
This file runs before anything is installed, so it uses only the standard library.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
HOW = ["-qq", "--disable-pip-version-check", "--require-hashes"]
INSTALLED = VENV / "installed"  # written last: the digest of the requirements that are installed


def main() -> None:
    if VENV.is_symlink():
        sys.exit(f"{VENV} is a link to {VENV.resolve()}, which may belong to another checkout. Remove the link.")
    wanted = digest()
    if not is_installed(wanted):
        (ROOT / "var").mkdir(exist_ok=True)
        with (ROOT / "var" / "venv.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Another command may be installing; wait for it.
            if not is_installed(wanted):
                install(wanted, lock.fileno())
    os.execv(PYTHON, [str(PYTHON), *sys.argv[1:]])


def digest() -> str:
    requirements = sorted(ROOT.glob("requirements*.txt"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in requirements)).hexdigest()


def is_installed(wanted: str) -> bool:
    return PYTHON.exists() and INSTALLED.exists() and INSTALLED.read_text() == wanted


def install(wanted: str, lock: int) -> None:
    print("Installing the Python packages into .venv; this takes a minute or two ...", file=sys.stderr, flush=True)
    steps: list[list[str | Path]] = [
        [sys.executable, "-m", "venv", "--clear", VENV],
        [PYTHON, "-m", "pip", "install", *HOW, "--requirement", ROOT / "requirements-dev.txt"],
    ]
    for step in steps:
        # If this process is killed, the child keeps the lock, so that no other installation starts before it has ended.
        if subprocess.run(step, pass_fds=[lock]).returncode != 0:
            sys.exit("The packages could not be installed: see above. The next start tries again.")
    INSTALLED.write_text(wanted)


if __name__ == "__main__":
    try:
        main()
    except PermissionError as problem:
        sys.exit(f"{problem.filename} belongs to another user. Run this as the user who ran it first.")
