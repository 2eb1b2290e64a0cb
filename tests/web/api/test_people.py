"""The API: the people of a message, and the figures of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Tool
from tests.messenger_logs.reach.people import snow_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client: Any, make_user: Callable[..., User]) -> Callable[..., Any]:
    user = make_user(Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_REACH)
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"}

    def ask(address: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        if body is None:
            return client.get(f"/api/v1/{address}", query, headers=headers).json()
        return client.post(f"/api/v1/{address}", body, content_type="application/json", headers=headers).json()

    return ask


@pytest.mark.slow
def test_the_people_whom_a_message_did_not_reach(ask: Callable[..., Any]) -> None:
    message = snow_day()
    found = ask(f"messages/{message.pk}/people/")
    assert [row["name"] for row in found["results"]] == ["Nothing, N", "Bounced, A", "Busy, B"]
    busy = found["results"][2]
    assert busy["students"] == [{"name": "Young, Y", "number": ""}]
    assert (busy["school"], busy["language"], busy["reach"], busy["reached_at"]) == ("South", "es", "not_reached", None)
    assert busy["modes"] == {"email": "not_reached", "voice": "not_reached", "text": "no_device"}
    assert [(device["mode"], device["why"]) for device in busy["devices"]] == [
        ("email", "Bounced: the e-mail was sent, but the recipient's mail server refused it."),
        ("voice", "The line was busy."),
    ]
    by_phone = ask(f"messages/{message.pk}/people/", mode="voice", reach="reached")
    assert [row["name"] for row in by_phone["results"]] == ["Reached, R"]
    page = ask(f"messages/{message.pk}/people/", limit="2")
    assert (page["count"], len(page["results"])) == (3, 2)
    rest = ask(page["next"].partition("/api/v1/")[2])
    assert [row["name"] for row in rest["results"]] == ["Busy, B"]


def test_a_search_for_a_person_goes_by_post(ask: Callable[..., Any]) -> None:
    message = snow_day()
    found = ask(f"messages/{message.pk}/people/search/", {"recipient": "busy"})
    assert [row["name"] for row in found["results"]] == ["Busy, B"]
    assert "go by POST" in str(ask(f"messages/{message.pk}/people/", recipient="busy"))


def test_the_figures_of_messages(ask: Callable[..., Any]) -> None:
    snow_day(drill=True)
    [found] = ask("reach/", log="all", school="North")["results"]
    assert (found["subject"], found["drill"]) == ("Snow day", True)
    assert found["people"] == {"reached": 1, "unconfirmed": 1, "not_reached": 0, "canceled": 0, "no_device": 1}
    assert ask("reach/", log="all", drill="without")["results"] == []
