"""The provider's own clock, which may differ from the machine's clock."""

import time
from datetime import datetime

Moment = float | datetime


def epoch(moment: Moment) -> float:
    """Return a moment, epoch seconds or a datetime, as epoch seconds. A naive datetime is local time."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


class Clock:
    """A clock that runs with the machine's clock until a test moves or stops it.

    It decides the `Date` header, which events are visible, and which events are too old.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """Return the provider's time in epoch seconds."""
        return time.time() + self._offset if self._stopped_at is None else self._stopped_at

    def move(self, seconds: float) -> None:
        """Put the clock forward, or back with a negative number. A stopped clock stays stopped."""
        if self._stopped_at is None:
            self._offset += seconds
        else:
            self._stopped_at += seconds

    def set(self, moment: Moment) -> None:
        """Set the clock to this moment and let it run."""
        self._stopped_at = None
        self._offset = epoch(moment) - time.time()

    def stop(self, moment: Moment | None = None) -> None:
        """Stop the clock, at this moment or at its present time."""
        self._stopped_at = self.now() if moment is None else epoch(moment)

    def reset(self) -> None:
        """Run with the machine's clock again."""
        self._stopped_at = None
        self._offset = 0.0
