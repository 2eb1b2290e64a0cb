"""A hundred reports wait, and neither a cancel nor a sync waits for them, with real workers and a real queue."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.db import connection
from django.utils import timezone
from kombu import Connection

from accounts.models import User
from accounts.tools import Tool
from core.queue import call_worker
from listings.registry import registry
from mailgun_sync.models import SyncRun
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.tasks import sync_one
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from reports import tasks
from reports.kinds import report_of
from reports.models import ReportJob
from reports.services import request_report
from reports.writers import Format
from sandbox.server import Sandbox
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.valkey import Valkey
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
REPORTS, LONGEST = 100, 2.0


@pytest.fixture
def own_queue(broker: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this test queues goes to its own broker."""
    there: dict[str, Any] = {"connection": Connection(broker.url.replace("unix://", "redis+socket://"))}
    queue = Task.apply_async

    def queue_there(task: Any, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return queue(task, args, kwargs, **there | options)

    monkeypatch.setattr(Task, "apply_async", queue_there)


@pytest.fixture
def workers(folder: Path, broker: Valkey, sandbox: Sandbox, settings: Any) -> Iterator[Celery]:
    """One process for reports, one for messages and the sync; the sandbox is Mailgun."""
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    mailgun = {
        "MAILGUN_API_BASE": sandbox.url,
        "MAILGUN_API_KEY": sandbox.api_key,
        "MAILGUN_DOMAINS": sandbox.domain,
        "REPORT_FOLDER": str(folder / "reports"),
        "LOCK_SECONDS": "600",
    }
    celery = Celery(folder, broker, mailgun)
    for queues in ("reports", "dispatch,sync"):
        celery.run("worker", f"--hostname={queues[:3]}@%h", f"--queues={queues}", "--pool=solo")
    yield celery
    celery.kill()


@pytest.fixture
def endless_reports() -> Iterator[None]:
    """A report of Replies waits for the table, which nobody else here reads, until the test is over."""
    other = connection.copy()
    with closing(other):
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE messenger_logs_reply IN ACCESS EXCLUSIVE MODE")
        yield


def ask_for_reports(owners: list[User]) -> None:
    """Let them wait in PostgreSQL, with a task for each in the queue."""
    listing = registry["replies"].open(owners[0], {})
    request_report(report_of(listing), format=Format.PDF, by=owners[0])
    job = ReportJob.objects.get()
    for number in range(1, REPORTS):
        job.pk, job.owner = None, owners[number % len(owners)]
        job.save(force_insert=True)
    for pk in ReportJob.objects.values_list("pk", flat=True):
        assert call_worker(tasks.make, pk)


def test_a_hundred_reports_delay_neither_a_cancel_nor_a_sync(
    endless_reports: None, workers: Celery, own_queue: None, due_message: Due, make_user: Callable[..., User]
) -> None:
    owners = [make_user(Tool.REPLIES) for _ in range(4)]
    domain = configured_domains().get()

    def seconds_of_a_cancel_and_a_sync() -> float:
        message = due_message(Mode.TEXT, 5, scheduled_at=timezone.now() + timedelta(days=1))
        runs, began = SyncRun.objects.count(), time.monotonic()
        cancel_message(message_id=message.pk, by=owners[0])
        assert call_worker(sync_one, domain.pk)
        ended = SyncRun.objects.exclude(finished_at=None)
        wait_until(lambda: SentMessage.objects.filter(pk=message.pk).exclude(cancel_completed_at=None).exists())
        wait_until(lambda: ended.count() > runs)
        return time.monotonic() - began

    seconds_of_a_cancel_and_a_sync()  # the workers are up
    usual = seconds_of_a_cancel_and_a_sync()
    ask_for_reports(owners)
    wait_until(lambda: ReportJob.objects.filter(status="running").exists())

    assert seconds_of_a_cancel_and_a_sync() - usual < LONGEST
    states = Counter(ReportJob.objects.values_list("status", flat=True))
    assert states == {"running": 1, "queued": REPORTS - 1}, "the others waited all the time"
