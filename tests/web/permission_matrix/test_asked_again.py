"""Where a group requires a second factor: which addresses ask for it again after some minutes, and which never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.access import ASKED_AGAIN
from accounts.models import User
from accounts.tools import every_right
from tests.fixtures.factors import give_app, require_factor, signed_in_with
from tests.web.permission_matrix.asking import ask, each_line
from tests.web.permission_matrix.lines import Guarded
from tests.web.permission_matrix.pages import GUARDED

pytestmark = [pytest.mark.django_db, pytest.mark.every_case, pytest.mark.slow]

WRITTEN = [line for line in GUARDED if line.post != 405]
# By the rights that ask. The matrix has each address of the product, so it has these.
OF_RIGHTS = [line for line in WRITTEN if (line.tool, line.right) in ASKED_AGAIN]
# These ask by themselves: others of the same right do not.
BY_THEMSELVES = {
    "web:new_alert_channel",
    "web:alert_channel",
    "web:test_alert_channel",
    "web:remove_alert_channel",
    "web:contacts_to_fix_contact_allow",
    "web:admin_contacts_to_fix_contact_allow",
}
CANCELS = {
    "web:sent_message_log_message_cancel",
    "web:admin_sent_message_log_message_cancel",
    "web:upcoming_messages_message_cancel",
}
Browser = Callable[[], Client]


@pytest.fixture
def person(make_user: Callable[..., User]) -> User:
    """A person with every right, in a group that requires a second factor."""
    make_user(groups=["System Administrators"])
    user = make_user(*every_right(), username="admin", is_staff=True, is_superuser=True)
    require_factor(user)
    return user


@pytest.fixture
def browser(person: User) -> Browser:
    """Return a function that gives one more window of a browser in which the person has shown the factor now."""
    session = signed_in_with(person, give_app(person)).cookies[settings.SESSION_COOKIE_NAME].value

    def window() -> Client:
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = session
        return client

    return window


@pytest.fixture
def later(time_machine) -> Callable[[int], None]:
    return lambda minutes: time_machine.move_to(timezone.now() + timedelta(minutes=minutes))


def asked(response: HttpResponse) -> bool:
    return response.status_code == 302 and "/reauthenticate/?next=" in response["Location"]


def posted(browser: Browser, person: User, line: Guarded) -> HttpResponse:
    """The answer to a POST, in a transaction that is undone."""
    with transaction.atomic():
        if line.data:
            line.data(person)
        response = ask(browser(), line, "post")
        transaction.set_rollback(True)
    return response


def test_each_right_that_asks_has_addresses():
    assert {(line.tool, line.right) for line in OF_RIGHTS} == ASKED_AGAIN


@each_line([*OF_RIGHTS, *(line for line in WRITTEN if line.name in BY_THEMSELVES)])
def test_it_asks_after_a_quarter_of_an_hour_and_does_nothing_before(person, browser, later, line):
    assert not asked(posted(browser, person, line)), "the factor was just shown"
    later(14)
    assert not asked(posted(browser, person, line))
    later(2)
    response = posted(browser, person, line)
    assert asked(response)
    assert response.rows == [], "nothing was done"
    if line.get != 405:
        with transaction.atomic():
            assert not asked(ask(browser(), line, "get")), "to look never asks"


def test_no_other_address_asks(person, browser, later):
    later(16)
    asking = {line.name for line in WRITTEN if asked(posted(browser, person, line))}
    assert asking == {line.name for line in OF_RIGHTS} | BY_THEMSELVES


@each_line([line for line in WRITTEN if line.does == "message.canceled"])
def test_a_cancel_never_asks(person, browser, later, line):
    later(59)
    response = posted(browser, person, line)
    assert not asked(response)
    assert "message.canceled" in response.rows


def test_each_cancel_of_a_message_is_tried():
    assert {line.name for line in WRITTEN if line.does == "message.canceled"} == CANCELS
