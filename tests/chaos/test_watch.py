"""Whether somebody was told in time that a part was away."""

from types import SimpleNamespace
from typing import Any

import pytest

from chaos.plan import How
from chaos.watch import Sample, Watch


def said(*samples: Sample, part: str, seconds: float) -> list[str]:
    site: Any = SimpleNamespace(away=[(part, How.FREEZE, 1000.0, 1000.0 + seconds)], url="")
    watch = Watch(site)
    watch.samples = list(samples)
    return list(watch.violations())


@pytest.mark.parametrize(
    ("part", "status", "keys", "told"),
    [
        ("web", 0, set(), True),
        ("postgres", 503, set(), True),
        ("valkey", 200, {"health.queue"}, False),
        ("beat", 200, {"health.beat"}, True),
        ("beat", 200, set(), False),
        ("dispatcher", 200, {"health.worker.dispatch"}, True),
        ("worker", 200, {"health.beat"}, False),
        ("stand-in", 200, set(), True),
    ],
)
def test_a_part_that_is_away_for_long_must_be_told_of(part: str, status: int, keys: set[str], told: bool) -> None:
    sample = Sample(1050.0, status, frozenset(keys))
    assert bool(said(sample, part=part, seconds=70)) is not told
    assert not said(sample, part=part, seconds=20), "so short a time nobody has to be told of"


def test_what_is_said_only_after_a_minute_is_too_late() -> None:
    assert said(Sample(1065.0, 503, frozenset()), part="postgres", seconds=90)
