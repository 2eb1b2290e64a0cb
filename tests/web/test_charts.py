"""Charts: bars fit their picture, the rare stays visible, and a table has every number."""

import re

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from core.statuses import Shape, Status, Tone
from web.charts import KINDS, LANE, PLOT, BarChart, Bars, Column, HeatLine, HeatMap, Lane, Part, Strip, parts_by_size
from web.templatetags.charts import shade

GOOD = Status("Reached", Shape.CHECK, Tone.GOOD)
BAD = Status("Not reached", Shape.CROSS, Tone.BAD)


def columns(count: int, **more: str) -> list[Column]:
    return [Column(f"11/{day:02}", f"Day {day}", **more) for day in range(1, count + 1)]


def days(*counts: list[int]) -> BarChart:
    looks = [GOOD, BAD]
    parts = [Part.of(status, numbers) for status, numbers in zip(looks, counts, strict=False)]
    return BarChart("days", "People by day", "Day", columns(len(counts[0])), parts)


@given(
    st.integers(1, 60).flatmap(
        lambda width: st.lists(st.lists(st.integers(0, 10**7), min_size=width, max_size=width), min_size=1, max_size=6)
    )
)
def test_each_bar_is_inside_the_picture_and_its_parts_stand_on_each_other(counts: list[list[int]]) -> None:
    places = columns(len(counts[0]))
    bars = Bars(places, [Part(look, look, numbers) for look, numbers in zip(KINDS, counts, strict=False)], PLOT)
    rects = list(bars.rects)
    assert len(rects) == sum(1 for numbers in counts for number in numbers if number)
    bottoms: dict[float, float] = {}
    for rect in rects:
        assert rect.height > 0
        assert rect.x >= 0
        assert rect.x + rect.width <= 100.001
        bottom = bottoms.get(rect.x, float(PLOT))
        assert rect.y + rect.height == pytest.approx(bottom)
        bottoms[rect.x] = rect.y
    assert all(top >= -0.001 for top in bottoms.values())
    if rects:
        assert bars.height_of(bars.peak) == pytest.approx(max(PLOT - top for top in bottoms.values()), abs=10)


def test_the_scale_is_that_of_the_largest_bar_and_the_rare_stays_visible() -> None:
    first, second, third = Bars(columns(3), [Part.of(GOOD, [50, 100, 1])], 100).rects
    assert (first.height, second.height, third.height) == (50, 100, 1.5)
    assert (second.y, first.y) == (0, 50)
    assert second.title == "Day 2: 100 Reached"


def test_a_chart_of_nothing_has_no_bars_and_says_so() -> None:
    chart = days([0, 0], [0, 0])
    assert list(chart.bars.rects) == []
    assert list(chart.notes) == []
    assert chart.spoken == "People by day: 0 Reached, 0 Not reached."


def test_what_is_read_aloud_has_the_totals_and_the_largest_day() -> None:
    assert days([3, 1_200], [0, 4]).spoken == ("People by day: 1,203 Reached, 4 Not reached. Most on Day 2: 1,204.")


@pytest.mark.parametrize(
    ("count", "named", "on_a_phone"), [(1, 1, 1), (5, 5, 5), (8, 8, 4), (9, 5, 5), (14, 7, 4), (53, 8, 4)]
)
def test_as_many_columns_have_a_name_as_there_is_room_for_and_the_last_one_always(
    count: int, named: int, on_a_phone: int
) -> None:
    names = list(days([1] * count).names)
    assert len(names) == named
    assert sum(not name.minor for name in names) == on_a_phone
    assert not names[-1].minor
    assert names[-1].text == f"11/{count:02}"
    assert all(0 < name.x < 100 for name in names)


def test_notes_stand_above_all_bars_of_a_few_else_the_number_above_the_largest() -> None:
    chart = BarChart("weeks", "Weeks", "Week", columns(3, note="90 %"), [Part.of(GOOD, [1, 5, 3])])
    assert [note.text for note in chart.notes] == ["90 %"] * 3
    assert all(note.y > 0 for note in chart.notes)
    many = BarChart("weeks", "Weeks", "Week", columns(9, note="90 %"), [Part.of(GOOD, [1, 5000, *[3] * 7])])
    assert [(note.text, note.anchor) for note in many.notes] == [("5,000", "middle")]


@given(
    st.dictionaries(
        st.text(min_size=1), st.lists(st.integers(0, 100), min_size=3, max_size=3), min_size=1, max_size=12
    ),
    st.lists(st.integers(0, 50), min_size=3, max_size=3),
)
def test_parts_by_size_add_up_to_everything_and_none_looks_like_another(
    counts: dict[str, list[int]], beside: list[int]
) -> None:
    whole = [sum(numbers) + more for numbers, more in zip(zip(*counts.values(), strict=True), beside, strict=True)]
    parts = parts_by_size(counts, whole=whole)
    assert [sum(column) for column in zip(*(part.counts for part in parts), strict=True)] == whole
    looks = [part.look for part in parts]
    assert len(set(looks)) == len(looks)
    totals = [part.total for part in parts if part.look != KINDS[-1]]
    assert totals == sorted(totals, reverse=True)
    assert not any(beside) or parts[-1].word == "all others"


