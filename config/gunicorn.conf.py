"""How gunicorn serves the site, in the demo and in production. WEB_CONCURRENCY sets the number of processes."""

import os
import signal
from typing import Any

from core.child_processes import tied_to_this_process

wsgi_app = "config.wsgi"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
graceful_timeout = 10
control_socket_disable = True

_tie_to_master = tied_to_this_process(signal.SIGKILL)


def post_fork(server: Any, worker: Any) -> None:
    """End the worker when its master is killed."""
    _tie_to_master()
