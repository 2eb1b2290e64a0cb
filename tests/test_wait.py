import pytest

from tests.wait import wait_until


def test_it_returns_the_first_true_answer() -> None:
    answers = iter([0, None, "ready"])
    assert wait_until(lambda: next(answers)) == "ready"


def test_it_says_what_it_waited_for_and_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"0 seconds in vain for: the end of time \(last answer: \[\]\)"):
        wait_until(list, seconds=0, what="the end of time")
    with pytest.raises(AssertionError, match=r'in vain for: .*"never".*'):
        wait_until(lambda: "never" == "ever", seconds=0)
