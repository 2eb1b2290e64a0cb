"""My Views, a view's page, Scheduled Reports and My Notifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Right, Tool, every_right
from digests.models import DigestChoice
from listings.registry import registry
from saved_views.models import ReportSchedule, SavedView
from saved_views.services import views
from saved_views.services.schedules import end_schedule
from tests.messenger_logs.factories import make_message
from tests.saved_views.factories import make_schedule, make_view
from tests.saved_views.test_views import fresh, share

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
ADMIN = Tool.ADMIN_SENT_MESSAGE_LOG
A_SCHEDULE = {"format": "pdf", "every": "week", "weekday": "0", "hour": "6", "day": "1"}


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    return make_user(ADMIN, email="owner@example.org")


@pytest.fixture
def client(owner: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(owner)


def url(name: str, pk: int | None = None) -> str:
    return reverse(f"web:{name}", args=[pk] if pk else [])


@pytest.mark.slow
def test_a_view_is_saved_renamed_shared_scheduled_and_deleted(client: Client, owner: User) -> None:
    address = registry["admin_sent_message_log"].url()
    saved = client.post(url("save_view"), {"address": f"{address}?subject=bus", "name": "Buses", "days": "last_week"})
    view = SavedView.objects.get()
    assert saved["Location"] == f"{address}?view={view.pk}"
    assert "The view is saved." in client.get(saved["Location"]).text
    group = owner.groups.get()
    client.post(url("change_view", view.pk), {"name": "Yellow buses", "days": "last_week", "group": group.pk})
    client.post(url("schedule_view", view.pk), A_SCHEDULE | {"for_group": "on"})
    schedule = ReportSchedule.objects.get()
    assert (schedule.for_group, str(schedule.recurrence)) == (True, "every Monday at 6:00 AM")
    for page in ("saved_views", "my_notifications"):
        text = client.get(url(page)).text
        assert "Yellow buses" in text
        assert "every Monday at 6:00 AM" in text
    assert group.name in client.get(url("saved_view", view.pk)).text
    assert f"Shared with {group.name}" in client.get(address).text.replace("&#x27;", "'")
    client.post(url("remove_schedule", schedule.pk))
    assert not ReportSchedule.objects.exists()
    client.post(url("delete_view", view.pk))
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("address", ["https://evil.example/", "/search/", "/no/such/", "//evil.example/x", ""])
def test_only_an_address_of_a_list_is_saved(client: Client, address: str) -> None:
    response = client.post(url("save_view"), {"address": address, "name": "Buses"})
    assert response.status_code == (404 if address else 302)
    assert not SavedView.objects.exists()


def test_a_list_that_the_person_may_not_see_is_not_saved(client: Client) -> None:
    response = client.post(url("save_view"), {"address": registry["audit_trail"].url(), "name": "All"})
    assert response.status_code == 403
    assert not SavedView.objects.exists()


def test_a_search_for_a_person_in_an_address_is_not_saved(client: Client) -> None:
    address = registry["admin_sent_message_log"].url()
    client.post(url("save_view"), {"address": f"{address}?find=0123456789abcdef&person=x", "name": "Buses"})
    assert set(SavedView.objects.get().values) <= {"created_from", "created_to"}


def test_a_refusal_is_said(client: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_VIEWS", 0)
    address = registry["admin_sent_message_log"].url()
    response = client.post(url("save_view"), {"address": address, "name": "Buses"}, follow=True)
    assert "Delete some under My Views." in response.text


def test_a_view_of_a_part_of_a_message_opens_in_each_message(client: Client) -> None:
    messages = [make_message(subject=f"bus {number}") for number in range(2)]
    entry = registry["admin_sent_message_log_message_recipients"]
    here, there = (entry.url(pk=message.pk) for message in messages)
    client.post(url("save_view"), {"address": f"{here}?mode=email", "name": "E-mails"})
    view = SavedView.objects.get()
    assert view.values["mode"] == "email"
    page = client.get(f"{there}?view={view.pk}").text
    assert f"{there}?view={view.pk}" in page
    assert "bus 1" in page
    assert "part of a message" in client.get(url("saved_view", view.pk)).text
    assert client.post(url("schedule_view", view.pk), A_SCHEDULE).status_code == 403


def test_a_wrong_form_says_what_is_wrong(client: Client, owner: User) -> None:
    view = make_view(owner, listing="admin_sent_message_log")
    assert client.post(url("change_view", view.pk), {"name": ""}).status_code == 400
    wrong = client.post(url("schedule_view", view.pk), A_SCHEDULE | {"hour": "24"})
    assert (wrong.status_code, ReportSchedule.objects.count()) == (400, 0)


def test_views_of_lists_that_are_gone_or_not_allowed_are_told_apart(client: Client, owner: User) -> None:
    make_view(owner, listing="gone", name="Old")
    make_view(owner, listing="audit_trail", name="Forbidden")
    text = client.get(url("saved_views")).text
    assert "This list is not there any more." in text
    assert "?view=" not in text
    for view in SavedView.objects.all():
        assert client.get(url("saved_view", view.pk)).status_code == 200


def test_who_sees_the_product_as_another_person_sees_no_views(make_user: MakeUser, signed_in: Any) -> None:
    viewer = make_user(*every_right())
    person = make_user(ADMIN)
    view = make_view(person, listing="admin_sent_message_log", name="marked-view", values={"subject": "marked-value"})
    client = signed_in(viewer)
    client.post(reverse("web:view_as", args=[person.pk]))
    address = registry["admin_sent_message_log"].url()
    page = client.get(address, {"view": view.pk})
    assert page.status_code == 200
    assert "marked" not in page.text
    assert "grid-views" not in page.text
    assert client.get(url("saved_views")).status_code == 403
    assert client.get(url("my_notifications")).status_code == 403


# Scheduled Reports


def test_an_administrator_sees_schedules_and_not_the_names_of_views(
    make_user: MakeUser, signed_in: Any, settings: Any
) -> None:
    settings.REPORT_ATTACHMENTS = True
    schedule = make_schedule(make_view(make_user(ADMIN), listing="admin_sent_message_log", name="marked-view"))
    client = signed_in(make_user(Tool.SCHEDULED_REPORTS, (Tool.SCHEDULED_REPORTS, Right.WRITE)))
    page = client.get(url("scheduled_reports")).text
    assert "every day at 6:00 AM" in page
    assert "marked" not in page
    client.post(url("schedule_attachments", schedule.pk), {"allowed": "yes"})
    assert "attachment<" in client.get(url("scheduled_reports")).text
    settings.REPORT_ATTACHMENTS = False
    assert "attachment<" not in client.get(url("scheduled_reports")).text
    client.post(url("end_schedule", schedule.pk))
    assert "An administrator ended it." in client.get(url("scheduled_reports")).text


def test_the_owner_reads_why_a_schedule_ended(client: Client, owner: User) -> None:
    view = make_view(owner, listing="admin_sent_message_log")
    end_schedule(schedule_id=make_schedule(view).pk, because="The list is not there any more.", by=None)
    for page in (url("saved_view", view.pk), url("my_notifications")):
        assert "The list is not there any more." in client.get(page).text


# My Notifications


def test_a_digest_is_chosen_and_given_up(client: Client, owner: User) -> None:
    client.post(url("choose_digest"), {"every": "week", "weekday": "2", "hour": "18", "only_news": "on"})
    choice = DigestChoice.objects.get(user=owner)
    assert (choice.every, choice.weekday, choice.hour, choice.only_news) == ("week", 2, 18, True)
    assert "Next:" in client.get(url("my_notifications")).text
    client.post(url("choose_digest"), {"every": "", "hour": "6"})
    assert not DigestChoice.objects.exists()


def test_a_reader_declines_a_report_and_wants_it_again(make_user: MakeUser, owner: User, signed_in: Any) -> None:
    reader = make_user(ADMIN)
    view = make_view(owner, listing="admin_sent_message_log")
    schedule = make_schedule(view, for_group=True)
    share(view, reader)
    client = signed_in(fresh(reader))
    assert "Do not get it" in client.get(url("my_notifications")).text
    client.post(url("choose_report", schedule.pk), {"wanted": "no"})
    assert schedule.declined_by.get() == reader
    client.post(url("choose_report", schedule.pk), {"wanted": "yes"})
    assert not schedule.declined_by.exists()


@pytest.mark.parametrize("mail", ["", "reader@example.org"])
def test_the_page_says_when_no_mail_can_come(make_user: MakeUser, signed_in: Any, settings: Any, mail: str) -> None:
    client = signed_in(make_user(email=mail))
    assert ("has no e-mail address" in client.get(url("my_notifications")).text) == (not mail)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "sends no e-mail yet" in client.get(url("my_notifications")).text
