from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Tool
from dispatch.models import InboxMessage
from messenger_logs.choices import Mode
from tests.dispatch.conftest import dispatch_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(make_user: Callable[..., User]) -> Callable[..., object]:
    token = issue_token(user=make_user(Tool.PORTAL_INBOX))[0]

    def ask(**body: object):
        headers = {"Authorization": f"Token {token}"}
        return Client().post("/api/v1/inbox/search/", body, content_type="application/json", headers=headers)

    return ask


@pytest.fixture
def delivered(settings, due_message) -> None:
    settings.GATEWAYS = {"inbox": "dispatch.gateways.inbox.gateway"}
    for subject in ("Snow day", "Library hours"):
        due_message(Mode.INBOX, 3, subject=subject, bodies={"inbox": f"About: {subject}"})
        dispatch_all(Mode.INBOX)


@pytest.mark.slow
def test_a_portal_reads_the_inbox_of_one_person(ask, delivered: None) -> None:
    answer = ask(person_id="1").json()
    assert answer["count"] == 2
    assert {row["person_id"] for row in answer["results"]} == {"1"}
    assert {row["body"] for row in answer["results"]} == {"About: Snow day", "About: Library hours"}
    times = [row["delivered_at"] for row in answer["results"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("body", [{}, {"person_id": ""}, {"person_id": "  "}, {"person_id": None}, {"person": "1"}])
def test_it_is_never_everybodys_at_once(ask, delivered: None, body: dict[str, object]) -> None:
    answer = ask(**body)
    assert answer.status_code == 400
    assert "person_id" in answer.json()["errors"][0]["message"] + answer.json()["errors"][0]["field"]
    assert InboxMessage.objects.exists()


@pytest.mark.slow
def test_somebody_without_messages_has_an_empty_inbox(ask, delivered: None) -> None:
    assert ask(person_id="nobody").json()["results"] == []
