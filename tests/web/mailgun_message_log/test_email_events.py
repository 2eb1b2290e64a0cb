"""The events of one e-mail: in their order, those that the log shows, from a click anywhere in the row of one."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, GroupScope, User
from accounts.scopes import ScopeReach
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.web.mailgun_message_log.conftest import NOON, page
from web.message_urls import email_events_url

pytestmark = pytest.mark.django_db
Add = Callable[..., MailgunEvent]
OWN, ALL = Tool.MAILGUN_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG
FAMILY = {"recipient": "vang@example.com", "message_id": "20261120.1@mg.harrison.example", "subject": "Snow <day>"}


def at(seconds: int) -> Any:
    return NOON - timedelta(hours=2) + timedelta(seconds=seconds)


@pytest.fixture
def events(add: Add) -> list[MailgunEvent]:
    """The events of one e-mail, stored in another order, and those of two others."""
    opened = add(event="opened", occurred_at=at(3_700), **FAMILY)
    delivered = add(event="delivered", occurred_at=at(65), **FAMILY)
    waits = add(event="failed", severity="temporary", detail="421 try later", occurred_at=at(5), **FAMILY)
    accepted = add(event="accepted", occurred_at=at(5), **FAMILY)
    add(event="delivered", **(FAMILY | {"message_id": "another@mg.harrison.example"}))
    add(event="delivered", **(FAMILY | {"recipient": "another@example.com"}))
    return [waits, accepted, delivered, opened]


def opened(client: Client, event: MailgunEvent, tool: Tool = ALL) -> Any:
    return client.get(email_events_url(tool, event.pk))


def test_they_stand_in_their_order_with_what_each_came_to(administrator: Client, events: list[MailgunEvent]) -> None:
    html = opened(administrator, events[2]).text
    items = re.findall(r"<li.*?</li>", html.partition('"timeline"')[2], re.DOTALL)
    steps = [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]
    assert [step.partition(" 11/20/2026 ")[0] for step in steps] == [
        "◐ Failed (temporary)",
        "○ Accepted",
        "✓ Delivered",
        "● Opened",
    ]
    assert "421 try later" in steps[0]
    assert "10:00:05 AM at once" in steps[1]
    assert "10:01:05 AM 1 min later" in steps[2]
    assert "11:01:40 AM 1 h 35 s later" in steps[3]
    assert html.count('<li aria-current="true">') == 1
    assert "E-mail: Snow &lt;day&gt;" in html
    assert "raw json" not in html


def test_each_row_of_the_log_opens_them(administrator: Client, events: list[MailgunEvent]) -> None:
    links = re.findall(r'<a class="row-link" href="([^"]+)"', page(administrator))
    assert len(links) == 5
    assert email_events_url(ALL, events[2].pk) in links


def test_an_event_without_a_message_id_finds_the_others_by_its_delivery(administrator: Client, add: Add) -> None:
    delivery = make_delivery(make_recipient(make_message()))
    first = add(event="accepted", delivery=delivery, sent_message=delivery.message, occurred_at=at(0), **FAMILY)
    form = add(event="delivered", delivery=delivery, sent_message=delivery.message, recipient="Vang@example.com")
    lone = add(event="delivered")
    for event, count in ((first, 2), (form, 2), (lone, 1)):
        assert opened(administrator, event).text.count('class="timeline-head"') == count


def test_only_what_the_log_shows_is_shown(make_user: Any, signed_in: Any, add: Add) -> None:
    user, other = make_user(OWN), make_user()
    own, others = add(sender=user, **FAMILY), add(sender=other, occurred_at=at(0), **FAMILY)
    client = signed_in(user)
    assert opened(client, own, OWN).text.count('class="timeline-head"') == 1
    assert opened(client, others, OWN).status_code == 404
    assert opened(client, own, ALL).status_code == 403


def test_with_some_schools_it_shows_the_events_about_their_students(make_user: Any, signed_in: Any, add: Add) -> None:
    north, south = make_school("North"), make_school("South")
    user: User = make_user(ALL)
    GroupScope.objects.create(group=user.groups.get(), reach=ScopeReach.MEMBERS)
    user.schools.add(north)
    both = {school: add(sent_message=make_message(school=school), school=school) for school in (north, south)}
    client = signed_in(user)
    assert {school.name: opened(client, event).status_code for school, event in both.items()} == {
        "North": 200,
        "South": 404,
    }


def test_the_look_is_in_the_audit_trail_with_the_message_and_the_person(administrator: Client, add: Add) -> None:
    message = make_message()
    event = add(person_id="77", sent_message=message, **FAMILY)
    for _ in range(2):
        assert opened(administrator, event).status_code == 200
    [look] = AuditEvent.objects.filter(action="email.viewed")
    assert look.details == {"event": event.pk, "message": message.pk, "people": ["77"]}
    assert look.target == ALL.path


def test_the_number_of_queries_does_not_grow(administrator: Client, add: Add, django_assert_num_queries: Any) -> None:
    first = add(event="delivered", **FAMILY)
    opened(administrator, first)
    with django_assert_num_queries(8) as few:
        opened(administrator, first)
    for number in range(5):
        add(event="opened", occurred_at=at(number), **FAMILY)
    with django_assert_num_queries(len(few)):
        opened(administrator, first)
    assert reverse("web:admin_mailgun_message_log_email", args=[first.pk]) == email_events_url(ALL, first.pk)
