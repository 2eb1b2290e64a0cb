"""Upcoming Messages shows no finished message of others, by whichever way somebody asks for it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.services import issue_token
from accounts.tools import Right, Tool
from messenger_logs.choices import CANCELABLE, CANCELED, Engine, MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import JUST_ENDED
from tests.messenger_logs.factories import make_message

pytestmark = pytest.mark.django_db

UPCOMING = Tool.UPCOMING_MESSAGES
EVERYTHING_UPCOMING = [(UPCOMING, right) for right in UPCOMING.rights]
SECRET = "Closed for a funeral"
FINISHED = [status for status in MessageStatus if status not in CANCELABLE]
WAYS = ["page", "dialog", "cancel", "doubt", "send again", "api"]


@pytest.fixture
def operator(make_user: Callable[..., User]) -> User:
    """Somebody who may view and cancel all upcoming messages, and has no log of messages."""
    return make_user(*EVERYTHING_UPCOMING)


def ask(user: User, message: SentMessage, way: str) -> Any:
    client = Client()
    client.force_login(user)
    cancel = reverse("web:upcoming_messages_message_cancel", args=[message.pk])
    doubt = reverse("web:upcoming_messages_message_retry", args=[message.pk])
    token = {"Authorization": f"Token {issue_token(user=user)[0]}"}
    answers: dict[str, Callable[[], Any]] = {
        "page": lambda: client.get(cancel),
        "dialog": lambda: client.get(cancel, headers={"HX-Request": "true"}),
        "cancel": lambda: client.post(cancel),
        "doubt": lambda: client.get(doubt),
        "send again": lambda: client.post(doubt),
        "api": lambda: Client().post(reverse("api:cancel", args=[message.pk]), headers=token),
    }
    return answers[way]()


def finished(status: MessageStatus, **fields: Any) -> SentMessage:
    return make_message(subject=SECRET, status=status, **fields)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", [Engine.CLASSIC, Engine.V2])
@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_message_of_somebody_else_is_not_there(
    operator: User, make_user: Any, status: MessageStatus, engine: Engine, way: str
) -> None:
    message = finished(status, engine=engine, sender=make_user(), message_type="Messenger 2.0 - Emergency")
    answer = ask(operator, message, way)
    assert answer.status_code == 404
    assert SECRET not in answer.content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("status", FINISHED)
def test_a_late_cancel_is_answered_to_the_sender_and_to_those_who_see_the_message_in_a_log(
    make_user: Any, status: MessageStatus
) -> None:
    sender = make_user(*EVERYTHING_UPCOMING)
    reader = make_user(*EVERYTHING_UPCOMING, Tool.ADMIN_SENT_MESSAGE_LOG)
    message = finished(status, sender=sender)
    for user in (sender, reader):
        assert SECRET in ask(user, message, "page").content.decode()
        assert ask(user, message, "doubt").status_code == 200
        assert ask(user, message, "api").status_code == (200 if status in CANCELED else 409)


@pytest.mark.slow
def test_whoever_cancels_just_after_another_person_sees_who_that_was(operator: User, time_machine: Any) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    message = finished(MessageStatus.CANCELED, cancel_asked_at=timezone.now(), canceled_by_name="Vang, Mai")
    assert "Vang, Mai canceled this message already" in ask(operator, message, "page").content.decode()
    assert "Vang, Mai canceled" in ask(operator, message, "api").json()["detail"]
    assert ask(operator, message, "doubt").status_code == 404, "its recipients are upcoming no more"
    SentMessage.objects.update(cancel_asked_at=timezone.now() - JUST_ENDED - timedelta(seconds=1))
    for way in WAYS:
        assert ask(operator, message, way).status_code == 404


@pytest.mark.slow
def test_whoever_cancels_just_after_the_last_device_sees_that_it_was_too_late(
    operator: User, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    message = finished(MessageStatus.SENT, dispatch_finished_at=timezone.now() - timedelta(seconds=1))
    for way in ("page", "dialog"):
        assert SECRET in ask(operator, message, way).content.decode()
    assert ask(operator, message, "cancel").status_code == 302
    late = ask(operator, message, "api")
    assert (late.status_code, late.json()["result"]) == (409, "finished")
    assert not AuditEvent.objects.filter(action="access.refused").exists()
    assert ask(operator, message, "doubt").status_code == 404, "its recipients are upcoming no more"
    SentMessage.objects.update(dispatch_finished_at=timezone.now() - JUST_ENDED - timedelta(seconds=1))
    for way in WAYS:
        assert ask(operator, message, way).status_code == 404


@pytest.mark.slow
def test_online_registration_is_never_upcoming(make_user: Any) -> None:
    user = make_user(*EVERYTHING_UPCOMING)
    asked = {
        "cancel_asked_at": timezone.now(),
        "canceled_by_name": "Vang, Mai",
        "dispatch_finished_at": timezone.now(),
    }
    message = finished(MessageStatus.CANCELED, engine=Engine.OLR, sender=user, **asked)
    for way in WAYS:
        assert ask(user, message, way).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("missing", [Right.READ, Right.WRITE])
def test_without_a_right_of_the_tool_a_late_cancel_tells_nothing(make_user: Any, missing: Right) -> None:
    user = make_user(*(cell for cell in EVERYTHING_UPCOMING if cell[1] is not missing))
    asked = {"cancel_asked_at": timezone.now(), "canceled_by_name": "Vang, Mai"}
    message = finished(MessageStatus.CANCELED, sender=user, **asked)
    for way in WAYS:
        answer = ask(user, message, way)
        assert answer.status_code in (403, 404)
        assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("way", ["page", "dialog", "cancel", "api"])
@pytest.mark.parametrize("status", FINISHED)
def test_whoever_is_told_how_a_message_ended_leaves_a_look_at_it(
    make_user: Any, status: MessageStatus, way: str
) -> None:
    sender = make_user(*EVERYTHING_UPCOMING)
    message = finished(status, sender=sender)
    ask(sender, message, way)
    [look] = AuditEvent.objects.filter(action="message.viewed")
    assert (look.who_id, look.target) == (sender.pk, f"Message {message.pk}")
    assert look.details == {"message": message.pk, "shown": "figures of a cancel"}