def shown(source: str, **context: object) -> str:
    return Template("{% load charts %}" + source).render(Context(context))


def test_the_page_has_the_picture_the_words_and_a_table_and_no_style() -> None:
    chart = BarChart(
        "days",
        "People <by> day",
        "Day",
        columns(2),
        [Part.of(GOOD, [1, 12_304]), Part.of(BAD, [2, 0], url="/unreached?a=1&b=2")],
        more=[Part("Messages", "neutral", [1, 2])],
    )
    html = shown("{% bar_chart chart %}", chart=chart)
    assert "style=" not in html
    assert "People &lt;by&gt; day" in html
    assert 'role="img" aria-label="People &lt;by&gt; day: 12,305 Reached, 2 Not reached.' in html
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)<', html) == ["Day", "Reached", "Not reached", "Messages"]
    rows = re.findall(r"<tr><th scope=\"row\">([^<]+)</th>(.+?)</tr>", html)
    assert [(day, re.findall(r">([\d,]+)<", cells)) for day, cells in rows] == [
        ("Day 2", ["12,304", "0", "2"]),
        ("Day 1", ["1", "2", "1"]),
    ]
    assert html.count("/unreached?a=1&amp;b=2") == 1
    patterns = set(re.findall(r'<pattern id="([^"]+)"', html))
    assert patterns == {"days-good", "days-bad"}
    assert set(re.findall(r"url\(#([^)]+)\)", html)) == patterns


def test_every_look_has_a_pattern_of_its_own() -> None:
    looks = [*Tone, *KINDS]
    chart = BarChart("all", "All", "Day", columns(1), [Part(look, str(look), [1]) for look in looks])
    html = shown("{% bar_chart chart %}", chart=chart)
    drawn = dict(re.findall(r'<pattern id="all-([^"]+)"[^>]*?((?: patternTransform="[^"]+")?>.+?)</pattern>', html))
    assert list(drawn) == [str(look) for look in looks]
    for group in (list(Tone)[:4], KINDS):
        bare = [re.sub(r"bar-[\w-]+", "", drawn[str(look)]) for look in group]
        assert len(set(bare)) == len(bare), "they differ without color"


def test_a_strip_has_a_scale_for_each_line_and_names_what_went_wrong() -> None:
    hours = columns(24)
    sync = [Part("succeeded", "good", [1] * 24), Part("failed", "bad", [0] * 23 + [1], shape="✕")]
    lanes = [Lane("Text", hours, [Part("Text", "running", [0] * 23 + [40])]), Lane("Sync", hours, sync)]
    chart = Strip(
        "day", "Last 24 hours", "Hour", hours, [*lanes, Lane("Voice", hours, [Part("", "running", [0] * 24)])]
    )
    assert [max((rect.height for rect in lane.bars.rects), default=0) for lane in lanes] == [LANE, LANE / 2]
    html = shown("{% strip chart %}", chart=chart)
    assert "most at 11/24: 40" in html
    assert "1 failed" in html
    assert ">none<" in html
    assert html.count("<defs>") == 1
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)<', html) == [
        "Hour",
        "Text",
        "Sync: succeeded",
        "Sync: failed",
        "Voice",
    ]


@pytest.mark.parametrize(("percent", "expected"), [(None, 0), (0, 0), (54, 0), (55, 1), (81, 6), (99, 9), (100, 10)])
def test_only_all_has_the_deepest_shade(percent: int | None, expected: int) -> None:
    assert shade(percent) == expected


class Cell:
    def __init__(self, percent: int | None) -> None:
        self.percent, self.words, self.filters = percent, "1 of 2", {"mode": "voice"}


class Grid:
    def link(self, **filters: str) -> str:
        return f"/reach?{filters}"


def test_a_heat_map_has_its_numbers_a_bar_as_long_and_a_link_in_each_cell() -> None:
    lines = [HeatLine("North", [Cell(75), Cell(None)])]
    html = shown(
        "{% heat_map chart grid %}", chart=HeatMap("heat", "All", "School", ["Any", "Text"], lines), grid=Grid()
    )
    assert 'heat-5"' in html
    assert '<rect class="share-part" width="75%"' in html
    assert "<strong>75 %</strong> <span>1 of 2</span>" in html
    assert "nobody" in html
    assert html.count("<a ") == 1
