from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import AuditEvent
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
WRONG = "No account has this username or e-mail address with this password."


def sign_in(client, login, password=PASSWORD, **query):
    return client.post(LOGIN, {"login": login, "password": password}, query_params=query)


def is_signed_in(client):
    return client.get("/").status_code == 200


@pytest.mark.parametrize("login", ["dexter", "DEXTER", " dexter ", "dexter@example.org", "Dexter@Example.ORG"])
def test_one_signs_in_by_username_or_email_in_any_case(client, make_user, login):
    make_user(username="dexter", email="Dexter@Example.org")
    response = sign_in(client, login)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_signed_in(client)


def test_the_page_one_came_for_follows(client, make_user):
    make_user(username="dexter")
    response = client.get("/system-administration/audit-trail/?action=x")
    assert response["Location"] == "/accounts/login/?next=/system-administration/audit-trail/%3Faction%3Dx"
    response = sign_in(client, "dexter", next="/system-administration/audit-trail/?action=x")
    assert response["Location"] == "/system-administration/audit-trail/?action=x"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\0",
        "http:///x",
    ],
)
def test_a_redirect_to_another_site_is_refused(client, make_user, target):
    make_user(username="dexter")
    for field in ("query", "form"):
        data = {"login": "dexter", "password": PASSWORD} | ({"next": target} if field == "form" else {})
        response = client.post(LOGIN, data, query_params={"next": target} if field == "query" else {})
        assert (response.status_code, response["Location"]) == (302, "/")
        client.post("/accounts/logout/")


def test_signing_out_leads_nowhere_else_either(client, make_user):
    client.force_login(make_user())
    response = client.post("/accounts/logout/", {"next": "https://evil.example/"})
    assert response["Location"] == LOGIN
    assert not is_signed_in(client)


def test_a_get_asks_before_it_signs_out(client, make_user):
    client.force_login(make_user())
    assert b"Sign out?" in client.get("/accounts/logout/").content
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "case", ["unknown username", "unknown e-mail", "wrong password", "wrong password by e-mail", "closed account"]
)
def test_every_refusal_looks_alike(client, make_user, case):
    make_user(username="dexter", email="dexter@example.org")
    make_user(username="gone", is_active=False)
    login, password = {
        "unknown username": ("nobody", PASSWORD),
        "unknown e-mail": ("nobody@example.org", PASSWORD),
        "wrong password": ("dexter", "wrong"),
        "wrong password by e-mail": ("dexter@example.org", "wrong"),
        "closed account": ("gone", PASSWORD),
    }[case]
    response = sign_in(client, login, password)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [WRONG]
    assert not is_signed_in(client)


@pytest.mark.parametrize("login", ["dexter", "dexter@example.org", "nobody", "nobody@example.org"])
def test_every_refusal_costs_one_password_hash(client, make_user, monkeypatch, login):
    make_user(username="dexter", email="dexter@example.org")
    from django.contrib.auth.hashers import get_hasher

    hashed = []
    hasher = type(get_hasher())
    encode = hasher.encode
    monkeypatch.setattr(
        hasher, "encode", lambda self, *args, **kwargs: hashed.append(1) or encode(self, *args, **kwargs)
    )
    sign_in(client, login, "wrong")
    assert len(hashed) == 1


@pytest.mark.parametrize(
    "login", ["nul\0byte", "x" * 10_000, "x" * 10_000 + "@example.org", "\ud7ff\u202e", "' OR 1=1 --"]
)
def test_odd_usernames_get_words(client, login):
    response = sign_in(client, login, "wrong")
    assert response.status_code == 200
    form = response.context["form"]
    assert form.non_field_errors() or form.errors["login"]


def test_odd_passwords_get_words(client, make_user):
    make_user(username="dexter")
    for password in ("nul\0byte", "x" * 10_000, " "):
        response = sign_in(client, "dexter", password)
        assert response.status_code == 200
        assert response.context["form"].errors


