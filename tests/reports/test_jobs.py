"""Reports that are made in the background: asked for, made, found again, canceled, removed."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.tools import Tool
from core.files import atomic_file
from core.leased_jobs import lease
from core.leased_jobs.line import MOST_TRIES, gave_up
from messenger_logs.services.totals import recount
from reports import files, services, tasks
from reports.models import ReportJob
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.queue import note_queued
from tests.reports.messages import csv_of, elsewhere, message_by
from tests.stored import path_of
from tests.wait import PATIENCE, wait_until
from web.views import reports

pytestmark = pytest.mark.django_db(transaction=True)

Status = ReportJob.Status


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: Any) -> list[int]:
    """What is queued is noted, and made by nobody."""
    return note_queued(monkeypatch, tasks.make)


@pytest.fixture(autouse=True)
def everything_is_large(settings: Any) -> None:
    settings.REPORT_AT_ONCE_ROWS = 0


@pytest.fixture
def owner(make_user):
    return make_user(Tool.SENT_MESSAGE_LOG, username="owner")


@pytest.fixture
def client(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def message(owner):
    found = message_by("email", sender=owner, subject="Snow day")
    for _ in range(3):
        make_delivery(make_recipient(found))
    recount(message_id=found.pk)
    return found


def ask(client, message, **choices) -> ReportJob:
    query = {"devices": "email", "format": "csv", "rows_only": "on"} | choices
    response = client.get(reverse("web:sent_message_log_message_report", kwargs={"pk": message.pk}), query)
    job = ReportJob.objects.latest("pk")
    assert response["Location"] == address("job", job)
    return job


def address(name: str, job: ReportJob) -> str:
    return reverse(f"web:report_{name}", kwargs={"pk": job.pk})


def files_left() -> list[str]:
    folder = Path(settings.REPORT_FOLDER)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.slow
def test_a_large_report_is_queued_made_and_downloaded(client, message, no_worker):
    job = ask(client, message)
    assert no_worker == [job.pk]
    assert "made in the background" in client.get(address("job", job)).content.decode()
    assert client.get(address("file", job)).status_code == 404
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.rows_done, job.rows_total, job.size) == (Status.DONE, 3, 3, path_of(job).stat().st_size)
    assert files_left() == [path_of(job).name]
    assert path_of(job).stat().st_mode & 0o077 == 0
    response = client.get(address("file", job))
    assert response["Content-Disposition"] == f'attachment; filename="sent-message-report-{message.pk}.csv"'
    assert len(csv_of(response)) == 4
    assert AuditEvent.objects.filter(action="report.sent_message").count() == 1
    downloaded = AuditEvent.objects.get(action="report.downloaded")
    assert downloaded.details == {"report": job.pk, "kind": "sent-message", "message": message.pk}


@pytest.mark.slow
def test_the_name_of_a_file_says_nothing_of_people(client, message):
    message.subject = "Mai was absent"
    message.save()
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert path_of(job).name == f"{job.pk}-{job.claim}.csv"


@pytest.mark.slow
def test_asked_for_twice_it_is_made_once(client, message):
    assert ask(client, message) == ask(client, message)
    assert ask(client, message, format="pdf") != ask(client, message, format="docx")
    assert ReportJob.objects.count() == 3


@pytest.mark.slow
def test_my_reports_lists_ones_own_and_nobody_sees_those_of_others(client, message, make_user, signed_in):
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    page = client.get(reverse("web:my_reports")).content.decode()
    assert "Snow day" in page
    assert "Report Detail: All; Include Recipient Devices: Email" in page
    stranger = signed_in(make_user(Tool.SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG_2, Tool.ADMIN_RECIPIENT_LOG))
    assert "Snow day" not in stranger.get(reverse("web:my_reports")).content.decode()
    assert "No reports." in stranger.get(reverse("web:my_reports")).content.decode()
    for name in ("job", "file"):
        assert stranger.get(address(name, job)).status_code == 404
    for name in ("cancel", "remove"):
        assert stranger.post(address(name, job)).status_code == 404
    assert ReportJob.objects.get().ready


@pytest.mark.slow
def test_who_may_see_the_message_may_have_its_report(client, message, make_user, signed_in):
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    colleague = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, username="colleague"))
    assert len(csv_of(colleague.get(address("file", job)))) == 4
    assert AuditEvent.objects.get(action="report.downloaded").who == "colleague"
    page = colleague.get(address("job", job)).content.decode()
    assert "by owner" in page
    assert "Remove" not in page
    assert "Snow day" not in colleague.get(reverse("web:my_reports")).content.decode()
    for name in ("cancel", "remove"):
        assert colleague.post(address(name, job)).status_code == 404


@pytest.mark.slow
def test_a_report_of_a_list_is_its_owners_alone(client, message, make_user, signed_in):
    response = client.get(reverse("web:sent_message_log"), {"export": "csv"})
    job = ReportJob.objects.get(kind="listing")
    assert response["Location"] == address("job", job)
    services.make_report(job_id=job.pk)
    assert client.get(address("file", job)).status_code == 200
    colleague = signed_in(make_user(Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG))
    assert colleague.get(address("file", job)).status_code == 404


@pytest.mark.slow
def test_a_list_that_is_cut_says_so(client, message, monkeypatch):
    ask(client, message)
    ask(client, message, format="pdf")
    monkeypatch.setattr(reports, "SHOWN", 2)
    assert "newest" not in client.get(reverse("web:my_reports")).content.decode()
    ask(client, message, format="docx")
    page = Shown(client.get(reverse("web:my_reports")))
    assert "These are the newest 2 reports." in page.html
    assert page.texts("//tbody//td[3]") == ["DOCX", "PDF"]


@pytest.mark.slow
def test_a_report_that_waits_says_its_place_in_the_line(client, message, make_user, settings):
    settings.REPORTS_AT_ONCE = 1
    job = ask(client, message)
    for _ in range(2):
        others = {"kind": "listing", "format": "csv", "title": "x", "asked_at": job.asked_at - timedelta(hours=1)}
        ReportJob.objects.create(owner=make_user(), options={}, expires_at=job.expires_at, **others)
    assert "It waits for its turn. Place in the line: 3." in client.get(address("job", job)).content.decode()
    page = client.get(reverse("web:my_reports")).content.decode()
    assert "Place in the line: 3." in page
    assert "One of your reports is made at a time" in page
    services.make_report(job_id=job.pk)
    page = client.get(reverse("web:my_reports")).content.decode()
    assert "Place in the line" not in page
    assert "at a time" not in page


@pytest.mark.slow
def test_a_file_is_given_only_while_its_owner_may_see_the_message(client, message, owner):
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    assert client.get(address("file", job)).status_code == 200
    message.sender = None
    message.save()
    assert client.get(address("file", job)).status_code == 404
    message.sender = owner
    message.save()
    owner.groups.clear()
    assert client.get(address("file", job)).status_code == 403


@pytest.mark.slow
def test_a_right_that_is_lost_before_it_is_made_makes_no_file(client, message, owner):
    job = ask(client, message)
    owner.groups.clear()
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.FAILED, services.NO_LONGER)
    assert files_left() == []


@pytest.mark.slow
def test_progress_is_a_bar_with_a_number(client, message):
    job = ask(client, message)
    fields = {"status": "running", "claim": "0" * 32, "lease_until": timezone.now()}
    ReportJob.objects.update(rows_done=250_000, rows_total=1_000_000, **fields)
    page = Shown(client.get(address("job", job)))
    assert page.root.xpath("//progress/@value") == ["25"]
    assert "25 % (250,000 of 1,000,000 rows)" in page.html
    fragment = client.get(address("job", job), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "25 %" in fragment


# Cancel


@contextmanager
def stopped_at_rows(monkeypatch: Any, then: Callable[[], None]):
    """The first time that the writer tells its progress, something happens."""
    real = lease.Lease.progress

    def progress(self: Any, rows: int) -> None:
        if not self.lost.is_set():
            elsewhere(then)
            assert self.lost.wait(PATIENCE)
        real(self, rows)

    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.05)
    monkeypatch.setattr(lease.Lease, "progress", progress)
    yield


@pytest.mark.slow
def test_a_canceled_report_stops_and_leaves_nothing(client, message, monkeypatch):
    job = ask(client, message)
    with stopped_at_rows(monkeypatch, lambda: client.post(address("cancel", job))):
        services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == Status.CANCELED
    assert files_left() == []
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == Status.CANCELED
    assert AuditEvent.objects.filter(action="report.canceled").count() == 1


@pytest.mark.slow
def test_a_finished_report_cannot_be_canceled_but_removed(client, message):
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    client.post(address("cancel", job))
    job.refresh_from_db()
    assert job.ready
    client.post(address("remove", job))
    assert not ReportJob.objects.exists()
    assert files_left() == []


@pytest.mark.slow
def test_a_report_that_is_being_made_is_not_removed(client, message):
    job = ask(client, message)
    client.post(address("remove", job))
    assert ReportJob.objects.filter(pk=job.pk).exists()


# Leases


@pytest.mark.slow
def test_of_many_workers_one_makes_it(client, message, monkeypatch):
    job = ask(client, message)
    made = []
    real = services.write_report
    monkeypatch.setattr(services, "write_report", lambda *args, **kwargs: made.append(1) or real(*args, **kwargs))

    def make_report(_: int) -> None:
        try:
            services.make_report(job_id=job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as workers:
        list(workers.map(make_report, range(6)))
    assert made == [1]
    assert ReportJob.objects.get().ready
    assert len(files_left()) == 1


@pytest.mark.slow
def test_a_worker_that_lost_its_lease_stops_and_leaves_the_report_to_the_other(client, message, monkeypatch):
    job = ask(client, message)

    def taken_over() -> None:
        ReportJob.objects.update(claim="1" * 32, lease_until=timezone.now() + timedelta(minutes=1))

    with stopped_at_rows(monkeypatch, taken_over):
        services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == Status.RUNNING
    assert job.claim.hex == "1" * 32
    assert files_left() == []


def a_worker(job: ReportJob) -> subprocess.Popen[bytes]:
    """A process that makes the report."""
    url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    code = f"import django; django.setup(); from reports.services import make_report; make_report(job_id={job.pk})"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REPORT_FOLDER": str(settings.REPORT_FOLDER),
    }
    return subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment)


def many_deliveries(message: Any, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messenger_logs_recipient
                (message_id, person_id, name, student_number, student_name, merge_fields, counted)
            SELECT %s, 'p' || n, 'Parent ' || n, '', '', '{}', true FROM generate_series(1, %s) AS n
            """,
            [message.pk, number],
        )
        cursor.execute(
            """
            INSERT INTO messenger_logs_delivery (message_id, recipient_id, mode, address, duplicate, status, detail,
                outcome, attempt_count, provider_id, email_outcome, email_reason)
            SELECT message_id, id, 'email', 'p' || id || '@example.com', false, 'sent', '', 'success', 1, '', '', ''
            FROM messenger_logs_recipient WHERE message_id = %s AND person_id LIKE 'p%%'
            """,
            [message.pk],
        )
    recount(message_id=message.pk)


