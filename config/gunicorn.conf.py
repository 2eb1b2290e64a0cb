"""How gunicorn serves the site, in the demo and in production. WEB_CONCURRENCY sets the number of processes."""

import os
import shutil
import signal
import tempfile
from typing import Any

from core.child_processes import tied_to_this_process

wsgi_app = "config.wsgi"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
graceful_timeout = 10
control_socket_disable = True

# Its processes count request times together, in files that are gone with it.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="messenger-logs-metrics-")

_tie_to_master = tied_to_this_process(signal.SIGKILL)


def post_fork(server: Any, worker: Any) -> None:
    """End the worker when its master is killed."""
    _tie_to_master()


def on_exit(server: Any) -> None:
    """Remove the files of request times."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
