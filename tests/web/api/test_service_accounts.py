"""Programs call the API with credentials of their own."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from allauth.idp.oidc.models import Client as Credential
from allauth.idp.oidc.models import Token
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, GroupPolicy, GroupScope, ServiceAccount, User
from accounts.scopes import ScopeReach
from accounts.service_accounts.services import (
    AccountNameTaken,
    AlreadyEnded,
    Credentials,
    create_service_account,
    delete_expired_tokens,
    end_service_account,
    renew_secret,
)
from accounts.services import issue_token
from accounts.tools import Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.fixtures.accounts import PASSWORD
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/oauth/token/"


@pytest.fixture
def chief(make_user) -> User:
    user: User = make_user(username="chief", groups=["System Administrators"])
    return user


def make(by: User, *groups: str, name: str = "Student system", days: int = 30) -> tuple[ServiceAccount, Credentials]:
    found = list(Group.objects.filter(name__in=groups))
    until = timezone.now() + timedelta(days=days)
    return create_service_account(by=by, name=name, groups=found, expires_at=until)


def ask(credentials: Credentials, *, basic: bool = False, **form: str) -> HttpResponse:
    body = {"grant_type": "client_credentials"}
    if basic:
        pair = base64.b64encode(f"{credentials.client_id}:{credentials.secret}".encode()).decode()
        return Client().post(TOKENS, body, headers={"Authorization": f"Basic {pair}"})
    return Client().post(
        TOKENS, body | {"client_id": credentials.client_id, "client_secret": credentials.secret} | form
    )


def call(token: str, path: str = "/api/v1/messages/?log=sent_administration", *, post: bool = False) -> HttpResponse:
    send = Client().post if post else Client().get
    return send(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("basic", [True, False])
def test_a_program_gets_a_token_and_the_rights_of_its_groups(chief: User, basic: bool) -> None:
    _, credentials = make(chief, "Messenger Administrators")
    message = make_message(subject="Snow day")
    answer = ask(credentials, basic=basic).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in answer
    response = call(answer["access_token"])
    assert [row["id"] for row in response.json()["results"]] == [message.pk]
    writing = {"Authorization": f"Bearer {answer['access_token']}"}
    assert (
        Client().post("/api/v1/messages/", b"{}", content_type="application/json", headers=writing).status_code == 403
    )
    events = AuditEvent.objects.filter(who="Student system").order_by("pk").values_list("action", "target")
    assert ("service_account.token_issued", "") in events
    assert ("api.called", "GET /api/v1/messages/") in events


def test_its_use_is_noted(chief: User, time_machine) -> None:
    account, credentials = make(chief, "Messenger Administrators")
    token = ask(credentials).json()["access_token"]
    assert ServiceAccount.objects.get().last_used_at is None
    call(token)
    first = ServiceAccount.objects.get(pk=account.pk).last_used_at
    assert timezone.now() - first < timedelta(minutes=1)
    call(token)
    assert ServiceAccount.objects.get().last_used_at == first
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    call(token)
    assert ServiceAccount.objects.get().last_used_at > first


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": "wrong"},
        {"client_id": "nobody"},
        {"client_secret": ""},
        {"scope": "openid"},
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "password", "username": "chief", "password": PASSWORD},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"},
        {"grant_type": ""},
    ],
)
def test_nothing_else_gets_a_token(chief: User, form: dict[str, str]) -> None:
    _, credentials = make(chief, "Messenger Administrators")
    response = ask(credentials, **form)
    assert response.status_code in (400, 401)
    assert "access_token" not in response.content.decode()
    assert not Token.objects.exists()


def expire(account: ServiceAccount) -> None:
    ServiceAccount.objects.filter(pk=account.pk).update(expires_at=timezone.now())


def close(account: ServiceAccount) -> None:
    User.objects.filter(pk=account.pk).update(is_active=False)


def end(account: ServiceAccount) -> None:
    end_service_account(by=User.objects.get(username="chief"), pk=account.pk)


def renew(account: ServiceAccount) -> None:
    renew_secret(by=User.objects.get(username="chief"), pk=account.pk)


@pytest.mark.parametrize("stop", [expire, close, end, renew])
def test_what_has_ended_gets_no_token_and_its_tokens_end_too(chief: User, stop: Any) -> None:
    account, credentials = make(chief, "Messenger Administrators")
    token = ask(credentials).json()["access_token"]
    assert call(token).status_code == 200
    stop(account)
    assert call(token).status_code == 401
    response = ask(credentials)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_token_ends_after_an_hour_and_is_deleted(chief: User, time_machine) -> None:
    _, credentials = make(chief, "Messenger Administrators")
    token = ask(credentials).json()["access_token"]
    time_machine.move_to(timezone.now() + timedelta(minutes=61))
    assert call(token).status_code == 401
    delete_expired_tokens()
    assert not Token.objects.exists()


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer x", "Bearer \xff", "bearer " + "x" * 5000])
def test_what_is_no_token_gets_401(value: str) -> None:
    assert Client().get("/api/v1/messages/", headers={"Authorization": value}).status_code == 401


def test_only_hashes_are_stored(chief: User) -> None:
    _, credentials = make(chief, "Messenger Administrators")
    token = ask(credentials).json()["access_token"]
    stored = str([*Credential.objects.values(), *Token.objects.values(), *AuditEvent.objects.values()])
    assert credentials.secret not in stored
    assert token not in stored


def test_nobody_signs_in_with_it(chief: User, client) -> None:
    account, _ = make(chief, "System Administrators")
    account.user.set_password(PASSWORD)
    account.user.save()
    page = client.post("/accounts/login/", {"login": "Student system", "password": PASSWORD})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()


def test_a_new_secret_works_at_once(chief: User) -> None:
    account, _ = make(chief, "Messenger Administrators")
    _, credentials = renew_secret(by=chief, pk=account.pk)
    assert ask(credentials).status_code == 200


def test_names_are_unique_and_an_end_is_final(chief: User) -> None:
    account, _ = make(chief, "Principals")
    with pytest.raises(AccountNameTaken):
        make(chief, name="STUDENT system")
    end(account)
    for again in (end, renew):
        with pytest.raises(AlreadyEnded):
            again(account)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "target")) == [
        ("service_account.created", "Student system"),
        ("service_account.ended", "Student system"),
    ]


# What it may read

LIST = "/api/v1/messages/?log=sent_administration"


def results(token: str, path: str) -> list[dict[str, Any]]:
    response = call(token, path)
    assert response.status_code == 200, path
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_a_required_factor_is_asked_of_the_people_of_a_group_and_not_of_its_programs(chief: User, make_user) -> None:
    message = make_message()
    make_delivery(make_recipient(message))
    group = Group.objects.get(name="Messenger Administrators")
    token = ask(make(chief, group.name)[1]).json()["access_token"]
    GroupPolicy.objects.create(group=group, second_factor=True)
    person = issue_token(user=make_user(groups=[group.name]))[0]
    as_person = Client().get(LIST, headers={"Authorization": f"Token {person}"})
    assert (as_person.status_code, "requires a second factor" in as_person.json()["detail"]) == (403, True)
    assert [row["id"] for row in results(token, LIST)] == [message.pk], "its secret is all that a program has"
    assert len(results(token, f"/api/v1/messages/{message.pk}/deliveries/")) == 1
    assert call(token, "/api/v1/messages/", post=True).status_code == 403, "a right that its groups do not have"
    for page in ("/", "/messenger-administration/sent-message-log/"):
        assert call(token, page)["Location"].startswith("/accounts/login/"), "its token opens no page"


@pytest.fixture
def of_the_north(chief: User) -> str:
    """The token of a program whose group holds its rights for one school."""
    scope = GroupScope.objects.create(group=Group.objects.get(name="Messenger Administrators"), reach=ScopeReach.CHOSEN)
    scope.schools.set([make_school("North")])
    token: str = ask(make(chief, "Messenger Administrators")[1]).json()["access_token"]
    return token


def a_message(school: str | None) -> SentMessage:
    """A message to a family of each school, and to one whose school nobody knows."""
    message = make_message(school=school, subject=f"News of {school}")
    for name in ("North", "South"):
        parent = {"name": f"{name} parent", "student_name": f"{name} student"}
        make_delivery(make_recipient(message, student_school=make_school(name), **parent))
    make_delivery(make_recipient(message, name="Unplaced parent"))
    recount(message_id=message.pk)
    return message


@pytest.mark.slow
def test_a_program_of_one_school_reads_nothing_of_another(of_the_north: str) -> None:
    ours, theirs, of_all = (a_message(school) for school in ("North", "South", None))
    assert {row["id"] for row in results(of_the_north, LIST)} == {ours.pk, of_all.pk}
    for part in ("", "deliveries/", "people/"):
        assert call(of_the_north, f"/api/v1/messages/{theirs.pk}/{part}").status_code == 404
    for part in ("deliveries", "people"):
        answer = call(of_the_north, f"/api/v1/messages/{of_all.pk}/{part}/")
        assert answer.status_code == 200
        text = answer.content.decode()
        assert ("North parent" in text) == (part == "deliveries"), "all were reached"
        assert "South" not in text
        assert "Unplaced" not in text
    assert call(of_the_north, f"/api/v1/messages/{theirs.pk}/cancel/", post=True).status_code == 404
    assert "South" not in call(of_the_north, LIST).content.decode()


@pytest.mark.slow
def test_a_program_of_one_school_finds_nobody_of_another(of_the_north: str) -> None:
    of_all = a_message(None)
    headers = {"Authorization": f"Bearer {of_the_north}"}
    for name, number in (("North", 1), ("South", 0), ("Unplaced", 0)):
        address = f"/api/v1/messages/{of_all.pk}/deliveries/search/"
        found = Client().post(address, {"recipient": name}, content_type="application/json", headers=headers)
        assert len(found.json()["results"]) == number, name


def test_a_program_whose_group_loses_its_schools_reads_no_message_of_others(of_the_north: str) -> None:
    a_message("North")
    GroupScope.objects.get(group__name="Messenger Administrators").schools.clear()
    assert results(of_the_north, LIST) == []


# The page


def test_an_administrator_makes_one_and_sees_the_secret_once(chief: User, signed_in) -> None:
    client, address = signed_in(chief), "/system-administration/user-groups/service-accounts/"
    group, until = Group.objects.get(name="Messenger Administrators"), timezone.localdate() + timedelta(days=1)
    response = client.post(f"{address}new/", {"name": "Student system", "groups": [group.pk], "until": until})
    credentials = response.context["credentials"]
    assert credentials.secret in response.content.decode()
    assert ask(credentials).status_code == 200
    page = client.get(address)
    assert credentials.secret not in page.content.decode()
    assert "Student system" in page.content.decode()
    client.post(f"{address}{ServiceAccount.objects.get().pk}/end/")
    assert "ended" in client.get(address).content.decode()
    assert ask(credentials).status_code == 401


@pytest.mark.parametrize("days", [-1, 800, None])
def test_a_form_that_cannot_be_says_so(chief: User, signed_in, days: int | None) -> None:
    until = timezone.localdate() + timedelta(days=days) if days else "soon"
    response = signed_in(chief).post(
        "/system-administration/user-groups/service-accounts/new/", {"name": "x", "until": until}
    )
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {"groups", "until"}
    assert not ServiceAccount.objects.exists()


def test_who_may_only_see_the_matrix_changes_nothing(make_user, signed_in, chief: User) -> None:
    make(chief, "Principals")
    page = signed_in(make_user(Tool.USER_GROUPS)).get("/system-administration/user-groups/service-accounts/")
    assert "Student system" in page.content.decode()
    assert '<form method="post" action="/system-administration' not in page.content.decode()