@pytest.mark.thorough
@pytest.mark.slow
def test_the_report_of_a_killed_worker_is_taken_up_again_once_its_lease_is_over(client, owner, no_worker):
    message = message_by("email", sender=owner)
    many_deliveries(message, 60_000)
    job = ask(client, message, format="pdf")
    worker = a_worker(job)
    try:
        wait_until(lambda: ReportJob.objects.filter(pk=job.pk, rows_done__gt=0).exists())
        assert files_left()[0].endswith(".part")
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)
    job.refresh_from_db()
    first = job.claim
    assert job.status == Status.RUNNING

    # As long as its lease is not over, nobody takes it up.
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert job.claim == first

    ReportJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1), format="csv")
    ReportJob.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    no_worker.clear()
    tasks.requeue_orphaned()
    assert no_worker == [job.pk]
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.rows_done, job.tries) == (Status.DONE, 60_000, 2)
    assert len(csv_of(client.get(address("file", job)))) == 60_001

    # What the killed one left is swept away.
    part = next(path for path in Path(settings.REPORT_FOLDER).iterdir() if path.suffix == ".part")
    os.utime(part, (0, 0))
    services.delete_expired()
    assert files_left() == [path_of(job).name]


@pytest.mark.slow
def test_a_report_whose_task_was_lost_is_taken_up(client, message, no_worker):
    job = ask(client, message)
    no_worker.clear()
    tasks.requeue_orphaned()
    assert no_worker == []
    ReportJob.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    tasks.requeue_orphaned()
    assert no_worker == [job.pk]


