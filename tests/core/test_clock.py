import time
from datetime import timedelta

import pytest
from django.utils import timezone

from core import clock


@pytest.fixture(autouse=True)
def no_step_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_steady", time.time() - time.monotonic())
    monkeypatch.setattr(clock, "_stepped_at", None)


@pytest.mark.parametrize(("step", "noticed"), [(0, False), (1, False), (-1, False), (3600, True), (-3600, True)])
def test_a_step_is_noticed_and_forgotten_after_a_while(step: int, noticed: bool, time_machine, monkeypatch) -> None:
    now = timezone.now()
    time_machine.move_to(now + timedelta(seconds=step))
    assert clock.stepped_within(60) == noticed
    assert clock.stepped_within(60) == noticed, "also when asked again"
    later = time.monotonic() + 61
    monkeypatch.setattr(clock.time, "monotonic", lambda: later)
    time_machine.move_to(now + timedelta(seconds=step + 61))
    assert not clock.stepped_within(60)
