"""Upcoming Messages: what is scheduled and what is going out, to whom, and the way to its details."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import Calendar
from tests.messenger_logs.factories import make_school
from tests.web.sent_message_log_2.conftest import LOG, NOON, Add, MakeUser, SignIn, headings, page_text, show, subjects

pytestmark = pytest.mark.django_db

PATH = "/messenger/upcoming-messages/"
LIST, DETAILS = "web:upcoming_messages", "web:upcoming_messages_message"
TOOL = Tool.UPCOMING_MESSAGES


@pytest.fixture
def sender(make_user: MakeUser) -> User:
    return make_user(TOOL, username="sender")


@pytest.fixture
def own(sender: User, signed_in: SignIn) -> Client:
    return signed_in(sender)


@pytest.fixture
def chief(make_user: MakeUser) -> User:
    return make_user(TOOL, (TOOL, Right.VIEW_CANCEL_ALL), username="chief")


@pytest.fixture
def everybodys(chief: User, signed_in: SignIn) -> Client:
    return signed_in(chief)


@pytest.fixture
def schedule(add: Add) -> Callable[..., Any]:
    def schedule(subject: str, *, hours: float = 1, **fields: Any) -> Any:
        due = NOON + timedelta(hours=hours)
        return add(subject, **({"status": "waiting", "scheduled_at": due, "listed_from": due} | fields))

    return schedule


def buttons(html: str) -> dict[str, bool]:
    """The buttons above the list, and which of them are on."""
    found = re.findall(r'<a class="btn btn-sm" id="grid-(?:tab|whose)[^>]*?( aria-current="true")?>([^<]+)</a>', html)
    return {label: bool(on) for on, label in found}


@pytest.mark.slow
def test_scheduled_is_the_first_tab_soonest_first(own: Client, sender: User, schedule: Any) -> None:
    schedule("tomorrow", hours=24, sender=sender)
    schedule("soon", sender=sender)
    schedule("now", hours=-1, sender=sender, status="in_progress")
    for status in ["sent", "error", "canceled", "canceled_ip", "no_recipients"]:
        schedule(status, hours=-2, sender=sender, status=status)

    html = show(own, LIST)
    assert buttons(html) == {"Scheduled": True, "In Progress": False}
    assert subjects(html) == ["soon", "tomorrow"]

    html = show(own, LIST, tab="in_progress")
    assert buttons(html) == {"Scheduled": False, "In Progress": True}
    assert subjects(html) == ["now"]


def test_the_columns_and_the_way_to_the_details(own: Client, sender: User, schedule: Any) -> None:
    message = schedule("soon", sender=sender)
    html = show(own, LIST)
    assert headings(html) == [
        "Date",
        "Calendars",
        "Subject",
        "Creator",
        "Type",
        "Delivery Mode",
        "Status",
        "Details",
    ]
    assert re.search(rf'<a href="{reverse(DETAILS, args=[message.pk])}">View Details', html)


def test_classic_messages_are_upcoming_too_and_those_of_registration_never(
    own: Client, sender: User, schedule: Any
) -> None:
    schedule("classic", sender=sender, engine="classic", message_type="Behavior")
    schedule("registration", sender=sender, engine="olr")
    assert subjects(show(own, LIST)) == ["classic"]


def test_others_messages_need_view_cancel_all(
    own: Client, everybodys: Client, sender: User, chief: User, schedule: Any
) -> None:
    schedule("of the sender", sender=sender)
    schedule("of the chief", sender=chief)

    html = show(own, LIST, whose="all")
    assert subjects(html) == ["of the sender"]
    assert "All Messages" not in buttons(html)

    html = show(everybodys, LIST)
    assert buttons(html) == {"Scheduled": True, "In Progress": False, "My Messages": True, "All Messages": False}
    assert subjects(html) == ["of the chief"]
    assert sorted(subjects(show(everybodys, LIST, whose="all"))) == ["of the chief", "of the sender"]


@pytest.mark.slow
def test_filters_creator_subject_calendar(everybodys: Client, sender: User, schedule: Any) -> None:
    calendar = Calendar.objects.create(school=make_school(), name="26-27", school_year="2026-27")
    schedule("Snow day", sender=sender).calendars.add(calendar)
    schedule("Lunch menu", sender_name="Lee, Tou")

    html = show(everybodys, LIST, whose="all")
    labels = re.findall(r"<label[^>]*>(?:Filter by )?([^<]+)</label>", html)
    assert set(labels) == {"Creator", "Subject", "Calendar", "Rows", "Save what is shown as"}
    for query, found in [
        ({"sender_name": "Lee, Tou"}, ["Lunch menu"]),
        ({"subject": "snow"}, ["Snow day"]),
        ({"calendars": str(calendar.pk)}, ["Snow day"]),
    ]:
        assert subjects(show(everybodys, LIST, whose="all", **query)) == found


@pytest.mark.parametrize("query", [{"tab": "sent"}, {"whose": "theirs"}, {"calendars": "7"}])
def test_what_is_no_filter_is_said_and_shows_nothing(
    everybodys: Client, chief: User, schedule: Any, query: dict[str, str]
) -> None:
    schedule("of the chief", sender=chief)
    html = show(everybodys, LIST, **query)
    assert "choose one of the list" in html
    assert subjects(html) == []


def test_the_export_holds_what_the_tab_shows(own: Client, sender: User, schedule: Any, chief: User) -> None:
    schedule("of the sender", sender=sender)
    schedule("running", sender=sender, status="in_progress")
    schedule("of the chief", sender=chief)
    text = own.get(PATH, {"export": "csv", "whose": "all"}).getvalue().decode()
    assert "of the sender" in text
    assert "running" not in text
    assert "of the chief" not in text


# View Details


def test_details_need_no_right_on_the_logs(own: Client, sender: User, schedule: Any) -> None:
    message = schedule("soon", sender=sender)
    html = show(own, DETAILS, message.pk)
    assert "SCHEDULED" in page_text(html)
    assert "General Filter Criteria" in html


@pytest.mark.slow
def test_details_of_somebody_elses_message(own: Client, everybodys: Client, chief: User, schedule: Any) -> None:
    message = schedule("of the chief", sender=chief)
    assert own.get(reverse(DETAILS, args=[message.pk])).status_code == 404
    assert everybodys.get(reverse(DETAILS, args=[message.pk])).status_code == 200


@pytest.mark.slow
def test_a_message_that_has_gone_out_meanwhile_is_shown_by_its_log(
    make_user: MakeUser, signed_in: SignIn, schedule: Any
) -> None:
    user = make_user(TOOL, LOG, (LOG, Right.MY_MESSAGES), (LOG, Right.TYPE_GENERAL), Tool.SENT_MESSAGE_LOG)
    new = schedule("new", hours=-1, sender=user, status="sent")
    classic = schedule("classic", hours=-1, sender=user, status="sent", engine="classic")
    client = signed_in(user)

    for message, page in [(new, "web:sent_message_log_2_message"), (classic, "web:sent_message_log_message")]:
        address, log = reverse(DETAILS, args=[message.pk]), reverse(page, args=[message.pk])
        assert client.get(address)["Location"] == log
        assert client.get(address, headers={"HX-Request": "true"})["HX-Redirect"] == log


def test_a_message_that_has_gone_out_is_gone_for_those_without_a_log(own: Client, sender: User, schedule: Any) -> None:
    message = schedule("sent", hours=-1, sender=sender, status="sent")
    assert own.get(reverse(DETAILS, args=[message.pk])).status_code == 404


@pytest.mark.slow
def test_no_button_that_does_nothing(own: Client, sender: User, schedule: Any) -> None:
    message = schedule("soon", sender=sender)
    for html in (show(own, LIST), show(own, DETAILS, message.pk)):
        assert not re.search(r"<(button|a)\b[^>]*>[^<]*Cancel", html)


@pytest.mark.slow
def test_queries_do_not_grow_with_rows(
    own: Client, sender: User, schedule: Any, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    schedule("one", sender=sender)
    with django_assert_max_num_queries(20) as few:
        show(own, LIST)
    for number in range(20):
        schedule(str(number), sender=sender)
    with django_assert_num_queries(len(few)):
        show(own, LIST)
