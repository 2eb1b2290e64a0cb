"""A clock that is put forward and back, hours at a time, in a worker and in beat: not that of PostgreSQL."""

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import time_machine
from celery.signals import beat_init, task_prerun

STEPS = [timedelta(hours=hours) for hours in (3, -3, 0, 30, -30, 0)]
_offsets = cycle(STEPS)
_traveller = time_machine.travel(datetime.now(UTC))
_traveller.start()


def step(**_: Any) -> None:
    """Put the clock to the next of its steps, and let it go on from there."""
    global _traveller
    real = datetime.fromtimestamp(time_machine.escape_hatch.time.time(), UTC)
    _traveller.stop()
    _traveller = time_machine.travel(real + next(_offsets))
    _traveller.start()


def go_on_stepping(**_: Any) -> None:
    def run() -> None:
        while True:
            time.sleep(2)
            step()

    threading.Thread(target=run, daemon=True).start()


task_prerun.connect(step)
beat_init.connect(go_on_stepping)
