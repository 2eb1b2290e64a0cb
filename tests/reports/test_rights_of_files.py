"""A file keeps the rows of the rights that its owner had: who lost one of those does not read it any more."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from reports import services, tasks
from reports.kinds import MESSAGE_REPORTS
from reports.models import ReportJob
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.queue import do_at_once, note_queued
from tests.reports.messages import csv_of

pytestmark = pytest.mark.django_db(transaction=True)

LOG_2, UPCOMING = Tool.SENT_MESSAGE_LOG_2, Tool.UPCOMING_MESSAGES
GENERAL, EMERGENCY = "Messenger 2.0 - General", "Messenger 2.0 - Emergency"
EVERY_FINE_RIGHT = [(tool, right) for tool in (LOG_2, UPCOMING) for right in tool.rights]


@pytest.fixture(autouse=True)
def everything_is_made_in_the_background(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REPORT_AT_ONCE_ROWS = 0
    do_at_once(monkeypatch, tasks.make)


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    """Somebody with every right on the two tools, and messages of two types, one's own and those of others."""
    owner, other = make_user(*EVERY_FINE_RIGHT, username="owner"), make_user()
    for sender in (owner, other):
        for kind in (GENERAL, EMERGENCY):
            make_message(sender=sender, engine="v2", message_type=kind, status="waiting")
    return owner


def export(client: Client, listing: str, **query: str) -> ReportJob:
    """Export a list in the background, and return the job of the file."""
    client.get(reverse(f"web:{listing}"), query | {"export": "csv"})
    job = ReportJob.objects.latest("pk")
    assert job.ready
    return job


def read(client: Client, job: ReportJob) -> Any:
    return client.get(reverse("web:report_file", args=[job.pk]))


def group_of(owner: User) -> Group:
    return owner.groups.get()


def permission(tool: Tool, right: Right) -> Permission:
    return Permission.objects.get(content_type__app_label="accounts", codename=tool.codename(right))


# fmt: off
CASES = [
    # the list, its filters, how many rows, and the finer rights that they need
    ("sent_message_log_2", {"whose": "all"},                      4,
        {Right.READ, Right.ALL_MESSAGES, Right.TYPE_GENERAL, Right.TYPE_PRIORITY, Right.TYPE_EMERGENCY,
         Right.TYPE_TEXT_OPT}),
    ("sent_message_log_2", {"whose": "all", "message_type": GENERAL}, 2,
        {Right.READ, Right.ALL_MESSAGES, Right.TYPE_GENERAL}),
    ("sent_message_log_2", {"message_type": EMERGENCY},           1,
        {Right.READ, Right.MY_MESSAGES, Right.TYPE_EMERGENCY}),
    ("upcoming_messages",  {"whose": "all"},                      4, {Right.READ, Right.VIEW_CANCEL_ALL}),
    ("upcoming_messages",  {},                                    2, {Right.READ}),
]
# fmt: on


@pytest.mark.slow
@pytest.mark.parametrize(("listing", "query", "rows", "needed"), CASES)
def test_a_file_needs_the_rights_that_its_rows_needed_and_no_others(
    owner: User, signed_in: Callable[[User], Client], listing: str, query: Any, rows: int, needed: set[Right]
) -> None:
    tool = {"sent_message_log_2": LOG_2, "upcoming_messages": UPCOMING}[listing]
    client = signed_in(owner)
    job = export(client, listing, **query)
    assert len(csv_of(read(client, job))) == rows + 1
    for right in tool.rights:
        group_of(owner).permissions.remove(permission(tool, right))
        answer = read(client, job)
        assert answer.status_code == (403 if right in needed else 200), right
        answer.close()
        group_of(owner).permissions.add(permission(tool, right))
    assert read(client, job).status_code == 200, "with the right again, the file can be read again"
    assert AuditEvent.objects.filter(action="access.refused").exists()


@pytest.mark.slow
def test_the_refusal_says_what_to_do(owner: User, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(owner)
    job = export(client, "sent_message_log_2", whose="all")
    group_of(owner).permissions.remove(permission(LOG_2, Right.ALL_MESSAGES))
    assert "Make the report again" in read(client, job).content.decode()
    assert len(csv_of(read(client, export(client, "sent_message_log_2")))) == 3


@pytest.mark.slow
def test_a_right_lost_while_the_file_was_waiting_leaves_its_rows_out(
    owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    note_queued(monkeypatch, tasks.make)
    client = signed_in(owner)
    client.get(reverse("web:sent_message_log_2"), {"whose": "all", "export": "csv"})
    job = ReportJob.objects.get()
    group_of(owner).permissions.remove(permission(LOG_2, Right.ALL_MESSAGES))
    services.make_report(job_id=job.pk)
    assert len(csv_of(read(client, job))) == 3


@pytest.mark.slow
def test_files_from_before_need_all_rights_that_may_have_been_in_use(owner: User) -> None:
    def old(listing: str, **values: str) -> ReportJob:
        options = {"listing": listing, "arguments": {}, "values": values}
        now = timezone.now()
        return ReportJob.objects.create(
            owner=owner, kind="listing", options=options, format="csv", asked_at=now, expires_at=now, status="queued"
        )

    jobs = [old("sent_message_log_2", whose="all"), old("sent_message_log_2"), old("upcoming_messages", whose="all")]
    jobs += [old("upcoming_messages"), old("audit_trail"), old("admin_sent_message_log"), old("mailgun_message_log")]
    jobs += [old("sent_message_log_message_recipients")]
    ReportJob.objects.update(status="done", claim="00000000-0000-0000-0000-000000000000")
    migrate("0002_listings_by_name")
    (newest,) = MigrationExecutor(connection).loader.graph.leaf_nodes("reports")
    migrate(newest[1])
    for job in jobs:
        job.refresh_from_db()
    assert [len(job.permissions) for job in jobs] == [5, 5, 1, 0, 0, 0, 0, 0]
    assert [job.schools for job in jobs] == [None, [], None, [], [], None, [], None]
    assert owner.has_perms([name for job in jobs for name in job.permissions])


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("reports", name)])


@pytest.mark.slow
def test_a_title_tells_no_subject_to_whom_no_log_shows_the_message_any_more(
    owner: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    message = make_message(sender=owner, engine="v2", message_type=GENERAL, subject="Closed for a funeral")
    for _ in range(2):
        make_delivery(make_recipient(message))
    name = "sent_message_log_2_message"
    client.get(reverse(f"web:{name}_recipients", args=[message.pk]), {"export": "csv"})
    listed = ReportJob.objects.get()
    kind = next(report for report in MESSAGE_REPORTS if LOG_2 in report.tools)
    of_one = ReportJob.objects.get()
    of_one.pk, of_one.kind, of_one.title = None, kind.kind, f"{kind.label}: {message.subject}"
    of_one.options = {"tool": LOG_2.name, "message": message.pk}
    of_one.save()
    jobs = [listed, of_one]
    pages = [reverse("web:my_reports"), *(reverse("web:report_job", args=[job.pk]) for job in jobs)]
    assert all("Closed for a funeral" in client.get(page).text for page in pages)
    group_of(owner).permissions.remove(permission(LOG_2, Right.READ), permission(UPCOMING, Right.READ))
    assert all("Closed for a funeral" not in client.get(page).text for page in pages)
    assert str(kind.label) in client.get(pages[0]).text
    assert "Export" in client.get(pages[0]).text
