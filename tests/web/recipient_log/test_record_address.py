"""The address of one person's record, which those who may see it can share."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from messenger_logs.models import Recipient
from tests.messenger_logs.factories import make_delivery
from tests.web.recipient_log.conftest import person_of, rows, search, text_of

pytestmark = pytest.mark.django_db

RECORD = "web:admin_recipient_log_person"


def record(person_id: str) -> str:
    return reverse(RECORD, args=[person_id])


@pytest.fixture
def device(mai: Recipient) -> None:
    make_delivery(mai, address="mai@example.com")


def test_a_found_person_has_an_address_that_somebody_else_can_open(
    administrator: Client, device: None, make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    assert f'href="{record("4711")}"' in search(administrator, "Vang, Mai")
    colleague = make_user(Tool.ADMIN_RECIPIENT_LOG)
    text = text_of(signed_in(colleague).get(record("4711")))
    assert person_of(text) == ("4711", "Vang, Mai")
    assert [row[4] for row in rows(text)] == ["mai@example.com"]
    look = AuditEvent.objects.get(action="person.viewed", who_id=colleague.pk)
    assert look.details["person"] == "4711"


def test_who_may_not_see_the_person_finds_nothing_there(
    mai: Recipient, device: None, make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    own = reverse("web:recipient_log_person", args=["4711"])
    assert signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG)).get(record("4711")).status_code == 403
    stranger = make_user(Tool.RECIPIENT_LOG)
    assert signed_in(stranger).get(own).status_code == 404
    assert not AuditEvent.objects.filter(action="person.viewed").exists()
    type(mai.message).objects.update(sender=stranger)
    assert signed_in(stranger).get(own).status_code == 200


def test_a_filter_leads_to_an_address_that_can_be_shared_too(administrator: Client, device: None) -> None:
    location = administrator.post(record("4711"), {"mode": "email", "person": "4712"})["Location"]
    assert location.startswith(f"{record('4711')}?")
    assert "mode=email" in location
    assert "find=" not in location
    assert person_of(text_of(administrator.get(location))) == ("4711", "Vang, Mai")


def test_nobody_has_this_id(administrator: Client, device: None) -> None:
    assert administrator.get(record("47")).status_code == 404
