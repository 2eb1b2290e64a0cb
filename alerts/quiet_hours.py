"""Quiet hours: a part of each day in the district's zone, such as 22:00 to 6:30."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from core.dates import moment_of, start_of


def is_quiet(now: datetime, begin: time, end: time) -> bool:
    """Whether a moment is in the quiet hours. They may go over midnight.

    On the days of a clock change, they begin and end once, like on other days: where autumn shows an hour twice, they
    end when the clock shows their end for the first time.
    """
    today = timezone.localdate(now)
    for day in (today - timedelta(days=1), today):
        first = moment_of(day, begin, after=start_of(day))
        last = moment_of(day if begin < end else day + timedelta(days=1), end, after=first)
        if first <= now < last:
            return True
    return False
