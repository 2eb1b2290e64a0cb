"""Timestamps of providers, in all forms that they come in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dates import read_timestamp


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("1786103455.522185", datetime(2026, 8, 7, 11, 50, 55, 522185, UTC)),
        (1786103455.5, datetime(2026, 8, 7, 11, 50, 55, 500000, UTC)),
        (1786103455, datetime(2026, 8, 7, 11, 50, 55, 0, UTC)),
        (1786103455522, datetime(2026, 8, 7, 11, 50, 55, 522000, UTC)),
        (" 1786103455522 ", datetime(2026, 8, 7, 11, 50, 55, 522000, UTC)),
        ("2026-08-07T11:50:55Z", datetime(2026, 8, 7, 11, 50, 55, 0, UTC)),
        ("2026-08-07T06:50:55.5-05:00", datetime(2026, 8, 7, 11, 50, 55, 500000, UTC)),
    ],
)
def test_a_timestamp_is_one_as_number_and_as_text(value: Any, moment: datetime) -> None:
    assert read_timestamp(value) == moment


@pytest.mark.parametrize(
    "value",
    [None, True, "", "soon", "2026-08-07T11:50:55", "9" * 30, -5, 0, "NaN", "1_000_000_000", [], {}],
)
def test_anything_else_is_none(value: Any) -> None:
    assert read_timestamp(value) is None


@given(st.one_of(st.text(), st.floats(), st.integers()))
def test_nothing_whatever_breaks_the_reading(value: Any) -> None:
    read_timestamp(value)
