"""Reports that were stored when a list was named by the view of its page go on, and stay found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tools import Tool
from listings.registry import registry
from reports.models import ReportJob
from reports.services import make_report
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.stored import path_of

pytestmark = pytest.mark.django_db(transaction=True)

migration = import_module("reports.migrations.0002_listings_by_name")


def stored_before(
    user: User, *, view: str, kind: str = "grid", asked: dict[str, str] | None = None, **more: Any
) -> ReportJob:
    """A job with the options of the version before; `arguments` are those of the address."""
    now = timezone.now()
    options = {"view": view, "arguments": more.pop("arguments", {}), "asked": asked or {}}
    return ReportJob.objects.create(
        owner=user,
        kind=kind,
        options=options,
        format="csv",
        title="Of a list",
        asked_at=now,
        expires_at=now + timedelta(days=7),
        **more,
    )


@pytest.fixture
def user(make_user: Callable[..., User]) -> User:
    return make_user(Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG)


def test_a_waiting_one_is_made(user: User) -> None:
    make_message(subject="Kept", created_at=timezone.now())
    make_message(subject="Filtered out", created_at=timezone.now())
    job = stored_before(user, view="messenger_logs:admin_log", asked={"subject": "Kept", "sort": "-created_at"})
    migration.name_listings(apps, None)

    make_report(job_id=job.pk)

    job.refresh_from_db()
    assert job.status == ReportJob.Status.DONE, job.error
    assert job.kind == "listing"
    assert [line.split(",")[3] for line in path_of(job).read_text("utf-8-sig").splitlines()] == [
        "Message Subject",
        "Kept",
    ]


def test_one_of_the_recipients_of_a_message_keeps_its_message(user: User) -> None:
    message = make_message()
    make_delivery(make_recipient(message, name="Vang, Mai"))
    job = stored_before(user, view="messenger_logs:admin_message_recipients", arguments={"pk": message.pk})
    migration.name_listings(apps, None)

    make_report(job_id=job.pk)

    job.refresh_from_db()
    assert "Vang, Mai" in path_of(job).read_text("utf-8-sig")


def test_a_finished_one_stays_under_my_reports_and_opens(user: User, signed_in: Callable[[User], Client]) -> None:
    now, claim = timezone.now(), uuid4()
    job = stored_before(
        user, view="mailgun_sync:admin_log", kind="mailgun", status="done", finished_at=now, claim=claim, rows_done=1
    )
    path_of(job).parent.mkdir(parents=True, exist_ok=True)
    path_of(job).write_text("Event\r\nDelivered\r\n")
    migration.name_listings(apps, None)

    client = signed_in(user)

    assert "Of a list" in client.get(reverse("web:my_reports")).content.decode()
    assert client.get(reverse("web:report_file", args=[job.pk])).getvalue() == b"Event\r\nDelivered\r\n"


def test_every_list_of_then_is_a_listing_of_now() -> None:
    assert set(migration.LISTINGS.values()) <= {entry.name for entry in registry}


def test_the_way_back_gives_what_there_was(user: User) -> None:
    job = stored_before(user, view="messenger_logs:log_2", asked={"subject": "x"}, arguments={})
    before = job.options

    migration.name_listings(apps, None)
    migration.name_views(apps, None)

    job.refresh_from_db()
    assert (job.kind, job.options) == ("grid", before)
