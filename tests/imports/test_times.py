"""Dates as districts write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dates import time_text
from imports.times import BadTime, DateOrder, read_time

AT = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)  # 8:31 AM in Chicago


@pytest.mark.parametrize(
    "text",
    [
        "11/20/2026 8:31 AM",
        "11/20/2026 08:31:00 am",
        "11/20/26 8:31",
        "11-20-2026, 8:31 a.m.",
        "2026-11-20 08:31",
        "2026-11-20T08:31:00",
        "2026-11-20T08:31:00-06:00",
        "2026-11-20T14:31:00Z",
        "2026-11-20 14:31:00 UTC",
        "Nov 20, 2026 8:31 AM",
        "November 20, 2026 at 8:31 AM",
        "Friday, November 20, 2026 8:31 AM",
        "Fri, 20 Nov 2026 14:31:00 +0000",
        "20 Nov 2026 08:31",
        "1795185060",
        "1795185060000",
        "1795185060.0",
    ],
)
def test_a_time_is_read_in_all_its_forms(text, settings):
    assert read_time(text) == (AT, False)


def test_a_day_alone_is_its_begin():
    assert read_time("11/20/2026") == (datetime(2026, 11, 20, 6, tzinfo=UTC), False)


def test_a_map_says_whether_day_or_month_is_first():
    assert read_time("5/11/2026 0:00", DateOrder.DAY_FIRST) == (datetime(2026, 11, 5, 6, tzinfo=UTC), False)
    with pytest.raises(BadTime, match="no such day or hour; dates are read as month/day/year"):
        read_time("20/11/2026")


def test_an_hour_that_the_clock_leaves_out_is_refused():
    with pytest.raises(BadTime, match="does not exist: on 03/08/2026 clocks go forward over it"):
        read_time("03/08/2026 2:30 AM")


def test_of_an_hour_that_the_clock_shows_twice_the_earlier_one_counts():
    assert read_time("11/01/2026 1:30 AM") == (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), True)


@pytest.mark.parametrize("text", ["soon", "13:05", "2/30/2026", "1/1/1999", "11/20/2026 25:00", "11/20/2026 0:10 PM"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(BadTime):
        read_time(text)


@given(st.datetimes(AT.replace(2001, tzinfo=None), AT.replace(2099, tzinfo=None), timezones=st.just(UTC)))
def test_what_our_reports_print_is_read_back_to_the_minute(moment):
    printed = time_text(moment)
    read, twice = read_time(printed)
    assert time_text(read) == printed
    assert twice or read == moment.replace(second=0, microsecond=0)
