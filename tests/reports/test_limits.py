"""How many reports, and how many bytes of them, one person may have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tools import Tool
from listings.registry import registry
from reports import services, tasks
from reports.files import NotMade
from reports.kinds import report_of
from reports.models import ReportJob
from reports.writers import Format
from tests.messenger_logs.factories import make_message
from tests.queue import note_queued

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/messenger-administration/sent-message-log/"


@pytest.fixture(autouse=True)
def everything_is_large_and_waits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REPORT_AT_ONCE_ROWS = 0
    settings.REPORT_UNFINISHED_EACH = 2
    settings.REPORT_MEGABYTES_EACH = 1
    note_queued(monkeypatch, tasks.make)


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    make_message()
    return make_user(Tool.ADMIN_SENT_MESSAGE_LOG)


@pytest.fixture
def client(owner: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(owner)


def export(client: Client, subject: str = "") -> Any:
    return client.get(ADDRESS, {"export": "csv", "subject": subject})


@pytest.mark.slow
def test_nobody_has_more_unfinished_reports_than_the_limit(client: Client, make_user: Any, signed_in: Any) -> None:
    assert [export(client, subject).status_code for subject in ("a", "b", "r")] == [302, 302, 429]
    assert "Too many of your reports" in export(client, "r").content.decode()
    assert export(client, "b").status_code == 302, "the same report again is no further report"
    assert ReportJob.objects.count() == 2
    other = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG))
    assert export(other, "a").status_code == 302, "others have a limit of their own"
    services.make_report(job_id=ReportJob.objects.earliest("pk").pk)
    assert export(client, "r").status_code == 302, "a finished one makes room"


@pytest.mark.slow
def test_the_limit_holds_for_requests_at_the_same_moment(owner: User) -> None:
    def ask(number: int) -> bool:
        try:
            listing = registry["admin_sent_message_log"].open(owner, {"subject": "Library"[:number]})
            services.request_report(report_of(listing), format=Format.CSV, by=owner)
        except NotMade:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == 2


def kept(owner: User, size: int) -> ReportJob:
    """A finished report of this size. Nobody reads its file."""
    now = timezone.now()
    fields = {"kind": "listing", "options": {}, "format": "csv", "title": "x", "asked_at": now, "expires_at": now}
    return ReportJob.objects.create(
        owner=owner, status="done", claim="00000000-0000-0000-0000-000000000000", size=size, **fields
    )


@pytest.mark.slow
def test_who_has_used_up_the_room_removes_something_first(client: Client, owner: User) -> None:
    job = kept(owner, 2**20)
    answer = export(client)
    assert answer.status_code == 429
    assert "Remove some under My Reports" in answer.content.decode()
    client.post(reverse("web:report_remove", args=[job.pk]))
    assert export(client).status_code == 302


@pytest.mark.slow
def test_a_file_that_is_larger_than_the_room_left_is_not_kept(client: Client, owner: User, settings: Any) -> None:
    kept(owner, 2**20 - 10)
    export(client)
    job = ReportJob.objects.latest("pk")
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", services.TOO_LARGE)
    assert not list(settings.REPORT_FOLDER.glob("*"))


def test_two_reports_that_are_finished_at_once_do_not_share_the_room(
    client: Client, owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(client)
    job = ReportJob.objects.latest("pk")
    finish = services._finish

    def another_first(*arguments: Any) -> None:
        kept(owner, 2**20)
        finish(*arguments)

    monkeypatch.setattr(services, "_finish", another_first)
    services.make_report(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", services.TOO_LARGE)
    assert not list(settings.REPORT_FOLDER.glob("*"))
