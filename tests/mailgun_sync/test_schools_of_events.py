"""An event has the school of its delivery, and is shown to those who hold the log for that school."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.tools import Tool
from mailgun_sync.choices import GroupBy
from mailgun_sync.client import reread
from mailgun_sync.groups import EventGroups
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain
from mailgun_sync.services.ingest import store_events
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from tests.examples import examples
from tests.messenger_logs.districts import districts, hold_for, make_district, school_of, scope_of, scopes, seen
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

LOG, OWN, SYNC = Tool.ADMIN_MAILGUN_MESSAGE_LOG, Tool.MAILGUN_MESSAGE_LOG, Tool.MAILGUN_SYNC


@pytest.fixture
def domain() -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    return make_user(LOG, OWN, SYNC)


def store(domain: SendingDomain, *deliveries: Delivery | None) -> list[MailgunEvent]:
    """Store an event of each of these e-mails, in one page; None is an e-mail of somebody else."""
    MailgunEvent.objects.all().delete()
    page = []
    for number, row in enumerate(deliveries):
        variables = {"message": str(row.message_id), "delivery": str(row.pk)} if row else {}
        to = row.address if row else "x@example.org"
        event = {"event": "delivered", "id": f"{number}", "timestamp": 1.7e9 + number, "recipient": to}
        page.append(reread(json.dumps(event | {"user-variables": variables})))
    store_events(domain_id=domain.pk, events=page)
    return list(MailgunEvent.objects.order_by("occurred_at"))


def schools() -> list[int | None]:
    return list(MailgunEvent.objects.order_by("occurred_at").values_list("school_id", flat=True))


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes, by=st.sampled_from(GroupBy))
def test_events_are_shown_for_the_schools_of_their_students(
    domain: SendingDomain, principal: User, drawn: list[dict[str, Any]], names: frozenset[str] | None, by: GroupBy
) -> None:
    make_district(drawn, principal)
    mails = Delivery.objects.filter(mode=Mode.EMAIL).exclude(address="").select_related("recipient__message")
    events = store(domain, *mails, None)
    user, scope = hold_for(principal, names), scope_of(names)
    of = {row.pk: school_of(row.recipient) for row in mails}

    assert [event.school_id for event in events] == [of.get(event.delivery_id or 0) for event in events]
    shown = MailgunEvent.objects.visible_to(user, LOG)
    known = {
        message.pk for message in SentMessage.objects.all() if not message.school or seen(message.school_id, scope)
    }
    expected = {
        event.pk
        for event in events
        if scope.everything or (event.sent_message_id in known and seen(of[event.delivery_id or 0], scope))
    }
    assert {event.pk for event in shown} == expected
    assert sum(group.events for group in EventGroups(shown, by).iterator()) == len(expected)
    own = MailgunEvent.objects.visible_to(user, OWN)
    assert {event.pk for event in own} == {event.pk for event in events if event.sender_id == user.pk}
    assert set(MailgunEvent.objects.visible_to(user, SYNC)) == set(shown)
    assert not MailgunEvent.objects.visible_to(user, Tool.ADMIN_RECIPIENT_LOG)


def test_the_school_follows_that_of_the_student_and_of_the_message(domain: SendingDomain) -> None:
    north, south = make_school("North"), make_school("South")
    message = make_message(school=None)
    recipient = make_recipient(message)
    store(domain, make_delivery(recipient))
    assert schools() == [None]
    message.school = north
    message.save()
    assert schools() == [north.pk]
    recipient.student_school = south
    recipient.save()
    assert schools() == [south.pk]


def test_stored_events_get_their_school_with_their_links(domain: SendingDomain) -> None:
    rows = [make_delivery(make_recipient(make_message(school=name))) for name in ("North", "South")]
    store(domain, *rows, None)
    MailgunEvent.objects.update(school=None)
    call_command("link_events")
    assert schools() == [make_school("North").pk, make_school("South").pk, None]


def test_events_in_quarantine_are_shown_with_all_schools_alone(domain: SendingDomain, principal: User) -> None:
    QuarantinedEvent.objects.create(domain=domain, digest="0", raw="{}", error="no id")
    assert QuarantinedEvent.objects.visible_to(principal).count() == 1
    assert not QuarantinedEvent.objects.visible_to(hold_for(principal, frozenset({"North"})))
