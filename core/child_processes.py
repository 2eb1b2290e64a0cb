"""Ties child processes to their parent: they get a signal when it ends, even when it is killed with -9.

On Linux the kernel sends the signal. It looks at the thread that started the child, so start children from the main
thread.
"""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def kernel_ties_children() -> bool:
    """Whether this system can do it."""
    return _prctl is not None


def tied_to_this_process(orphaned: signal.Signals) -> Callable[[], None]:
    """What a child of this process calls, after any change of account, to get a signal when this process ends."""
    parent = os.getpid()

    def tie() -> None:
        if _prctl:
            _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(orphaned))
        if os.getppid() != parent:  # It ended before we asked.
            os._exit(1)

    return tie
