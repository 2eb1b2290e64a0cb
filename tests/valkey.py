"""A Valkey for one test alone, which it may kill and freeze."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from devtools.engines import WHEELS, find_valkey
from devtools.processes import spawn
from tests.wait import wait_until


class Valkey:
    """It keeps its data, and each write before it answers, so that a test knows what a kill leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "appendonly": "yes", "save": ""}
        options["appendfsync"] = "always"
        command = [find_valkey(WHEELS), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self.process = spawn(command, log=self.folder / "valkey.log")
        wait_until(self.answers)

    def answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        return False

    def kill(self) -> None:
        kill(self.process)
        assert not self.answers()

    def freeze(self) -> None:
        """It keeps its connections and takes new ones, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        shutil.rmtree(self.folder / "appendonlydir")


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path that is short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="valkey-", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all its children with SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
