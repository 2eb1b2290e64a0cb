"""Starts child processes that end with the command that started them, even if it is killed with -9.

If the kernel cannot tie a child to its parent, a watchdog process between the two does it.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from pwd import struct_passwd
from typing import Any

from core.child_processes import kernel_ties_children, tied_to_this_process

Process = subprocess.Popen[bytes]

_WATCHDOG = Path(__file__).with_name("watchdog.py")


class SetupError(Exception):
    """A person has to correct something; the message says what and how."""


class Supervised:
    """A background program that is started again when it ends. A subclass starts it in `start`."""

    # A program that ends sooner is not started again, because it would end again.
    seconds_to_prove_itself = 10.0

    name: str
    log: Path
    process: Process
    started: float

    def start(self) -> None:
        raise NotImplementedError

    def wait(self) -> None:
        """Wait until it is ready."""

    def keep_alive(self) -> None:
        """Start it again if it has ended, and say so. Raises SetupError if it ended of its own just after its start."""
        if self.process.poll() is None:
            return
        killed = self.process.returncode == -signal.SIGKILL
        if not killed and time.monotonic() - self.started < self.seconds_to_prove_itself:
            raise SetupError(f"The {self.name} program does not keep running. The end of {self.log}:\n{tail(self.log)}")
        print(f"The {self.name} program has ended, and is started again. Its log is {self.log}.", flush=True)
        self.start()
        self.wait()


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    account: struct_passwd | None = None,
    orphaned: signal.Signals = signal.SIGKILL,
) -> Process:
    """Start a child that gets the signal `orphaned` if this process ends first.

    With a `log` it runs in the background: its output is appended there, and Ctrl-C reaches only this process. Without
    one it uses this terminal. With an `account` it runs under that account, and outside of the current folder, which
    the account may not be able to enter.
    """
    output = log.open("ab") if log else None
    pipe, _kept_open_until_we_end = (None, None) if kernel_ties_children() else os.pipe()
    identity = other_user(account)
    if pipe:  # The watchdog runs under our account, and starts the command under the other one.
        command = [sys.executable, _WATCHDOG, str(pipe), account.pw_name if account else "", *command]
        identity = {}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if log else None,
            stdout=output,
            stderr=output,
            env=env,
            cwd="/" if account else None,
            start_new_session=log is not None,
            **identity,
            preexec_fn=tied_to_this_process(orphaned),
            pass_fds=[pipe] if pipe else [],
        )
    finally:
        if output:
            output.close()
        if pipe:
            os.close(pipe)


def other_user(account: struct_passwd | None) -> dict[str, Any]:
    """Return the arguments for `subprocess` to start a program under an account; none for our own account."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def stop(*children: Process, how: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
    """End background children at the same time. Kill those that take more than `patience` seconds."""
    for child in children:
        if child.poll() is None:
            child.send_signal(how)
    deadline = time.monotonic() + patience
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def run(command: Sequence[str | Path], *, env: Mapping[str, str]) -> int:
    """Run a command in this terminal to its end, and return its exit status."""
    child = spawn(command, env=env)
    try:
        return child.wait()
    except KeyboardInterrupt:
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)  # Ctrl-C has reached the child, too, and it may need time to end properly.
        raise
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def wait_until(ready: Callable[[], bool], child: Process, *, name: str, log: Path, patience: float = 120.0) -> None:
    """Wait until a child is ready.

    Raises SetupError with the end of its log if the child ends first, or is not ready after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not ready():
        if child.poll() is not None:
            raise SetupError(f"{name} did not start. The end of {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise SetupError(f"{name} was not ready after {patience:g} seconds. The end of {log}:\n{tail(log)}")
        time.sleep(0.02)


def tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def end_leftovers(program: str, mark: str) -> None:
    """Kill the processes that run `program` with `mark` in their command line; return when they are gone.

    It does not trust the pid in a file, because another program may have that pid by now.
    """
    is_program = re.compile(rf"(.*/)?{re.escape(program)}([: ]|$)").match
    deadline = time.monotonic() + 10
    while leftovers := [pid for pid, name, line in _command_lines() if mark in line and is_program(name)]:
        if time.monotonic() > deadline:
            raise SetupError(f"A {program} of an earlier run does not end: process {leftovers[0]}.")
        for pid in leftovers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _command_lines() -> Iterator[tuple[int, str, str]]:
    """Yield (process id, name, whole command line) of every process that this account can see."""
    if Path("/proc/self/cmdline").exists():
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # The process has just ended.
                line = os.fsdecode(entry.read_bytes())
                yield int(entry.parent.name), line.partition("\0")[0], line
    else:
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        for row in listing.stdout.splitlines():
            pid, _, line = row.strip().partition(" ")
            yield int(pid), line, line
