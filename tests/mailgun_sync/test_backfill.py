"""The backfill of earlier days, and the gaps that the provider leaves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailgun_sync.models import SendingDomain, SyncGap, SyncRun
from mailgun_sync.services.sync import start_backfill
from sandbox.server import Sandbox
from tests.mailgun_sync.conftest import stored_ids

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

Sync = Callable[..., SyncRun]

MINUTE = timedelta(minutes=1)

ABOUT = timedelta(seconds=20)


def test_the_first_run_looks_at_the_last_day_and_leaves_the_rest_to_the_backfill(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    recent = mailgun.add_many(10, now - timedelta(hours=23), now)
    mailgun.add_many(10, now - timedelta(days=29), now - timedelta(days=2))

    sync()

    assert stored_ids() == sorted(recent)
    domain.refresh_from_db()
    assert domain.covered_from == domain.backfill_until
    assert domain.backfill_from
    assert abs(domain.backfill_from - (now - timedelta(days=30))) < ABOUT


def test_the_backfill_reads_the_oldest_day_first_and_keeps_each_day(
    mailgun: Sandbox, domain: SendingDomain, sync_all: Callable[..., list[SyncRun]], now: datetime
) -> None:
    ids = mailgun.add_many(600, now - timedelta(days=29, hours=23), now)
    mailgun.fail(404, skip=25)

    runs = sync_all()

    assert [run.kind for run in runs[:2]] == ["sync", "backfill"]
    assert runs[-1].outcome == "failed"
    days = [run.begin for run in runs[1:]]
    assert all(day is not None for day in days)
    assert days == sorted(days)
    domain.refresh_from_db()
    assert domain.backfill_next == runs[-1].begin

    mailgun.clear_faults()
    again = sync_all()

    assert again[1].begin == runs[-1].begin
    assert stored_ids() == sorted(ids)
    domain.refresh_from_db()
    assert domain.backfill_next is None
    assert domain.covered_from
    assert abs(domain.covered_from - (now - timedelta(days=30))) < ABOUT
    assert sum(run.late for run in [*runs, *again]) == 0


def test_a_backfill_that_is_asked_for_reads_everything_again(
    mailgun: Sandbox, domain: SendingDomain, sync_all: Callable[..., list[SyncRun]], now: datetime
) -> None:
    assert not start_backfill(domain_id=domain.pk), "a domain that was never synced has one anyway"
    sync_all()
    mailgun.add(id="lost and found", timestamp=now - timedelta(days=20))

    assert start_backfill(domain_id=domain.pk)
    runs = sync_all()

    assert stored_ids() == ["lost and found"]
    assert len(runs) > 30


def test_hours_that_the_provider_forgot_become_a_gap(
    mailgun: Sandbox, domain: SendingDomain, sync: Sync, now: datetime
) -> None:
    away = now - timedelta(days=45)
    SendingDomain.objects.update(settled_through=away, covered_from=away - timedelta(days=9))
    mailgun.add(id="oldest there is", timestamp=now - timedelta(days=29, hours=23))
    mailgun.fail(403)
    assert sync().outcome == "failed"

    run = sync()

    gap = SyncGap.objects.get()
    assert gap.begin == away
    assert abs(gap.end - (now - timedelta(days=30))) < ABOUT
    assert run.begin == gap.end
    assert stored_ids() == ["oldest there is"]


def test_a_backfill_that_rested_too_long_leaves_a_gap(
    mailgun: Sandbox, domain: SendingDomain, sync_all: Callable[..., list[SyncRun]], now: datetime
) -> None:
    begin = now - timedelta(days=33)
    SendingDomain.objects.update(
        settled_through=now - timedelta(hours=1),
        covered_from=now - timedelta(days=28),
        backfill_from=begin,
        backfill_next=begin,
        backfill_until=now - timedelta(days=28),
    )

    sync_all()

    gap = SyncGap.objects.get()
    assert gap.begin == begin
    assert abs(gap.end - (now - timedelta(days=30))) < ABOUT
    domain.refresh_from_db()
    assert domain.covered_from == begin
