"""The scheduler of Celery beat."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Goes on when the clock of the host is put back. Celery's own would wait until it shows the old time again."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        # The models of a room can be imported only now, when Django is set up.
        from health.signals import pulse

        pulse.go_round()
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self._heap = None  # so that it is filled again, by the new times
        return super().tick(*args, **kwargs)
