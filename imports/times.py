"""Read dates and times as districts and providers write them, in the district's zone where they name none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.dates import EARLIEST_YEAR, LATEST_YEAR, read_timestamp, written

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class DateOrder(StrEnum):
    """How a date of three numbers is read."""

    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"

    @property
    def label(self) -> StrOrPromise:
        return _("month/day/year") if self is DateOrder.MONTH_FIRST else _("day/month/year")


class BadTime(ValueError):
    """A text that is no time. The message says why, without a subject."""


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = (
    r"(?:[\s,T]+(?:at\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?)?"
)
_NUMBERS = re.compile(rf"(?P<a>\d{{1,2}})[/.-](?P<b>\d{{1,2}})[/.-](?P<year>\d{{4}}|\d{{2}}){_CLOCK}", re.ASCII | re.I)
_ISO = re.compile(rf"(?P<year>\d{{4}})[/-](?P<month>\d{{1,2}})[/-](?P<day>\d{{1,2}}){_CLOCK}", re.ASCII | re.I)
_NAMED = re.compile(
    rf"(?:[a-z]{{3,9}}\.?,?\s+)?(?P<name>[a-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){_CLOCK}",
    re.ASCII | re.I,
)
_NAMED_DAY_FIRST = re.compile(
    rf"(?:[a-z]{{3,9}}\.?,?\s+)?(?P<day>\d{{1,2}})[\s-]+(?P<name>[a-z]{{3,9}})\.?,?[\s-]+(?P<year>\d{{4}}){_CLOCK}",
    re.ASCII | re.I,
)
_ZONE = re.compile(r"\s*(?:z|utc|gmt|[+-]\d{2}:?\d{2})$", re.I)
_UTC_NAMES = frozenset({"z", "utc", "gmt"})


def read_time(text: str, order: DateOrder = DateOrder.MONTH_FIRST, zone: str | None = None) -> tuple[datetime, bool]:
    """Return a time in UTC, and whether clocks showed it twice, so that the earlier one was taken.

    It is ISO 8601; a number of seconds or milliseconds since 1970; or a date in the usual forms, with or without a
    time: 11/20/2026 8:31 AM, 20 Nov 2026 08:31:05. Without a time it is the begin of the day. `zone` is the one of the
    district. Raises BadTime.
    """
    return _read_time(text.strip(), order, zone or timezone.get_current_timezone_name())


@lru_cache(maxsize=2**14)
def _read_time(text: str, order: DateOrder, zone: str) -> tuple[datetime, bool]:
    if moment := read_timestamp(text):
        return moment, False
    found_zone = _ZONE.search(text)
    local = _local(text[: found_zone.start()] if found_zone else text, order)
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        years = {"first": EARLIEST_YEAR, "last": LATEST_YEAR}
        raise BadTime(gettext("is not in the years %(first)s to %(last)s") % years)
    if found_zone:
        return _with_offset(local, found_zone[0].strip().lower()), False
    return _in_zone(local, ZoneInfo(zone))


def _local(text: str, order: DateOrder) -> datetime:
    """Return what clock and calendar show, without a zone."""
    for pattern in (_ISO, _NUMBERS, _NAMED, _NAMED_DAY_FIRST):
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            break
    else:
        raise BadTime(gettext("is not a time such as 11/20/2026 8:31 AM or 2026-11-20T08:31:00-06:00"))
    try:
        return datetime(_year(parts["year"]), *_month_and_day(parts, order), *_clock(parts))  # noqa: DTZ001
    except ValueError:
        wrong = gettext("has no such day or hour; dates are read as %(order)s") % {"order": order.label}
        raise BadTime(wrong) from None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month_and_day(parts: dict[str, str], order: DateOrder) -> tuple[int, int]:
    """Return month and day. Raises ValueError."""
    if "name" in parts:
        return _MONTHS.index(parts["name"][:3].lower()) + 1, int(parts["day"])
    if "month" in parts:
        return int(parts["month"]), int(parts["day"])
    first, second = int(parts["a"]), int(parts["b"])
    return (first, second) if order is DateOrder.MONTH_FIRST else (second, first)


def _clock(parts: dict[str, str]) -> tuple[int, int, int]:
    """Return hour, minute and second. Raises ValueError."""
    hour, half = int(parts["hour"] or 0), (parts["half"] or "")[:1].lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, int(parts["minute"] or 0), int(parts["second"] or 0)


def _with_offset(local: datetime, zone: str) -> datetime:
    if zone in _UTC_NAMES:
        return local.replace(tzinfo=UTC)
    digits = zone.replace(":", "")
    return datetime.fromisoformat(f"{local.isoformat()}{digits[:3]}:{digits[3:]}").astimezone(UTC)


def _in_zone(local: datetime, zone: ZoneInfo) -> tuple[datetime, bool]:
    """Return a time of the zone in UTC, and whether it is there twice. Raises BadTime if clocks leave it out."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != local:
        day = {"day": written(local.date())}
        raise BadTime(gettext("does not exist: on %(day)s clocks go forward over it") % day)
    return first, first != second
