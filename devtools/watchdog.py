"""Runs a command, and kills it when a pipe ends: python watchdog.py PIPE USER COMMAND... (USER may be empty).

It is for systems whose kernel does not tie a child to its parent. The parent has the other end of the pipe. It is run
by its path, so that it needs no package.
"""

import os
import pwd
import signal
import subprocess
import sys
import threading
from types import FrameType


def main(pipe: int, user: str, command: list[str]) -> int:
    account = pwd.getpwnam(user) if user else None
    child = subprocess.Popen(
        command,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    def wait_for_the_end_of_the_parent() -> None:
        os.read(pipe, 1)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        child.kill()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, pass_on)
    threading.Thread(target=wait_for_the_end_of_the_parent, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
