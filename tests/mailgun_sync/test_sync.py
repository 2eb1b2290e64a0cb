"""Store early, settle late: the cursor, the sweeps, locks and failures."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
import time_machine
from django.db import DatabaseError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from structlog.testing import capture_logs

from core.leases import lease
from mailgun_sync import tasks
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain, SyncGap, SyncRun
from mailgun_sync.services import sync as sync_module
from mailgun_sync.services.domains import configured_domains, spread
from mailgun_sync.services.sync import AlreadyRunningError, lease_name, sync_domain
from sandbox.server import Sandbox
from tests.examples import examples
from tests.mailgun_sync import payloads
from tests.mailgun_sync.conftest import stored_ids
from tests.queue import do_at_once

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]

MINUTE = timedelta(minutes=1)

ABOUT = timedelta(seconds=20)


def settled(domain: SendingDomain) -> datetime:
    domain.refresh_from_db()
    assert domain.settled_through
    return domain.settled_through


def test_the_newest_events_are_stored_at_once_and_settled_half_an_hour_later(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    ids = mailgun.add_many(400, now - 50 * MINUTE, now)

    run = sync()

    assert stored_ids() == sorted(ids)
    assert abs(settled(domain) - (now - 30 * MINUTE)) < ABOUT
    assert (run.outcome, run.pages, run.events_seen, run.events_new) == ("succeeded", 2, 400, 400)


def test_the_next_run_begins_five_minutes_before_what_is_settled(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    mailgun.add_many(350, now - 50 * MINUTE, now)
    sync()
    before = settled(domain)

    run = sync()

    assert run.begin == before - 5 * MINUTE
    assert run.events_new == 0
    assert MailgunEvent.objects.count() == 350


def test_an_event_shown_20_minutes_late_is_found_by_the_next_run(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    sync()
    mailgun.add(id="late", timestamp=now - 20 * MINUTE)

    run = sync()

    assert stored_ids() == ["late"]
    assert run.late == 0


def test_an_event_shown_40_minutes_late_is_found_by_the_sweep_with_a_warning(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    sync()
    mailgun.add(id="late", timestamp=now - 40.5 * MINUTE)
    assert sync().events_new == 0

    with capture_logs() as logged:
        run = sync(sweep=timedelta(hours=72))

    assert stored_ids() == ["late"]
    assert (run.kind, run.late) == ("sweep", 1)
    assert 40 * MINUTE < run.latest_by < 42 * MINUTE
    assert MailgunEvent.objects.get().late_by == run.latest_by
    domain.refresh_from_db()
    assert domain.settle_after == 45 * MINUTE
    (warning,) = (line for line in logged if line["event"] == "mailgun_sync.late_events")
    assert (warning["log_level"], warning["late"]) == ("warning", 1)


@pytest.mark.slow
def test_the_waiting_time_at_most_doubles_and_is_never_lowered(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    sync()
    for hours, minutes in [(20, 60), (20.1, 120), (20.2, 240), (20.3, 360), (20.4, 360)]:
        mailgun.add(timestamp=now - timedelta(hours=hours))
        before = settled(domain)
        sync(sweep=timedelta(hours=72))
        assert settled(domain) >= before
        assert domain.settle_after == minutes * MINUTE

    sync()

    domain.refresh_from_db()
    assert domain.settle_after == timedelta(hours=6)


def test_a_fast_clock_settles_nothing_too_early(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    mailgun.clock.move(-600)

    run = sync()

    assert abs(settled(domain) - (now - 40 * MINUTE)) < ABOUT
    assert run.end
    assert abs(run.end - (now - 10 * MINUTE)) < ABOUT

    mailgun.clock.reset()
    mailgun.add(id="in those minutes", timestamp=now - 35 * MINUTE)
    assert sync().events_new == 1


def test_a_slow_clock_loses_nothing(mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime) -> None:
    mailgun.clock.move(600)
    mailgun.add(id="ahead", timestamp=now + 5 * MINUTE)

    sync()
    assert abs(settled(domain) - (now - 30 * MINUTE)) < ABOUT

    with time_machine.travel(now + 10 * MINUTE):
        sync()
    assert stored_ids() == ["ahead"]


@pytest.mark.parametrize("step", [timedelta(hours=-2), timedelta(days=-40), timedelta(days=40)])
def test_a_step_of_our_clock_loses_nothing(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime, step: timedelta
) -> None:
    mailgun.clock.stop(now)
    sync()
    before = settled(domain)
    mailgun.add(id="then", timestamp=now - MINUTE)

    with time_machine.travel(now + step):
        run = sync()

    assert run.outcome == ("succeeded" if step > timedelta(0) else "failed"), "the earlier clock counts"
    assert not run.error or "ours says" in run.error
    assert abs(settled(domain) - before) < ABOUT
    assert sync().outcome == "succeeded"
    assert stored_ids() == ["then"]
    assert not SyncGap.objects.exists()


def test_a_provider_clock_before_what_is_settled_is_an_error_in_words(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync
) -> None:
    sync()
    before = settled(domain)
    mailgun.clock.move(-7200)

    run = sync()

    assert "clock" in run.error
    assert settled(domain) == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["html", "repeated-next", "foreign-next"])
def test_a_failure_in_the_middle_keeps_the_pages_and_leaves_the_cursor(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime, fault: str
) -> None:
    sync()
    before = settled(domain)
    mailgun.add_many(700, now - 25 * MINUTE, now)
    mailgun.fail(fault, page=2)

    run = sync()

    assert run.outcome == "failed"
    assert settled(domain) == before
    assert domain.last_error == run.error != ""
    assert MailgunEvent.objects.count() >= 300

    assert sync().outcome == "succeeded"
    assert MailgunEvent.objects.count() == 700
    domain.refresh_from_db()
    assert domain.last_error == ""


def test_the_cursor_never_goes_back(mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime) -> None:
    sync()
    ahead = now - MINUTE
    SendingDomain.objects.update(settled_through=ahead)

    sync()

    assert settled(domain) == ahead


def test_a_bad_event_stops_neither_its_page_nor_the_cursor(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    mailgun.add_many(20, now - 20 * MINUTE, now - MINUTE)
    mailgun.add_raw(payloads.WITHOUT_TIMESTAMP, timestamp=now - 10 * MINUTE)

    run = sync()

    assert (run.outcome, run.events_new, run.quarantined) == ("succeeded", 20, 1)
    assert QuarantinedEvent.objects.get().raw == payloads.WITHOUT_TIMESTAMP
    assert sync().quarantined == 0


@pytest.mark.slow
def test_one_domain_that_fails_does_not_stop_the_others(
    mailgun: Sandbox, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailgun.add_domain("mg.two.example")
    settings.MAILGUN_DOMAINS = ["gone.example", mailgun.domain, "mg.two.example"]
    mailgun.add(id="one", timestamp=now)
    mailgun.add(id="two", timestamp=now, domain="mg.two.example")
    do_at_once(monkeypatch, tasks.sync_one)

    tasks.sync_all()

    assert stored_ids() == ["one", "two"]
    failed = SendingDomain.objects.exclude(last_error="").get()
    assert failed.name == "gone.example"
    assert "404" in failed.last_error


@examples(30)
@given(names=st.sets(st.from_regex(r"[a-z]{1,6}\.example", fullmatch=True), min_size=1, max_size=9), data=st.data())
def test_domains_share_the_minute_and_each_keeps_its_second(
    db: None, settings: Settings, names: set[str], data: st.DataObject
) -> None:
    SendingDomain.objects.all().delete()
    settings.MAILGUN_DOMAINS = data.draw(st.permutations(sorted(names)))
    found = spread(configured_domains())
    seconds = {SendingDomain.objects.get(pk=pk).name: second for pk, second in found}
    assert seconds == {name: 60 * place / len(names) for place, name in enumerate(sorted(names))}
    SendingDomain.objects.filter(pk__in=[pk for pk, _ in found[::2]]).update(paused=True)
    assert spread(configured_domains().filter(paused=False)) == found[1::2], "the others keep theirs"


def test_the_schedule_queues_each_domain_for_its_second(
    mailgun: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAILGUN_DOMAINS = ["a.example", "b.example", "c.example"]
    domains = list(configured_domains().order_by("name").values_list("pk", flat=True))
    queued: dict[Any, list[tuple[int, float]]] = {}
    for task in (tasks.sync_one, tasks.check_domain, tasks.read_suppressions):
        asked = queued[task] = []
        monkeypatch.setattr(
            task, "apply_async", lambda args, _, asked=asked, countdown=0, **__: asked.append((args[0], countdown))
        )
    tasks.sync_all()
    tasks.check_domains()
    tasks.read_all_suppressions()
    assert list(queued.values()) == [list(zip(domains, (0, 20, 40), strict=True))] * 3


def test_an_unexpected_error_ends_the_run_in_words_and_goes_to_the_log(
    domain: SendingDomain, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("private text")

    monkeypatch.setattr(sync_module, "_read", broken)

    with capture_logs() as logged:
        run = sync()

    assert run.outcome == "failed"
    assert "ZeroDivisionError" in run.error
    assert "private text" not in run.error
    assert [line["event"] for line in logged] == ["mailgun_sync.crashed"]


def test_a_paused_domain_is_left_out_of_the_schedule(
    mailgun: Sandbox, domain: SendingDomain, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailgun.add(timestamp=now)
    SendingDomain.objects.update(paused=True)
    do_at_once(monkeypatch, tasks.sync_one)

    tasks.sync_all()

    assert not MailgunEvent.objects.exists()


def test_a_domain_that_left_the_settings_is_not_read_any_more(domain: SendingDomain, settings: Settings) -> None:
    settings.MAILGUN_DOMAINS = []

    assert not configured_domains().exists()
    assert SendingDomain.objects.filter(pk=domain.pk).exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_second_sync_at_the_same_time_stands_back(mailgun: Sandbox, domain: SendingDomain) -> None:
    with lease(lease_name(domain.pk)):
        with pytest.raises(AlreadyRunningError):
            sync_domain(domain_id=domain.pk, wait=timedelta(seconds=0.5))
        tasks.sync_one(domain.pk)
        assert not SyncRun.objects.exists()

    assert sync_domain(domain_id=domain.pk, wait=timedelta(seconds=5)).outcome == "succeeded"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_long_catch_up_reads_slices_side_by_side(
    mailgun: Sandbox, domain: SendingDomain, settings: Settings, sync: Sync, now: datetime
) -> None:
    settings.MAILGUN_SLICES = 4
    SendingDomain.objects.update(settled_through=now - timedelta(days=2), covered_from=now - timedelta(days=9))
    ids = mailgun.add_many(3000, now - timedelta(days=2) + MINUTE, now)
    mailgun.latency = 0.1

    run = sync()

    assert mailgun.most_at_once == 4
    assert stored_ids() == sorted(ids)
    assert run.events_seen >= 3000
    assert run.late == 0
    assert abs(settled(domain) - (now - 30 * MINUTE)) < ABOUT


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_cursor_moves_only_when_every_slice_has_ended(
    mailgun: Sandbox, domain: SendingDomain, settings: Settings, sync: Sync, now: datetime
) -> None:
    settings.MAILGUN_SLICES = 4
    before = now - timedelta(days=2)
    SendingDomain.objects.update(settled_through=before, covered_from=before)
    ids = mailgun.add_many(3000, now - timedelta(days=2), now)
    mailgun.fail(403, skip=20)

    run = sync()

    assert run.outcome == "failed"
    assert settled(domain) == before
    assert len(mailgun.requests) < 60, "the other slices go on to their end"

    assert sync().outcome == "succeeded"
    assert stored_ids() == sorted(ids)


def test_a_lost_connection_is_not_taken_for_a_bad_event(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailgun.add(timestamp=now)

    def lost(*_: object, **__: object) -> None:
        raise DatabaseError("server closed the connection unexpectedly")

    monkeypatch.setattr("mailgun_sync.services.ingest._store", lost)

    assert sync().outcome == "failed"
    assert not QuarantinedEvent.objects.exists()


def test_every_run_is_recorded(domain: SendingDomain, sync: Sync) -> None:
    SyncRun.objects.create(domain=domain, kind="sync")  # of a process that was killed

    sync()

    assert list(SyncRun.objects.order_by("pk").values_list("outcome", "finished_at")) == [
        ("interrupted", ANY),
        ("succeeded", ANY),
    ]
    assert all(SyncRun.objects.values_list("finished_at", flat=True))
