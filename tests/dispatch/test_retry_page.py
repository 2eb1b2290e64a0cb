from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from dispatch.services.scheduling import start_due
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.stub import Provider, hangs_up

pytestmark = pytest.mark.django_db

TOOL = Tool.SENT_MESSAGE_LOG


@pytest.fixture
def sender(make_user: Callable[..., User]) -> User:
    return make_user(TOOL, (TOOL, Right.WRITE))


@pytest.fixture
def message(provider: Provider, due_message: Callable[..., SentMessage], sender: User) -> SentMessage:
    """Three calls whose hand-off was never answered."""
    message = due_message(Mode.VOICE, 3, sender=sender)
    start_due()
    provider.after.append(hangs_up)
    dispatch_all()
    return message


def address(message: SentMessage) -> str:
    return f"/messenger/sent-message-log/{message.pk}/in-doubt/"


@pytest.mark.slow
def test_a_person_chooses_who_is_tried_again(
    signed_in: Callable[[User], Client], sender: User, message: SentMessage, provider: Provider
) -> None:
    client = signed_in(sender)
    page = client.get(address(message)).content.decode()
    assert "Nobody knows whether the message arrived on 3 devices." in page
    chosen = message.deliveries.order_by("pk").values_list("pk", flat=True)[:2]

    answer = client.post(address(message), {"delivery": list(chosen)}, follow=True).content.decode()

    assert "2 of these calls and texts go out again." in answer
    assert "Nobody knows whether the message arrived on 1 device." in answer
    assert AuditEvent.objects.filter(action="message.sent_again").count() == 1
    assert dispatch_all() == 2
    assert statuses(message) == {"not_confirmed": 2, "vendor_received": 1}
    assert {attempt for _, attempt in provider.attempts} == {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("given", [[], ["x"], ["0"], ["99999999999999999999"], ["-1"]])
def test_what_is_not_in_doubt_is_not_sent(
    signed_in: Callable[[User], Client], sender: User, message: SentMessage, given: list[str]
) -> None:
    answer = signed_in(sender).post(address(message), {"delivery": given}, follow=True)
    assert "Nothing is sent again" in answer.content.decode()
    assert dispatch_all() == 0


@pytest.mark.slow
def test_the_message_page_leads_there(
    signed_in: Callable[[User], Client], sender: User, message: SentMessage, make_user: Callable[..., User]
) -> None:
    page = f"/messenger/sent-message-log/{message.pk}/"
    assert address(message) in signed_in(sender).get(page).content.decode()
    reader = make_user(TOOL)
    SentMessage.objects.update(sender=reader)
    assert address(message) not in signed_in(reader).get(page).content.decode()
