"""A provider that does not finish, and a sync that hangs: each has an end, and System Health says so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.tools import Tool
from core.dates import time_text
from core.models import Lease
from mailgun_sync import tasks
from mailgun_sync.choices import HUNG_AFTER
from mailgun_sync.client.source import PAGE_SECONDS
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from mailgun_sync.services import sync as sync_module
from mailgun_sync.services.sync import HUNG, TOOK_TOO_LONG, AlreadyRunningError, sync_domain
from providers import mailgun as facts
from sandbox.server import Sandbox
from tests.mailgun_sync.conftest import stored_ids
from tests.wait import PATIENCE, wait_until

MINUTE = timedelta(minutes=1)


@pytest.fixture
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "EVENTS_TIMEOUT", (1, 0.5))
    settings.MAILGUN_ATTEMPTS = 2


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("drip", "did not finish its answer within 0.5 seconds"),
        ("drip-head", "did not finish its answer within 0.5 seconds"),
        ("endless", "more than"),
        ("half", "broke off or is not JSON"),
        ("loop", "same page again"),
        ("repeated-next", "given already"),
    ],
)
def test_a_provider_that_does_not_finish_ends_the_run_in_words(
    mailgun: Sandbox,
    domain: SendingDomain,
    sync: Callable[..., SyncRun],
    now: datetime,
    impatient: None,
    fault: str,
    words: str,
) -> None:
    mailgun.add_many(700, now - 20 * MINUTE, now)
    mailgun.fail(fault, page=2, times=None, **({"seconds": 0.1} if "drip" in fault else {}))
    begun = time.monotonic()

    run = sync()

    assert time.monotonic() - begun < 10
    assert run.outcome == "failed"
    assert words in run.error
    assert MailgunEvent.objects.count() >= 300, "the first page stays"
    mailgun.clear_faults()
    assert sync().outcome == "succeeded", "the domain is free again"
    assert MailgunEvent.objects.count() == 700


@pytest.mark.django_db
def test_a_circle_of_several_pages_ends_the_run(
    mailgun: Sandbox, domain: SendingDomain, sync: Callable[..., SyncRun], now: datetime
) -> None:
    mailgun.add_many(900, now - 20 * MINUTE, now)
    mailgun.fail("loop", page=1)
    mailgun.fail("loop", page=2, times=None)

    run = sync()

    assert run.outcome == "failed"
    assert len(mailgun.requests) < 10


@pytest.mark.django_db
@pytest.mark.parametrize("next", ["http://[", "", None, 7, "events", "//elsewhere.example/", ["a"]])
def test_a_next_page_that_is_no_address_ends_the_run_in_words(
    mailgun: Sandbox, domain: SendingDomain, sync: Callable[..., SyncRun], now: datetime, next: object
) -> None:
    mailgun.add(timestamp=now)
    mailgun.fail("foreign-next", host=str(next))

    run = sync()

    assert run.outcome == "failed"
    assert "another host" in run.error


@pytest.fixture
def stopped(
    mailgun: Sandbox, domain: SendingDomain, now: datetime, settings: Settings
) -> Iterator[subprocess.Popen[bytes]]:
    """A sync in a process of its own that stands still in the middle of a page, and has the domain for long."""
    settings.LEASE_SECONDS = 600
    mailgun.add_many(700, now - 20 * MINUTE, now)
    held = mailgun.hold(page=2)
    environment = os.environ | {
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}",
        "MAILGUN_API_BASE": mailgun.url,
        "MAILGUN_API_KEY": mailgun.api_key,
        "MAILGUN_DOMAINS": mailgun.domain,
        "MAILGUN_SLICES": "1",
        "LEASE_SECONDS": str(settings.LEASE_SECONDS),
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sync_mailgun"],
        cwd=django_settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert held.held.wait(PATIENCE)
    os.kill(process.pid, signal.SIGSTOP)
    mailgun.release()
    yield process
    process.kill()
    process.wait(PATIENCE)


@pytest.fixture
def page(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Callable[[], str]:
    """The page System Health, as text."""
    reader = signed_in(make_user(Tool.MAILGUN_SYNC))
    return lambda: reader.get(reverse("web:system_health")).content.decode()


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_syncs_that_find_one_at_work_leave_the_domain_to_it_and_say_so(
    stopped: subprocess.Popen[bytes], domain: SendingDomain, page: Callable[[], str]
) -> None:
    running = SyncRun.objects.get()
    with pytest.raises(AlreadyRunningError, match=f"running, since {time_text(running.started_at)}; its last sign"):
        sync_domain(domain_id=domain.pk)
    assert "A later sync found it running and left the work to it." in page()

    tasks.sync_one(domain.pk)

    assert SyncRun.objects.get().skipped == 2
    text = page()
    assert "2 later syncs found it running and left the work to it." in text
    assert "It hangs" not in text


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_sync_that_hangs_loses_its_domain_to_the_next_one(
    stopped: subprocess.Popen[bytes], mailgun: Sandbox, domain: SendingDomain, page: Callable[[], str]
) -> None:
    hung = SyncRun.objects.get()
    SyncRun.objects.update(seen_at=datetime.now(hung.started_at.tzinfo) - HUNG_AFTER - MINUTE)
    assert "It hangs: no sign of life since" in page()

    run = sync_domain(domain_id=domain.pk, wait=timedelta(seconds=PATIENCE))

    assert run.outcome == "succeeded"
    hung.refresh_from_db()
    assert (hung.outcome, hung.error) == ("interrupted", HUNG)
    assert HUNG in page()
    # The process that hung goes on. Its run has ended, so it stores nothing any more.
    domain.refresh_from_db()
    before = (stored_ids(), domain.settled_through, domain.last_error)
    os.kill(stopped.pid, signal.SIGCONT)
    wait_until(lambda: stopped.poll() is not None)
    domain.refresh_from_db()
    assert (stored_ids(), domain.settled_through, domain.last_error) == before
    assert len(stored_ids()) == 700
    assert not SyncRun.objects.running().exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_sync_that_stands_still_loses_its_domain_when_its_lease_ends(
    stopped: subprocess.Popen[bytes], mailgun: Sandbox, domain: SendingDomain
) -> None:
    Lease.objects.update(until=Now())  # as if LEASE_SECONDS had gone by

    run = sync_domain(domain_id=domain.pk)

    assert run.outcome == "succeeded"
    os.kill(stopped.pid, signal.SIGCONT)
    wait_until(lambda: stopped.poll() is not None)
    assert sorted(SyncRun.objects.values_list("outcome", flat=True)) == ["interrupted", "succeeded"]
    assert len(stored_ids()) == 700


@pytest.mark.django_db
def test_each_page_is_a_sign_of_life(
    mailgun: Sandbox, domain: SendingDomain, sync: Callable[..., SyncRun], now: datetime
) -> None:
    mailgun.add_many(20, now - 20 * MINUTE, now)

    run = sync()

    assert run.seen_at > run.started_at


def test_a_page_ends_before_its_run_counts_as_hung() -> None:
    connect, whole = facts.EVENTS_TIMEOUT
    last_attempt = facts.LONGEST_RATE_LIMIT + timedelta(seconds=connect + whole)
    assert timedelta(seconds=PAGE_SECONDS) + last_attempt < HUNG_AFTER
    assert timedelta(seconds=tasks.LONGEST_SYNC) > HUNG_AFTER


@pytest.mark.django_db
def test_a_sync_without_an_end_is_stopped_and_says_so_in_words(
    mailgun: Sandbox, domain: SendingDomain, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **options: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(sync_module, "store_events", stop)
    mailgun.add(timestamp=now)

    tasks.sync_one(domain.pk)

    run = SyncRun.objects.get()
    assert (run.outcome, run.error) == ("failed", TOOK_TOO_LONG)
    assert "6 hours" in TOOK_TOO_LONG
