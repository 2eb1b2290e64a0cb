"""A process beats while its main loop goes round, for its own queues."""

import os
import subprocess
import sys

import pytest

from health.models import Heartbeat
from health.services import heartbeats
from health.services.heartbeats import EVERY, Pulse
from tests.dispatch.conftest import database_url
from tests.wait import wait_until


class Rounds:
    """An Event that is set after so many waits; a callback comes with each of them."""

    def __init__(self, number: int, each) -> None:
        self.left, self.each = number, each

    def is_set(self) -> bool:
        return self.left == 0

    def wait(self, _: float) -> None:
        self.left -= 1
        self.each(self.left)


def test_it_beats_as_long_as_the_main_loop_goes_round(monkeypatch) -> None:
    beats: list[set[str]] = []
    monkeypatch.setattr(heartbeats, "record_heartbeats", lambda parts: beats.append(set(parts)))
    pulse = Pulse()
    pulse._parts = {"queue a"}

    def each(left: int) -> None:
        if left == 4:
            pulse._round_at -= 2 * EVERY  # the loop hangs
        if left == 1:
            pulse.go_round()

    pulse._over = Rounds(6, each)
    pulse.run()
    assert beats == [{"queue a"}] * 3, "two before it hung, and one after it went on"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_beats_for_its_queues_alone() -> None:
    command = [sys.executable, "-m", "celery", "--app=config", "worker", "--queues=calls", "--pool=solo"]
    worker = subprocess.Popen(
        command, env=os.environ | {"DATABASE_URL": database_url()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(Heartbeat.objects.exists, every=0.1)
        assert [beat.part for beat in Heartbeat.objects.all()] == ["queue calls"]
    finally:
        worker.kill()
        worker.wait()
