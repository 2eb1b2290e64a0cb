"""The journal: what the provider was asked and what it accepted, one JSON object a line, written before each answer.

With it the stand-in may be killed: the next start reads what it had accepted. Who judges what went out reads it too.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """Writes to a file, or nowhere. A line is one write, so that a kill leaves at most one broken line, the last."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if file else None

    def write(self, kind: str, **fields: Any) -> None:
        """Write an entry. It is on its way to the disk when this returns, also if the process is killed then."""
        if self._file is not None:
            line = json.dumps({"kind": kind, "wrote": time.time(), **fields}).encode() + b"\n"
            with self._lock:
                os.write(self._file, line)


def read_journal(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries in their order. A line that a kill left unfinished is none."""
    for line in file.read_bytes().splitlines() if file.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue
