"""The provider's own clock, which need not agree with anybody else's."""

import time
from datetime import datetime

Moment = float | datetime


def epoch(moment: Moment) -> float:
    """Seconds since 1970 of a moment given as such or as a datetime; a naive datetime is taken as local time."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


class Clock:
    """Runs with the machine's clock until somebody moves or stops it.

    It decides the `Date` header, what has become visible, and what is too old to be given.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """The provider's time in seconds since 1970."""
        return time.time() + self._offset if self._stopped_at is None else self._stopped_at

    def move(self, seconds: float) -> None:
        """Put the clock forward, or back with a negative number; it goes on as it did (running or stopped)."""
        if self._stopped_at is None:
            self._offset += seconds
        else:
            self._stopped_at += seconds

    def set(self, moment: Moment) -> None:
        """Put the clock to this moment and let it run."""
        self._stopped_at = None
        self._offset = epoch(moment) - time.time()

    def stop(self, moment: Moment | None = None) -> None:
        """Stop the clock, at this moment or where it stands."""
        self._stopped_at = self.now() if moment is None else epoch(moment)

    def reset(self) -> None:
        """Run with the machine's clock again."""
        self._stopped_at = None
        self._offset = 0.0
