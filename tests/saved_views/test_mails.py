"""The mail that says a scheduled report is there: once, without names, and with the file only where that is allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail

from accounts.models import AuditEvent, GroupPolicy, User
from accounts.tools import Tool
from reports.models import ReportJob
from reports.services import cancel, make_report
from saved_views.models import ReportSchedule, ScheduledReport
from saved_views.querysets import MOST_TRIES
from saved_views.services.mails import send_mails
from saved_views.services.running import run_schedules
from tests.messenger_logs.factories import make_message
from tests.saved_views.factories import make_schedule, make_view
from tests.stored import path_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

SIX = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG, email="owner@example.org", last_name="marked-name")


@pytest.fixture
def job(owner: User, settings: Any) -> ReportJob:
    """A report that a schedule asked for, of a view that is about a person."""
    settings.SITE_URL = "https://messages.example.org"
    make_message(subject="marked-subject")
    view = make_view(owner, listing="admin_mailgun_message_log", name="marked-view", values={"recipient": "marked-a"})
    make_schedule(view, next_at=SIX)
    run_schedules(now=SIX)
    return ReportJob.objects.get()


def test_a_finished_report_is_said_once_with_a_link_and_without_names(job: ReportJob) -> None:
    assert send_mails() == 0, "it is not made yet"
    make_report(job_id=job.pk)
    assert [send_mails(), send_mails()] == [1, 0]
    [sent] = mail.outbox
    assert sent.to == ["owner@example.org"]
    assert f"https://messages.example.org/my-reports/{job.pk}/" in sent.body
    assert "ready" in sent.subject
    assert "Mailgun Message Log" in sent.body
    assert "marked" not in sent.subject + sent.body
    assert sent.attachments == []


def test_a_failed_report_is_said_too(job: ReportJob, owner: User) -> None:
    owner.groups.clear()
    make_report(job_id=job.pk)
    assert send_mails() == 1
    assert "not made" in mail.outbox[0].subject


@pytest.mark.parametrize("change", ["closed", "no address", "canceled", "no mail server"])
def test_nobody_else_is_told(job: ReportJob, owner: User, settings: Any, change: str) -> None:
    if change == "canceled":
        cancel(job=job, by=owner)
    else:
        make_report(job_id=job.pk)
    if change == "closed":
        User.objects.update(is_active=False)
    if change == "no address":
        User.objects.update(email="")
    if change == "no mail server":
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert send_mails() == 0
    assert mail.outbox == []
    assert not ScheduledReport.objects.unmailed().exists()


def test_a_mail_server_that_is_away_is_tried_again_some_times(
    job: ReportJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError("owner@example.org")

    make_report(job_id=job.pk)
    with monkeypatch.context() as patch:
        patch.setattr("core.mail.EmailMessage.send", refuse)
        assert send_mails() == 0
    assert "owner@" not in caplog.text
    assert send_mails() == 1
    ScheduledReport.objects.update(mailed_at=None, tries=MOST_TRIES)
    assert send_mails() == 0


# In turn all of these, and all but one.
ALLOWED = {"setting": True, "schedule": True, "megabytes": 10, "rights": True, "factor": False}


@pytest.mark.parametrize(
    "but", [{}, *({name: not value if name != "megabytes" else 0} for name, value in ALLOWED.items())]
)
def test_the_file_goes_out_only_where_all_allow_it(
    job: ReportJob, owner: User, settings: Any, but: dict[str, Any]
) -> None:
    given = ALLOWED | but
    settings.REPORT_ATTACHMENTS, settings.REPORT_ATTACHMENT_MEGABYTES = given["setting"], given["megabytes"]
    ReportSchedule.objects.update(attach=given["schedule"])
    make_report(job_id=job.pk)
    if not given["rights"]:
        owner.groups.clear()
    if given["factor"]:
        settings.FACTOR_AGAIN_ROWS = -1
        GroupPolicy.objects.create(group=Group.objects.get(user=owner), second_factor=True)
    assert send_mails() == 1
    [sent] = mail.outbox
    assert len(sent.attachments) == (0 if but else 1)
    assert ("It is attached." in sent.body) == (not but)
    assert AuditEvent.objects.filter(action="scheduled_report.attached").exists() == (not but)
    if not but:
        [(name, content, content_type)] = sent.attachments
        job.refresh_from_db()
        assert name.endswith(".csv")
        assert content_type == "text/csv; charset=utf-8"
        assert (content if isinstance(content, bytes) else content.encode()) == path_of(job).read_bytes()


def test_report_and_mail_are_in_the_language_of_the_reader(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(language="es")
    make_message()
    schedule = make_schedule(make_view(owner, listing="admin_mailgun_message_log"), next_at=SIX)
    run_schedules(now=SIX)
    schedule.refresh_from_db()
    assert schedule.note.endswith("se pidió 1 informe.")
    job = ReportJob.objects.get()
    make_report(job_id=job.pk)
    assert job.language == "es"
    assert path_of(ReportJob.objects.get()).read_text("utf-8-sig").startswith("Título,Informe de mensajes de Mailgun")
    send_mails()
    [sent] = mail.outbox
    assert "su informe programado está listo" in sent.subject
    assert "previsto para 11/20/2026 6:00 AM está listo, en CSV." in sent.body
    ran = AuditEvent.objects.get(action="scheduled_report.ran")
    assert "Mailgun Message Log" in ran.target
