"""The API of saved views: list, open, save, delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Tool
from saved_views.models import SavedView
from tests.saved_views.factories import make_view
from tests.saved_views.test_views import fresh, share

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
LOG = "admin_sent_message_log"


def call(user: User, method: str, path: str = "", body: Any = None) -> Any:
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"}
    address = f"/api/v1/saved-views/{path}"
    return Client().generic(method, address, json.dumps(body), content_type="application/json", headers=headers)


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    return make_user(Tool.ADMIN_SENT_MESSAGE_LOG)


def test_a_view_is_saved_listed_opened_replaced_and_deleted(owner: User, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T18:00Z")
    new = {"list": LOG, "name": "Buses", "days": "last_7_days", "values": {"subject": "bus"}}
    saved = call(owner, "POST", "", new)
    assert saved.status_code == 201
    pk = saved.json()["id"]
    assert [view["id"] for view in call(owner, "GET").json()] == [pk]
    opened = call(owner, "GET", f"{pk}/").json()
    assert opened["values"] == {"subject": "bus", "created_from": "2026-11-14", "created_to": "2026-11-20"}
    assert (opened["title"], opened["warnings"]) == ("Messenger Administration > Sent Message Log", [])
    assert call(owner, "POST", "", new | {"name": "buses"}).status_code == 200
    assert call(owner, "DELETE", f"{pk}/").status_code == 204
    assert call(owner, "DELETE", f"{pk}/").status_code == 404


def test_a_reader_opens_a_shared_view_and_does_not_delete_it(owner: User, make_user: MakeUser) -> None:
    reader, blind, other = make_user(Tool.ADMIN_SENT_MESSAGE_LOG), make_user(), make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    view = make_view(owner, listing=LOG)
    share(view, reader, blind)
    for user, answer in ((reader, 200), (blind, 404), (other, 404)):
        assert call(fresh(user), "GET", f"{view.pk}/").status_code == answer
        assert len(call(fresh(user), "GET").json()) == (answer == 200)
        assert call(fresh(user), "DELETE", f"{view.pk}/").status_code == 404
    assert SavedView.objects.exists()


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"list": "gone"}, 400),
        ({"list": f"{LOG}_message_recipients"}, 400),
        ({"list": "audit_trail"}, 403),
        ({"values": {"color": "red"}}, 400),
        ({"values": {"created_from": "tomorrow"}}, 400),
        ({"values": {"after": "sentmessage-1"}}, 400),
        ({"days": "next_decade"}, 400),
        ({"name": ""}, 400),
        ({"name": "a\x00b"}, 400),
    ],
)
def test_what_a_list_does_not_know_is_refused(owner: User, changes: dict[str, Any], answer: int) -> None:
    response = call(owner, "POST", "", {"list": LOG, "name": "Buses"} | changes)
    assert (response.status_code, SavedView.objects.count()) == (answer, 0)
