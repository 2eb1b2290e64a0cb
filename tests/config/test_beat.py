"""Beat goes on whatever the clock of its host does."""

from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from django.utils import timezone

from config.beat import Scheduler


@pytest.mark.parametrize("step", [timedelta(hours=-3), timedelta(days=-30), timedelta(hours=3)])
def test_a_task_is_started_soon_after_the_clock_was_put(
    step: timedelta, tmp_path: Path, time_machine, monkeypatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Scheduler, "apply_entry", lambda self, entry, producer=None: started.append(entry.name))
    monkeypatch.setattr(Scheduler, "producer", None)
    app = Celery("of a test", set_as_current=False)
    app.conf.update(beat_schedule={"look": {"task": "look", "schedule": timedelta(seconds=1)}}, result_expires=None)
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))

    def look(at: timedelta) -> list[str]:
        time_machine.move_to(now + at, tick=False)
        started.clear()
        for _ in range(3):
            scheduler.tick()
        return list(started)

    look(timedelta(seconds=2))
    look(step)
    assert look(step + timedelta(seconds=2)) == ["look"]
    scheduler.close()
