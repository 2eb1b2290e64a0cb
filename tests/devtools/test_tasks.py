"""The document of the eight tasks, and what counts as too much."""

from dataclasses import replace
from datetime import date

from devtools.tasks import TASKS, Done, document

DONE = Done(TASKS[0], "Who?", "Type a name.", clicks=3, seconds=9.94)


def test_three_clicks_and_ten_seconds_are_not_too_much() -> None:
    assert DONE.fault == ""
    assert replace(DONE, clicks=4, seconds=12.0).fault == "4 clicks and 12.0 s"


def test_the_document_has_a_row_and_a_picture_of_each_task() -> None:
    text = document([DONE], date(2026, 11, 27))

    assert f"| [Who?](#{TASKS[0].name}) | 3 | 9.9 |" in text
    assert f"Type a name.\n\n![Who?](images/tasks/{TASKS[0].name}.png)" in text
    assert "on 11/27/2026" in text
