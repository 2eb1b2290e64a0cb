"""Local passwords can be turned off but for one account, which works with the provider away."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts.models import AuditEvent, User
from tests.accounts.test_sign_in import WRONG, is_signed_in, sign_in
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def passwords_off(settings, configure: Callable[..., None]) -> None:
    """The provider is away."""
    configure(
        SSO_PROVIDERS="district",
        SSO_DISTRICT_URL="http://127.0.0.1:9",
        SSO_DISTRICT_CLIENT_ID="x",
        SSO_DISTRICT_CLIENT_SECRET="x",
    )
    settings.PASSWORD_SIGN_IN, settings.BREAK_GLASS_ACCOUNT = False, "Chief"


@pytest.fixture
def people(make_user) -> tuple[User, User]:
    return make_user(username="chief", email="chief@example.org"), make_user(username="dexter", email="d@example.org")


@pytest.mark.slow
@pytest.mark.usefixtures("passwords_off", "people")
def test_only_the_break_glass_account_signs_in_by_password(client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert "Emergency account" in page
    assert "Forgot your password?" not in page
    assert sign_in(client, "dexter").context["form"].non_field_errors() == [WRONG], "as a wrong password"
    assert sign_in(client, "d@example.org").context["form"].non_field_errors() == [WRONG]
    assert not is_signed_in(client)
    for login in ("chief", "CHIEF", "chief@example.org"):
        assert sign_in(client, login)["Location"] == "/"
        client.post("/accounts/logout/")
    used = AuditEvent.objects.filter(action="sign_in.succeeded")
    assert [event.details for event in used] == [{"break_glass": True}] * 3


@pytest.mark.usefixtures("passwords_off", "people")
def test_a_password_gets_no_token_for_the_api() -> None:
    def ask(username: str) -> int:
        body = json.dumps({"username": username, "password": PASSWORD})
        return Client().post("/api/v1/tokens/", body, content_type="application/json").status_code

    assert (ask("dexter"), ask("chief")) == (401, 201)


@pytest.mark.slow
@pytest.mark.usefixtures("passwords_off", "worker")
def test_nobody_else_resets_or_changes_a_password(client, people, signed_in) -> None:
    for address in ("d@example.org", "chief@example.org"):
        response = client.post("/accounts/password/reset/", {"email": address})
        assert response["Location"] == "/accounts/password/reset/done/"
    assert [message.to for message in mail.outbox] == [["chief@example.org"]]
    chief, dexter = people
    assert signed_in(chief).get("/accounts/password/change/").status_code == 200
    assert signed_in(dexter).get("/accounts/password/change/").status_code == 404


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"BREAK_GLASS_ACCOUNT": "chief"},
        {"SSO_PROVIDERS": "google", "SSO_GOOGLE_CLIENT_ID": "x", "SSO_GOOGLE_CLIENT_SECRET": "x"},
    ],
)
def test_passwords_cannot_be_turned_off_without_another_way_in(monkeypatch, settings, environment) -> None:
    for name, value in {"PASSWORD_SIGN_IN": "false", **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match="PASSWORD_SIGN_IN is off"):
        runpy.run_path(str(settings.BASE_DIR / "config" / "sso_settings.py"))