def test_nobody_can_sign_up(client, rf):
    from accounts.adapter import AccountAdapter

    for path in ("/accounts/signup/", "/accounts/email/", "/accounts/3rdparty/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"username": "x", "password1": PASSWORD}).status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert not AccountAdapter().is_open_for_signup(rf.get("/"))


def test_a_closed_account_is_signed_out_at_once(client, make_user):
    user = make_user()
    client.force_login(user)
    assert is_signed_in(client)
    user.is_active = False
    user.save()
    assert not is_signed_in(client)


def test_a_session_ends_with_the_browser_or_the_working_day(client, make_user):
    make_user(username="dexter")
    response = sign_in(client, "dexter")
    cookie = response.cookies["sessionid"]
    assert cookie["max-age"] == ""
    assert cookie["httponly"]
    assert 8 * 3600 <= client.session.get_expiry_age() <= 12 * 3600


# Lockout


def test_five_failures_lock_the_account_however_it_is_named(client, make_user):
    make_user(username="dexter", email="dexter@example.org")
    for login in ("dexter", "DEXTER", "dexter@example.org", "Dexter", "dexter@EXAMPLE.org"):
        assert sign_in(client, login, "wrong").context["form"].non_field_errors() == [WRONG]
    response = sign_in(client, "dexter", PASSWORD)
    [message] = response.context["form"].non_field_errors()
    assert message.startswith("Sign-in is locked for a while")
    assert not is_signed_in(client)


def test_an_unknown_name_is_locked_just_the_same(client):
    for _ in range(5):
        assert sign_in(client, "nobody", "wrong").context["form"].non_field_errors() == [WRONG]
    [message] = sign_in(client, "nobody", "wrong").context["form"].non_field_errors()
    assert message.startswith("Sign-in is locked for a while")


@pytest.mark.slow
def test_a_lockout_touches_no_other_account_and_ends(client, make_user, time_machine):
    make_user(username="dexter")
    make_user(username="other")
    for _ in range(6):
        sign_in(client, "dexter", "wrong")
    assert sign_in(client, "other").status_code == 302
    client.post("/accounts/logout/")
    time_machine.move_to(timezone.now() + timedelta(minutes=15, seconds=1))
    assert sign_in(client, "dexter").status_code == 302


@pytest.mark.slow
def test_a_success_between_failures_does_not_reset_the_count(client, make_user):
    make_user(username="dexter")
    for _ in range(4):
        sign_in(client, "dexter", "wrong")
    assert sign_in(client, "dexter").status_code == 302
    stranger = Client()
    sign_in(stranger, "dexter", "wrong")
    [message] = sign_in(stranger, "dexter").context["form"].non_field_errors()
    assert message.startswith("Sign-in is locked for a while")


def test_the_count_is_kept_where_all_processes_see_it(client, make_user, settings):
    make_user(username="dexter")
    sign_in(client, "dexter", "wrong")
    prefix = settings.CACHES["default"]["KEY_PREFIX"]
    assert redis.Redis.from_url(settings.REDIS_URL).keys(f"{prefix}:*login_failed*")


def test_the_admin_site_has_no_sign_in_of_its_own(client, make_user):
    response = client.get("/admin/login/?next=/admin/")
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    make_user(username="root", is_staff=True, is_superuser=True)
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert not is_signed_in(client)


# What is recorded


def events():
    return list(AuditEvent.objects.order_by("id").values_list("action", "who", "target"))


def test_signing_in_and_out_is_recorded(client, make_user):
    make_user(username="dexter", first_name="Dexter", last_name="Matthews")
    sign_in(client, "dexter")
    client.post("/accounts/logout/")
    assert events() == [
        ("sign_in.succeeded", "Matthews, Dexter", ""),
        ("sign_out.succeeded", "Matthews, Dexter", ""),
    ]


def test_a_failure_names_an_account_that_exists_and_nothing_else(client, make_user):
    make_user(username="dexter", email="dexter@example.org")
    sign_in(client, "dexter@example.org", "wrong")
    sign_in(client, "my secret password", "wrong")
    assert events() == [("sign_in.failed", "", "dexter"), ("sign_in.failed", "", "")]
    assert "secret" not in str(list(AuditEvent.objects.values()))


@pytest.mark.slow
def test_a_lockout_is_recorded_once(client, make_user):
    make_user(username="dexter")
    for _ in range(8):
        sign_in(client, "dexter", "wrong")
    assert events() == [("sign_in.failed", "", "dexter")] * 5 + [("sign_in.locked", "", "dexter")]


def test_the_log_says_nothing_personal(client, make_user, caplog):
    make_user(username="dexter", email="dexter@example.org")
    with caplog.at_level("DEBUG"):
        sign_in(client, "dexter@example.org", "wrong")
        sign_in(client, "dexter", PASSWORD)
        client.get("/system-administration/audit-trail/")
    assert "dexter" not in caplog.text
