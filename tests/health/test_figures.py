"""Figures: what is counted is written once, and putting rows together changes no sum."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from dispatch.announcements import RELEASED
from dispatch.gateways import Answer, Result
from dispatch.services.recording import _counted
from health.models import Figure
from health.services import figures
from messenger_logs.services.status_reports import StatusReport
from tests.examples import examples

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
HOURS = [NOW.replace(minute=0) - timedelta(hours=hours) for hours in (0, 1, 24 * 8 - 1, 24 * 8, 24 * 9, 24 * 400)]


def sums() -> "Counter[tuple[str, str, str]]":
    found: Counter[tuple[str, str, str]] = Counter()
    for name, part, result, count in Figure.objects.values_list("name", "part", "result", "count"):
        found[name, part, result] += count
    return found


def test_what_is_counted_is_written_once(time_machine) -> None:
    time_machine.move_to(NOW, tick=False)
    figures.count("hand_overs", "text", "success", times=2)
    figures.count("hand_overs", "text", "success")
    figures.count("sign_in_failures")
    for _ in range(2):
        figures.write_down()
    assert sums() == {("hand_overs", "text", "success"): 3, ("sign_in_failures", "", ""): 1}
    assert set(Figure.objects.values_list("hour", flat=True)) == {NOW.replace(minute=0)}


def test_what_could_not_be_written_is_written_later(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    figures.count("sign_in_failures")
    with monkeypatch.context() as away:
        away.setattr(Figure.objects, "bulk_create", fail)
        figures.write_down()
    figures.count("sign_in_failures")
    figures.write_down()
    assert sums() == {("sign_in_failures", "", ""): 2}


rows = st.tuples(st.sampled_from(HOURS), st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 9))


@examples(100)
@given(st.lists(rows, max_size=20))
def test_rows_put_together_keep_every_sum_and_every_hour_that_is_kept(written) -> None:
    Figure.objects.all().delete()
    Figure.objects.bulk_create(
        Figure(hour=hour, name=name, part=part, count=count) for hour, name, part, count in written
    )
    since = NOW - figures.KEPT
    expected: Counter[tuple[datetime, str, str]] = Counter()
    for hour, name, part, count in written:
        expected[hour if hour >= since else figures.BEFORE, name, part] += count
    for _ in range(2):
        figures.put_together(NOW)
        found = list(Figure.objects.values_list("hour", "name", "part", "count"))
        assert {(hour, name, part): count for hour, name, part, count in found} == expected
        assert len(found) == len(expected), "one row for each figure of an hour"
    recent = {(hour, part): 0 for hour, name, part in expected if name == "a" and hour >= HOURS[1]}
    for hour, name, part in expected:
        if (hour, part) in recent and name == "a":
            recent[hour, part] += expected[hour, name, part]
    assert {key: sum(results.values()) for key, results in figures.by_hour("a", since=HOURS[1]).items()} == recent


def test_answers_count_by_their_result() -> None:
    def result(**report) -> Result:
        return Result(1, StatusReport(attempt=1, delivery_id=1, **report) if report else None)

    answer = Answer(
        [result(), result(status="sent"), result(status="sent"), result(status="in_progress"), result(code=3)], raw=""
    )
    counts = _counted(answer)
    assert counts.total() == 5
    assert (counts[RELEASED], counts["success"], counts["pending"]) == (1, 2, 1)
