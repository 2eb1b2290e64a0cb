"""A bar of outcomes: its parts fill it, a rare part stays visible, and the words say all numbers."""

from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from core.statuses import Shape, Status, Tone
from web.bars import Bar, Segment
from web.templatetags.bars import register

GOOD = Status("delivered", Shape.CHECK, Tone.GOOD)
BAD = Status("failed", Shape.CROSS, Tone.BAD)


def bar_of(*counts: int) -> Bar:
    return Bar("email", "E-mail", [Segment(BAD if at % 2 else GOOD, count) for at, count in enumerate(counts)])


@given(st.lists(st.integers(0, 10**7), max_size=6))
def test_the_parts_that_are_not_empty_fill_the_bar_in_their_order(counts):
    drawn = list(bar_of(*counts).drawn)
    assert [part.segment.count for part in drawn] == [count for count in counts if count]
    ends = 0.0
    for part in drawn:
        assert abs(part.x - ends) < 1e-6
        assert part.width > 0.5, "a rare part stays visible"
        ends = part.x + part.width
    assert not drawn or abs(ends - 100) < 1e-6


def test_a_larger_part_is_never_narrower():
    first, second, third = bar_of(1, 20, 5_000).drawn
    assert first.width <= second.width < third.width


def test_the_words_have_each_number_and_lead_to_its_rows():
    assert "outcome_bar" in register.tags

    bar = Bar("email", "E-mail", [Segment(GOOD, 12_304, "/rows?a=1&b=2"), Segment(BAD, 0)], lead="99 %")
    html = Template("{% load bars %}{% outcome_bar bar %}").render(Context({"bar": bar}))
    assert "12,304 delivered" in html
    assert "0 failed" in html
    assert "99 %" in html
    assert html.count("/rows?a=1&amp;b=2") == 2, "the part of the picture, and its words"
    assert html.count("<title>") == 1, "a part of nothing is not drawn"
