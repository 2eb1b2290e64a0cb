"""Ties child processes to their parent: they get a signal when the parent ends, even if it is killed with -9.

On Linux the kernel sends the signal when the thread that started the child ends, so start children from the main
thread.
"""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def kernel_ties_children() -> bool:
    """Whether the kernel of this system can tie children to their parent."""
    return _prctl is not None


def tied_to_this_process(orphaned: signal.Signals) -> Callable[[], None]:
    """Return a function that a child calls after a change of account, to get a signal when this process ends."""
    parent = os.getpid()

    def tie() -> None:
        if _prctl:
            _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(orphaned))
        if os.getppid() != parent:  # The parent ended before the call.
            os._exit(1)

    return tie
