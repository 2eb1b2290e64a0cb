"""Days and times as the district writes them, in its time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d)?", re.ASCII | re.IGNORECASE)
_LEAST_MILLISECONDS = 10**11  # as seconds, this is the year 5138


def written(day: date) -> str:
    """Return a day as the district writes it: 11/20/2026."""
    return f"{day:%m/%d/%Y}"


def time_text(moment: datetime, *, seconds: bool = False) -> str:
    """Return a time as the district writes it, in its zone: 11/20/2026 8:31 AM. `moment` must be aware."""
    local = timezone.localtime(moment)
    # Exports write thousands of times per second. Django's formatting takes five times as long.
    rest = local.strftime("%M:%S %p" if seconds else "%M %p")
    return f"{local:%m/%d/%Y} {local.hour % 12 or 12}:{rest}"


def read_day(text: str) -> date | None:
    """Read a day as a date picker sends it (2026-11-20) or as people type it (11/20/2026); None for "".

    Raises ValueError if the text is no day, or a day outside EARLIEST_YEAR to LATEST_YEAR.
    """
    if not text:
        return None
    day = parse_date(text) if "-" in text else datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007
    if day is None or not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ValueError(text)
    return day


def start_of(day: date) -> datetime:
    """Return the first moment of a day in the district's zone. A day may have 23 or 25 hours."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def moment_of(day: date, at: time, *, after: datetime) -> datetime:
    """Return when the district's clock shows a time on a day, in UTC.

    Autumn's change shows some times twice: it is the first one from ``after`` on. A time that spring leaves out is as
    much later.
    """
    local = datetime.combine(day, at, tzinfo=timezone.get_current_timezone())
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first >= after else second


def read_timestamp(value: Any) -> datetime | None:
    """Return the time of a provider's timestamp; None if it is none, or not in EARLIEST_YEAR to LATEST_YEAR.

    It is ISO 8601 with an offset from UTC, or a number of seconds or milliseconds since 1970. The number may be text.
    """
    text = str(value).strip() if isinstance(value, str | int | float | Decimal) else ""
    try:
        if _NUMBER.fullmatch(text):
            seconds = Decimal(text)
            if seconds >= _LEAST_MILLISECONDS:
                seconds /= 1000
            moment = _EPOCH + timedelta(microseconds=round(seconds * 10**6))
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
