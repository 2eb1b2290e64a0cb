"""The Logs API against the stand-in provider, and the change from the Events API to it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent
from mailgun_sync.client import LogsApi, ProviderError, reread
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain, SourceCount, SyncGap, SyncRun
from providers import http
from sandbox.server import Sandbox
from tests.mailgun_sync.conftest import stored_ids

pytestmark = pytest.mark.django_db

LOGS = "/v1/analytics/logs"
MINUTE = timedelta(minutes=1)
Sync = Callable[..., SyncRun]


@pytest.fixture
def source(mailgun: Sandbox) -> LogsApi:
    return LogsApi.of(mailgun.domain)


@pytest.fixture
def logs_alone(settings: Settings) -> None:
    settings.MAILGUN_SOURCE = "logs"


def read(source: LogsApi, now: datetime) -> list[str]:
    return [event.raw for page in source.pages(now - 60 * MINUTE, now) for event in page]


def fill(mailgun: Sandbox, now: datetime, count: int = 250) -> list[str]:
    return mailgun.add_many(count, now - 50 * MINUTE, now)


def test_it_reads_100_a_page_by_tokens_to_the_empty_page(mailgun: Sandbox, source: LogsApi, now: datetime) -> None:
    ids = fill(mailgun, now)

    assert [json.loads(raw)["id"] for raw in read(source, now)] == ids

    assert [request.page for request in mailgun.requests] == [1, 2, 3, 4]
    bodies = [request.json() for request in mailgun.requests]
    assert {(request.method, request.path) for request in mailgun.requests} == {("POST", LOGS)}
    assert all(body["pagination"]["limit"] == 100 for body in bodies)
    assert all(body["pagination"]["sort"] == "timestamp:asc" for body in bodies)
    assert len({body["start"] for body in bodies} | {body["end"] for body in bodies}) == 2
    assert "events" not in bodies[0], "so that unknown kinds come too"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"what": "repeated-next", "page": 2, "times": None}, "given already"),
        ({"what": "loop", "page": 2, "times": None}, "the same page"),
        ({"what": "foreign-next", "page": 1}, "without the token"),
        ({"what": "html"}, "MAILGUN_API_BASE"),
        ({"what": "items", "value": None}, "no list of events"),
        ({"what": 401}, "did not accept the API key"),
        ({"what": 403}, "may not read the logs"),
        ({"what": 404}, "no Logs API"),
    ],
    ids=lambda value: str(value.get("what")) if isinstance(value, dict) else "",
)
def test_what_ends_a_run(
    mailgun: Sandbox, source: LogsApi, now: datetime, fault: dict[str, object], words: str
) -> None:
    fill(mailgun, now)
    mailgun.fail(**fault)

    with pytest.raises(ProviderError, match=words):
        read(source, now)


@pytest.mark.parametrize("fault", [500, 503, "cut", "half", "lost", "short"])
def test_what_is_asked_for_again(mailgun: Sandbox, source: LogsApi, now: datetime, fault: int | str) -> None:
    ids = fill(mailgun, now)
    mailgun.fail(fault, page=2)

    assert [json.loads(raw)["id"] for raw in read(source, now)] == ids


def test_a_short_page_without_a_token_is_the_last(mailgun: Sandbox, source: LogsApi, now: datetime) -> None:
    ids = fill(mailgun, now, 7)
    mailgun.fail("foreign-next", page=1)

    assert len(read(source, now)) == len(ids)
    assert len(mailgun.requests) == 1


def test_events_of_another_domain_end_the_run(mailgun: Sandbox, source: LogsApi, now: datetime) -> None:
    mailgun.fail("poison", text='{"id": "x", "event": "delivered", "domain": {"name": "mg.elsewhere.example"}}')

    with pytest.raises(ProviderError, match="another domain"):
        read(source, now)


@pytest.mark.slow
@pytest.mark.usefixtures("logs_alone")
def test_a_sync_by_the_logs_api_moves_the_cursor_like_any_other(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    ids = fill(mailgun, now)

    run = sync()

    assert (run.outcome, run.source, run.pages, run.events_new) == ("succeeded", "logs", 3, 250)
    assert stored_ids() == sorted(ids)
    domain.refresh_from_db()
    assert domain.settled_through is not None
    assert abs(domain.settled_through - (now - 30 * MINUTE)) < timedelta(seconds=20)
    assert sync().events_new == 0
    assert not QuarantinedEvent.objects.exists()
    count = SourceCount.objects.get()
    assert (count.source, count.events_new) == ("logs", 250)
    assert count.events_seen > 250


@pytest.mark.slow
@pytest.mark.usefixtures("logs_alone")
def test_an_event_that_is_too_large_is_a_gap_of_a_second(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 64 * 1024)
    ids = [
        mailgun.add(timestamp=now - 20 * MINUTE + timedelta(seconds=n), user_variables={"n": "x" * size})["id"]
        for n, size in enumerate([10, 20_000, 20_000, 20_000, 20_000, 70_000, 10])
    ]

    assert sync().outcome == "succeeded"

    assert stored_ids() == sorted(ids[:5] + ids[6:])
    assert SyncGap.objects.get().is_too_large


@pytest.mark.usefixtures("logs_alone")
def test_a_page_that_fails_leaves_the_cursor(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    fill(mailgun, now)
    mailgun.fail(403, skip=2)

    assert sync().outcome == "failed"

    domain.refresh_from_db()
    assert domain.settled_through is None
    assert MailgunEvent.objects.count() == 100, "what was read stays"


# The change


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_when_the_events_api_is_gone_the_domain_changes_over_once(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime, status: int
) -> None:
    before = mailgun.add_many(10, now - 50 * MINUTE, now - 20 * MINUTE)
    assert sync().source == "events"
    after = mailgun.add_many(10, now - 20 * MINUTE, now)
    mailgun.events_api_gone = status

    run = sync()

    assert (run.outcome, run.source, run.error) == ("succeeded", "logs", "")
    assert stored_ids() == sorted(before + after)
    assert not QuarantinedEvent.objects.exists()
    assert run.late == 0
    trail = AuditEvent.objects.filter(action="mailgun_sync.source_changed")
    assert [(event.target, event.details) for event in trail] == [
        (domain.name, {"before": "Events API", "after": "Logs API"})
    ]
    mailgun.requests.clear()
    assert sync().source == "logs"
    assert {request.path for request in mailgun.requests} == {LOGS}
    assert trail.count() == 1


def test_a_domain_that_mailgun_does_not_know_changes_nothing(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync
) -> None:
    SendingDomain.objects.update(name="mg.unknown.example")

    run = sync()

    assert (run.outcome, run.source) == ("failed", "events")
    assert "does not know this domain" in run.error
    assert LOGS not in {request.path for request in mailgun.requests}


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_other_errors_are_no_reason_to_change(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, status: int, settings: Settings
) -> None:
    settings.MAILGUN_ATTEMPTS = 1
    mailgun.fail(status, times=None, reset_ms=10**8)

    run = sync()

    assert (run.outcome, run.source) == ("failed", "events")
    assert LOGS not in {request.path for request in mailgun.requests}


def test_who_wants_the_events_api_alone_is_told_that_it_is_gone(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, settings: Settings
) -> None:
    settings.MAILGUN_SOURCE = "events"
    mailgun.events_api_gone = 410

    run = sync()

    assert run.outcome == "failed"
    assert "MAILGUN_SOURCE" in run.error


def test_when_both_are_gone_the_run_fails_and_nothing_changes(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync
) -> None:
    mailgun.events_api_gone = 410
    mailgun.fail(404, times=None, path=LOGS)

    run = sync()

    assert (run.outcome, run.source) == ("failed", "events")
    domain.refresh_from_db()
    assert domain.source == "events"


@pytest.mark.slow
def test_a_backfill_goes_on_with_the_other_api(
    mailgun: Sandbox, domain: SendingDomain, sync_all: Callable[..., list[SyncRun]], now: datetime, settings: Settings
) -> None:
    settings.MAILGUN_RETENTION_DAYS = 3
    ids = mailgun.add_many(60, now - timedelta(days=2.9), now)
    mailgun.fail(500, skip=2, times=1, path="/events")
    settings.MAILGUN_ATTEMPTS = 1
    sync_all()
    mailgun.events_api_gone = 410

    runs = sync_all()

    assert {run.source for run in runs} == {"logs"}
    assert stored_ids() == sorted(ids)
    domain.refresh_from_db()
    assert domain.backfill_next is None


def test_the_recorded_sample_is_an_event() -> None:
    sample = (
        '{"id": "JDhSWf9mT5OFxCkZfpDU5d", "event": "failed", "@timestamp": "2024-07-08T16:30:18.530Z", '
        '"account": {"id": "12345"}, "delivery-status": {"message": "Turret client: server connection failed", '
        '"attempt-no": 5, "code": 680, "session-seconds": 15.026, "retry-seconds": 145}, "domain": {"name": '
        '"example.com"}, "recipient": "example@example.com"}'
    )
    event = reread(sample)
    assert (event.error, event.raw) == ("", sample)
    assert event.at.isoformat() == "2024-07-08T16:30:18.530000+00:00"


@pytest.mark.parametrize("time", ["", "yesterday", 5, None, "2024-13-08T16:30:18Z", [], "0000-01-01T00:00:00Z"])
def test_a_log_without_a_time_goes_to_quarantine(time: object) -> None:
    assert reread(json.dumps({"id": "x", "event": "delivered", "@timestamp": time})).error
