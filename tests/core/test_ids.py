import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import LARGEST_ID, read_id, read_number


@given(st.integers(0, LARGEST_ID), st.integers(0, 5))
def test_every_id_is_read(pk: int, zeros: int) -> None:
    assert read_id("0" * zeros + str(pk)) == pk


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", " 1", "1 ", "1.0", "1_0", "one", "٣", "²", "\0", str(LARGEST_ID + 1), "9" * 5000],
)
def test_other_text_is_no_id(text: str) -> None:
    assert read_id(text) is None


@pytest.mark.slow
@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    pk = read_id(text)
    assert pk is None or (text.isascii() and 0 <= pk <= LARGEST_ID)


def test_a_number_may_have_a_limit_of_its_own() -> None:
    assert [read_number(text, largest=500) for text in ("1", "500", "501", "0500", "5000")] == [1, 500, None, 500, None]
