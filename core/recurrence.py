"""Times that come again: each day, each week or each month, at an hour of the district's clock."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.dates import moment_of

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
_ON_WEEKDAYS = (
    _("every Monday at %(time)s"),
    _("every Tuesday at %(time)s"),
    _("every Wednesday at %(time)s"),
    _("every Thursday at %(time)s"),
    _("every Friday at %(time)s"),
    _("every Saturday at %(time)s"),
    _("every Sunday at %(time)s"),
)
# No time is further ahead than this.
LONGEST = timedelta(days=32)


class Every(TextChoices):
    DAY = "day", _("Every day")
    WEEK = "week", _("Every week")
    MONTH = "month", _("Every month")


@dataclass(frozen=True)
class Recurrence:
    """One time on each day that fits, also on the days of a clock change.

    `weekday` (0 is Monday) counts for weeks, `day` for months: a month without it has its last day instead. An hour
    that comes twice means the first one; one that spring leaves out is as much later.
    """

    every: Every
    hour: int
    weekday: int = 0
    day: int = 1

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times after a moment, in UTC, without an end."""
        # A day before, because a time that spring leaves out may be on the next day.
        first = timezone.localdate(moment) - timedelta(days=1)
        days = (first + timedelta(days=number) for number in count())
        return (at for day in days if self.fits(day) and (at := self.on(day)) > moment)

    def next_after(self, moment: datetime) -> datetime:
        return next(self.after(moment))

    def missed(self, first: datetime, now: datetime) -> list[datetime]:
        """Return the times from `first`, which is one of them, up to now; none if `first` is still to come."""
        times = [first] if first <= now else []
        while times and (following := self.next_after(times[-1])) <= now:
            times.append(following)
        return times

    def on(self, day: date) -> datetime:
        return moment_of(day, time(self.hour), after=_LONG_AGO)

    def fits(self, day: date) -> bool:
        if self.every == Every.WEEK:
            return day.weekday() == self.weekday
        if self.every == Every.MONTH:
            return day.day == min(self.day, monthrange(day.year, day.month)[1])
        return True

    def __str__(self) -> str:
        """Say when, as people do: "every Monday at 6:00 AM"."""
        clock = f"{self.hour % 12 or 12}:00 {'AM' if self.hour < 12 else 'PM'}"
        if self.every == Every.WEEK:
            return str(_ON_WEEKDAYS[self.weekday]) % {"time": clock}
        if self.every == Every.MONTH:
            return gettext("on day %(day)s of every month at %(time)s") % {"day": self.day, "time": clock}
        return gettext("every day at %(time)s") % {"time": clock}


def hours() -> list[tuple[int, str]]:
    """Return the hours of a day as choices: (18, "6:00 PM")."""
    return [(hour, f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}") for hour in range(24)]
