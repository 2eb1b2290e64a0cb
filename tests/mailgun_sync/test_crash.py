"""Real processes, killed at every step of a sync: the next run leaves exactly the provider's set of events."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, connections

from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from sandbox.server import Sandbox
from tests.examples import some
from tests.mailgun_sync.conftest import stored_ids
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Start = Callable[..., subprocess.Popen[str]]


def database_url() -> str:
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


@pytest.fixture
def start(mailgun: Sandbox) -> Iterator[Start]:
    """Start `manage.py sync_mailgun` as a separate process."""
    processes = []

    def start(*arguments: str, slices: int = 1) -> subprocess.Popen[str]:
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "MAILGUN_API_BASE": mailgun.url,
            "MAILGUN_API_KEY": mailgun.api_key,
            "MAILGUN_DOMAINS": mailgun.domain,
            "MAILGUN_SLICES": str(slices),
            "LEASE_SECONDS": "3",
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "sync_mailgun", "--json", *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    mailgun.release()
    for process in processes:
        process.kill()
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)


def kill_and_see_it_gone(process: subprocess.Popen[str]) -> None:
    kill(process)
    wait_until(lambda: not others_connected())


def others_connected() -> int:
    """Count the sessions of other processes. PostgreSQL ends them when it notices that a process is gone."""
    return ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )


def waiting_for_a_lock() -> bool:
    return bool(
        ask(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


def ask(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        number: int = cursor.fetchone()[0]
        return number


@contextmanager
def holding(sql: str) -> Iterator[None]:
    """Another session in whose transaction `sql` has taken a lock."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(sql)
        yield
    finally:
        other.rollback()
        other.close()


def finish(process: subprocess.Popen[str]) -> dict[str, object]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report: dict[str, object] = json.loads(out)
    return report


def assert_whole(ids: list[str]) -> None:
    assert stored_ids() == sorted(ids)
    assert not SyncRun.objects.filter(outcome="running").exists()


@pytest.fixture
def ids(mailgun: Sandbox, domain: SendingDomain, now: datetime) -> list[str]:
    """1,000 events of the last 20 minutes; the domain was synced before."""
    SendingDomain.objects.update(settled_through=now - timedelta(minutes=31), covered_from=now - timedelta(days=9))
    return mailgun.add_many(1000, now - timedelta(minutes=20), now - timedelta(minutes=1))


def cursor_of(domain: SendingDomain) -> datetime | None:
    domain.refresh_from_db()
    return domain.settled_through


def test_killed_while_a_page_is_on_its_way(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str]
) -> None:
    before = cursor_of(domain)
    held = mailgun.hold(page=2, mid_body=True)
    process = start()
    assert held.held.wait(PATIENCE)

    kill_and_see_it_gone(process)

    assert MailgunEvent.objects.count() == 300, "the first page was committed"
    assert cursor_of(domain) == before
    mailgun.release()
    finish(start())
    assert_whole(ids)


@pytest.mark.thorough
def test_killed_while_a_page_is_being_stored(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str]
) -> None:
    before = cursor_of(domain)
    with holding("LOCK TABLE mailgun_sync_mailgunevent IN SHARE MODE"):
        process = start()
        wait_until(waiting_for_a_lock)
        kill(process)

    wait_until(lambda: not others_connected())
    assert MailgunEvent.objects.count() == 0, "a page is stored whole or not at all"
    assert cursor_of(domain) == before
    finish(start())
    assert_whole(ids)


@pytest.mark.thorough
def test_killed_when_a_page_is_stored_but_not_yet_committed(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str]
) -> None:
    held = mailgun.hold(page=1)
    process = start()
    assert held.held.wait(PATIENCE)
    # The page's transaction ends by adding to the counts of its run.
    with holding("SELECT 1 FROM mailgun_sync_syncrun FOR NO KEY UPDATE"):
        mailgun.release()
        wait_until(waiting_for_a_lock)
        kill(process)

    wait_until(lambda: not others_connected())
    assert MailgunEvent.objects.count() == 0
    finish(start())
    assert_whole(ids)


def test_killed_after_the_last_page_before_the_cursor(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str]
) -> None:
    before = cursor_of(domain)
    with holding("SELECT 1 FROM mailgun_sync_sendingdomain FOR NO KEY UPDATE"):
        process = start()
        wait_until(waiting_for_a_lock)
        assert MailgunEvent.objects.count() == 1000, "every page was committed"
        kill(process)

    wait_until(lambda: not others_connected())
    assert cursor_of(domain) == before
    report = finish(start())
    assert (report["events_new"], report["events_seen"]) == (0, 1000)
    assert cursor_of(domain) != before
    assert_whole(ids)


@pytest.mark.thorough
@pytest.mark.parametrize("page", some([1, 2, 3, 4, 5], of=3))
def test_killed_between_any_two_pages(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str], page: int
) -> None:
    before = cursor_of(domain)
    held = mailgun.hold(page=page)
    process = start()
    assert held.held.wait(PATIENCE)

    kill_and_see_it_gone(process)

    assert MailgunEvent.objects.count() == min(300 * (page - 1), 1000)
    assert cursor_of(domain) == before
    assert SyncRun.objects.get().outcome == "running"
    mailgun.release()
    finish(start())
    assert_whole(ids)


@pytest.mark.thorough
def test_killed_in_the_middle_of_a_catch_up_in_slices(
    start: Start, mailgun: Sandbox, domain: SendingDomain, now: datetime
) -> None:
    before = now - timedelta(days=3)
    SendingDomain.objects.update(settled_through=before, covered_from=before)
    ids = mailgun.add_many(5000, before + timedelta(minutes=1), now)
    held = mailgun.hold(skip=25)
    process = start(slices=4)
    assert held.held.wait(PATIENCE)

    kill_and_see_it_gone(process)

    assert 0 < MailgunEvent.objects.count() < 5000
    assert cursor_of(domain) == before
    mailgun.release()
    finish(start(slices=4))
    assert_whole(ids)


@pytest.mark.thorough
def test_killed_in_the_middle_of_a_backfill(
    start: Start, mailgun: Sandbox, domain: SendingDomain, now: datetime
) -> None:
    ids = mailgun.add_many(600, now - timedelta(days=29), now)
    held = mailgun.hold(skip=30)
    process = start()
    assert held.held.wait(PATIENCE)

    kill_and_see_it_gone(process)

    domain.refresh_from_db()
    assert domain.backfill_next is not None
    assert domain.backfill_from is not None
    assert domain.backfill_next > domain.backfill_from, "days that were done are kept"
    mailgun.release()
    finish(start())
    assert_whole(ids)


def test_two_syncs_at_once_leave_one_of_each_event(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str]
) -> None:
    mailgun.latency = 0.05

    reports = [finish(process) for process in [start(), start()]]

    assert_whole(ids)
    assert sorted(report["events_new"] for report in reports) == [0, 1000]
    assert SyncRun.objects.filter(outcome="succeeded").count() == 2


@pytest.mark.thorough
def test_a_replayed_window_changes_nothing(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str], now: datetime
) -> None:
    finish(start())
    before = list(MailgunEvent.objects.order_by("pk").values())
    SendingDomain.objects.update(settled_through=now - timedelta(days=2))

    report = finish(start("--sweep", "72"))

    assert (report["events_new"], report["events_seen"]) == (0, 1000)
    assert list(MailgunEvent.objects.order_by("pk").values()) == before
