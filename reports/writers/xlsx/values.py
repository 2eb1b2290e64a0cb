"""Texts that are times or numbers, as Excel counts them."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

LONGEST = 32_767
"""The most characters of a cell."""
FIRST_DAY = date(1899, 12, 30).toordinal()
"""Excel counts the days from here."""
COUNT = re.compile(r"-?(?:0|[1-9]\d{0,2}(?:,\d{3})*)").fullmatch
PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,14})").fullmatch
"""A number that Excel keeps as it is: it knows fifteen digits."""


@lru_cache(maxsize=2**14)
def day_number(text: str) -> int:
    """Return the number of a day such as 11/20/2026. Raises ValueError."""
    month, day, year = map(int, text.split("/"))
    return date(year, month, day).toordinal() - FIRST_DAY


@lru_cache(maxsize=2**17)
def part_of_day(text: str) -> tuple[float, bool]:
    """Return a time such as 8:31 AM as a part of a day, and whether it has seconds. Raises ValueError."""
    clock, half = text.split(" ")
    hour, minute, *seconds = map(int, clock.split(":"))
    if not 1 <= hour <= 12 or half not in ("AM", "PM") or len(seconds) > 1:
        raise ValueError(text)
    whole = (hour % 12 + (12 if half == "PM" else 0)) * 3600 + minute * 60 + sum(seconds)
    return whole / 86_400, bool(seconds)


def time_number(text: str) -> tuple[float, bool]:
    """Return a text of core.dates.time_text as Excel counts time, and whether it has seconds. Raises ValueError."""
    day, _, clock = text.partition(" ")
    part, seconds = part_of_day(clock)
    return day_number(day) + part, seconds
