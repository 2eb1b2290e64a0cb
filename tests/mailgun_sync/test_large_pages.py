"""A page or an event that is larger than what we read stops no domain. Asked over HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.dates import time_text
from mailgun_sync.freshness import freshness_notices
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncGap, SyncRun
from mailgun_sync.services import sync as sync_module
from providers import http
from sandbox.server import Sandbox
from tests.mailgun_sync.conftest import stored_ids

pytestmark = pytest.mark.django_db

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MOST_BYTES = 64 * 1024


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", MOST_BYTES)


def add(mailgun: Sandbox, at: datetime, size: int = 0) -> str:
    added: dict[str, Any] = mailgun.add(timestamp=at, user_variables={"note": "x" * size})
    return str(added["id"])


@pytest.mark.slow
@pytest.mark.parametrize("size", [1_000, 10_000, 40_000, 60_000])
def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    mailgun: Sandbox, sync: Callable[..., SyncRun], now: datetime, size: int
) -> None:
    ids = [add(mailgun, now - 20 * MINUTE + number * SECOND, size if number >= 10 else 0) for number in range(30)]

    run = sync()

    assert (run.outcome, run.error) == ("succeeded", "")
    assert stored_ids() == sorted(ids)
    assert not SyncGap.objects.exists()


@pytest.mark.slow
def test_many_events_of_one_second_come_in_smaller_pages(
    mailgun: Sandbox, sync: Callable[..., SyncRun], now: datetime
) -> None:
    ids = [add(mailgun, now - 20 * MINUTE, 30_000) for _ in range(40)]

    assert sync().outcome == "succeeded"

    assert stored_ids() == sorted(ids)


@pytest.mark.slow
@pytest.mark.parametrize(
    "large",
    [[0], [9], [5], [5, 6], [2, 7], range(10)],
    ids=["the first", "the last", "one between", "two in a row", "two apart", "all"],
)
def test_an_event_that_is_too_large_leaves_a_gap_of_its_second(
    mailgun: Sandbox, domain: SendingDomain, sync: Callable[..., SyncRun], now: datetime, large: list[int]
) -> None:
    times = [(now - 20 * MINUTE).replace(microsecond=300_000) + number * 7 * SECOND for number in range(10)]
    ids = [add(mailgun, at, 2 * MOST_BYTES if number in large else 0) for number, at in enumerate(times)]

    run = sync()

    assert (run.outcome, run.error) == ("succeeded", "")
    assert stored_ids() == sorted(id for number, id in enumerate(ids) if number not in large)
    gaps = list(SyncGap.objects.order_by("begin"))
    assert [gap.begin <= times[number] <= gap.end for gap, number in zip(gaps, large, strict=True)] == [True] * len(
        gaps
    )
    assert {gap.end - gap.begin for gap in gaps} == {SECOND}
    said = freshness_notices(now, first=None, last=None)
    assert f"An event of {time_text(gaps[0].begin)} is missing: it is too large to be read." in said
    domain.refresh_from_db()
    assert domain.settled_through is not None
    assert sync().outcome == "succeeded", "the domain is past it"
    assert SyncGap.objects.count() == len(gaps), "a gap is recorded once"


@pytest.mark.parametrize("place", ["before", "after"])
def test_others_in_the_second_of_a_too_large_event_are_read_where_they_stand_before_it(
    mailgun: Sandbox, sync: Callable[..., SyncRun], now: datetime, place: str
) -> None:
    second = (now - 20 * MINUTE).replace(microsecond=0)
    add(mailgun, second + timedelta(milliseconds=500), 2 * MOST_BYTES)
    other = add(mailgun, second + timedelta(milliseconds=200 if place == "before" else 800))
    later = add(mailgun, second + SECOND)

    assert sync().outcome == "succeeded"

    assert set(stored_ids()) == {later} | ({other} if place == "before" else set())
    gap = SyncGap.objects.get()
    assert (gap.begin, gap.end) == (second, second + SECOND), "the gap says that more may be missing"


@pytest.mark.slow
def test_a_provider_that_has_nothing_but_too_large_events_ends_the_run_in_words(
    mailgun: Sandbox, sync: Callable[..., SyncRun], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "MOST_TOO_LARGE", 3)
    for number in range(4):
        add(mailgun, now - 20 * MINUTE + number * MINUTE, 2 * MOST_BYTES)

    run = sync()

    assert run.outcome == "failed"
    assert "more than 3 events that are too large" in run.error
    assert not MailgunEvent.objects.exists()
