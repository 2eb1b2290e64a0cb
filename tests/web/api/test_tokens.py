import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import AuditEvent
from accounts.tools import Tool
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/tokens/"


def sign_in(username, password=PASSWORD, **headers):
    body = json.dumps({"username": username, "password": password})
    return Client().post(TOKENS, body, content_type="application/json", headers=headers)


def list_messages(token):
    return Client().get("/api/v1/messages/", headers={"Authorization": f"Token {token}"})


@pytest.mark.parametrize("login", ["dexter", "DEXTER", "dexter@example.org"])
def test_a_password_gets_a_token(make_user, login):
    make_user(Tool.SENT_MESSAGE_LOG, username="dexter", email="dexter@example.org")
    response = sign_in(login)
    assert response.status_code == 201
    assert response["Cache-Control"] == "private, no-store"
    assert list_messages(response.json()["token"]).status_code == 200
    assert AuditEvent.objects.filter(action="api_token.issued", who="dexter").exists()


def test_only_a_hash_of_the_token_is_stored(make_user):
    make_user(username="dexter")
    token = sign_in("dexter").json()["token"]
    assert token not in str(list(AuthToken.objects.values()))


def test_every_refusal_looks_alike(make_user):
    make_user(username="dexter")
    make_user(username="gone", is_active=False)
    refusals = [sign_in("nobody"), sign_in("dexter", "wrong"), sign_in("gone")]
    assert [response.status_code for response in refusals] == [401] * 3
    assert len({response.content for response in refusals}) == 1


@pytest.mark.slow
def test_the_lockout_of_the_sign_in_page_holds_here_too(make_user, client):
    make_user(username="dexter")
    for _ in range(5):
        assert sign_in("dexter", "wrong").status_code == 401
    response = sign_in("dexter")
    assert response.status_code == 401
    assert response.json()["detail"].startswith("Sign-in is locked")
    page = client.post("/accounts/login/", {"login": "dexter", "password": PASSWORD})
    assert page.context["form"].non_field_errors()[0].startswith("Sign-in is locked")
    assert AuditEvent.objects.filter(action="sign_in.failed", target="dexter").count() == 5
    assert AuditEvent.objects.filter(action="sign_in.locked", target="dexter").count() == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"username": "x"}', b'{"username": "\\u0000", "password": "x"}', b"\xff", b"[" * 100_000],
)
def test_odd_bodies_get_words(body):
    response = Client().post(TOKENS, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["detail"]


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "\0", "a b", "ü" * 64])
def test_what_is_no_token_gets_401(token):
    assert list_messages(token).status_code == 401


def test_a_token_lasts_a_working_day(make_user, time_machine):
    make_user(Tool.SENT_MESSAGE_LOG, username="dexter")
    now = timezone.now()
    time_machine.move_to(now)
    token = sign_in("dexter").json()["token"]
    time_machine.move_to(now + timedelta(hours=9, minutes=59))
    assert list_messages(token).status_code == 200
    time_machine.move_to(now + timedelta(hours=10, minutes=1))
    assert list_messages(token).status_code == 401


def test_signing_out_ends_every_token(make_user):
    make_user(Tool.SENT_MESSAGE_LOG, username="dexter")
    first, second = (sign_in("dexter").json()["token"] for _ in range(2))
    assert Client().delete(TOKENS, headers={"Authorization": f"Token {first}"}).status_code == 204
    assert list_messages(first).status_code == list_messages(second).status_code == 401
    assert AuditEvent.objects.filter(action="api_token.ended").count() == 1


def test_a_new_password_and_a_closed_account_end_every_token(make_user, signed_in):
    user = make_user(Tool.SENT_MESSAGE_LOG, username="dexter")
    token = sign_in("dexter").json()["token"]
    new = "another long enough sentence"
    signed_in(user).post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert list_messages(token).status_code == 401
    token = sign_in("dexter", new).json()["token"]
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert list_messages(token).status_code == 401


def test_an_old_token_does_not_stop_a_new_sign_in(make_user):
    make_user(username="dexter")
    assert sign_in("dexter", Authorization="Token " + "0" * 64).status_code == 201


def test_calls_are_counted(make_user, monkeypatch):
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min"})
    make_user(Tool.SENT_MESSAGE_LOG, username="dexter")
    token = sign_in("dexter").json()["token"]
    assert [list_messages(token).status_code for _ in range(3)] == [200, 200, 429]