@pytest.mark.slow
def test_a_report_that_ends_its_worker_again_and_again_is_given_up(client, message):
    job = ask(client, message)
    fields = {"status": "running", "claim": "0" * 32, "lease_until": timezone.now() - timedelta(minutes=1)}
    ReportJob.objects.update(tries=MOST_TRIES, **fields)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.FAILED, gave_up())


# What goes wrong


@pytest.mark.slow
def test_a_full_disk_is_a_clear_error_and_no_half_file(client, message, monkeypatch):
    job = ask(client, message)

    def full(format: Any, document: Any, file: Any, *, progress: Any) -> int:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert "no room left on the disk" in client.get(address("job", job)).content.decode()
    assert files_left() == []
    assert client.get(address("file", job)).status_code == 404


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_very_end_leaves_no_half_file(tmp_path):
    # The device takes what is written into the buffer, and refuses it when the file is closed.
    (tmp_path / "report.csv.part").symlink_to("/dev/full")
    with (
        pytest.raises(files.NotMade, match="no room"),
        files.refuse_full_disk(),
        atomic_file(tmp_path / "report.csv") as file,
    ):
        file.write(b"a few bytes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_nobody_thought_of_fails_in_words(client, message, monkeypatch, caplog):
    job = ask(client, message)

    def broken(*args: Any, **kwargs: Any) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr(files, "write", broken)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (Status.FAILED, services.FAILED)
    assert files_left() == []
    assert "Snow day" not in caplog.text


@pytest.mark.slow
def test_a_report_is_removed_with_its_file_after_its_days(client, message, settings):
    settings.REPORT_DAYS = 2
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    tasks.delete_expired()
    assert len(files_left()) == 1
    assert services.delete_expired(now=timezone.now() + timedelta(days=1, hours=23)) == 0
    assert services.delete_expired(now=timezone.now() + timedelta(days=2, minutes=1)) == 1
    assert not ReportJob.objects.exists()
    assert files_left() == []


@pytest.mark.slow
def test_a_file_that_is_gone_is_not_found(client, message):
    job = ask(client, message)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    path_of(job).unlink()
    assert client.get(address("file", job)).status_code == 404
