"""Signing in with a second factor: set it up, show it, lose it; and what a stranger can do about it."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.sessions import remove_second_factors
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.factors import (
    AUTHENTICATE,
    code_of,
    enter_code,
    enter_password,
    give_app,
    give_recovery_codes,
    kinds,
    require_factor,
    signed_in_with,
    wrong_code,
)

pytestmark = pytest.mark.django_db

SET_UP_APP = "/accounts/second-factor/totp/activate/"
SCHOOL, HOME, ABROAD = "192.0.2.1", "198.51.100.7", "203.0.113.9"
LOCKED = "Sign-in is locked for a while"


@pytest.fixture
def dexter(make_user) -> User:
    return make_user(username="dexter", email="dexter@example.org")


def actions() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.order_by("id").values_list("action", "who", "target"))


# Set up


@pytest.mark.slow
def test_an_app_is_set_up_with_its_first_code_and_recovery_codes_follow(client, dexter):
    enter_password(client, dexter)
    secret = client.get(SET_UP_APP).context["form"].secret
    assert "not a code that works now" in client.post(SET_UP_APP, {"code": wrong_code(secret)}).text
    assert kinds(dexter) == set()
    response = client.post(SET_UP_APP, {"code": code_of(secret)})
    assert response["Location"] == "/accounts/second-factor/recovery-codes/"
    shown = client.get(response["Location"]).context["unused_codes"]
    assert len(shown) == 10
    assert kinds(dexter) == {"totp", "recovery_codes"}
    assert ("second_factor.added", "dexter", "Authenticator app") in actions()
    assert ("second_factor.added", "dexter", "Recovery codes") in actions()
    file = client.get("/accounts/second-factor/recovery-codes/download/").text
    assert all(code in file for code in shown)


@pytest.mark.slow
def test_who_signed_in_long_ago_enters_the_password_before_a_factor_is_set_up(client, dexter, time_machine):
    enter_password(client, dexter)
    assert client.get(SET_UP_APP).status_code == 200
    time_machine.move_to(timezone.now() + timedelta(minutes=16))
    response = client.get(SET_UP_APP)
    assert response["Location"] == f"/accounts/reauthenticate/?{urlencode({'next': SET_UP_APP})}"
    again = client.post(response["Location"], {"password": PASSWORD, "next": SET_UP_APP})
    assert again["Location"] == SET_UP_APP
    assert client.get(SET_UP_APP).status_code == 200


@pytest.mark.slow
def test_the_stored_secrets_are_encrypted_and_an_older_key_still_reads_them(client, dexter, settings):
    secret, codes = give_app(dexter), give_recovery_codes(dexter)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)
    settings.SECOND_FACTOR_KEYS = ["a new key", *settings.SECOND_FACTOR_KEYS]
    enter_password(client, dexter)
    assert enter_code(client, code_of(secret)).status_code == 302
    settings.SECOND_FACTOR_KEYS = ["a new key"]
    stranger = Client()
    enter_password(stranger, dexter)
    assert "cannot be read here any more" in enter_code(stranger, code_of(secret, later=30)).text
    assert not is_signed_in(stranger)


# Sign in


def test_the_password_alone_opens_nothing(client, dexter):
    give_app(dexter)
    assert enter_password(client, dexter)["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    assert client.get(AUTHENTICATE).status_code == 200
    assert ("sign_in.succeeded", "dexter", "") not in actions()


@pytest.mark.slow
@pytest.mark.parametrize("later", [-30, 0, 30])
def test_a_code_of_a_clock_that_is_half_a_minute_wrong_signs_in(client, dexter, later, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    secret = give_app(dexter)
    enter_password(client, dexter)
    assert enter_code(client, code_of(secret, later=later))["Location"] == "/"
    assert is_signed_in(client)


@pytest.mark.parametrize("later", [-90, -60, 60, 90])
def test_any_other_code_does_not(client, dexter, later, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    secret = give_app(dexter)
    enter_password(client, dexter)
    assert enter_code(client, code_of(secret, later=later)).status_code == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize("seconds", [0, 31, 45])
def test_a_code_that_somebody_saw_does_not_work_again(dexter, seconds, time_machine):
    now = timezone.now().replace(second=0, microsecond=0)
    time_machine.move_to(now, tick=False)
    secret = give_app(dexter)
    code = code_of(secret, later=30)
    first, second = Client(), Client()
    enter_password(first, dexter)
    assert enter_code(first, code).status_code == 302
    time_machine.move_to(now + timedelta(seconds=seconds), tick=False)
    enter_password(second, dexter)
    assert enter_code(second, f"{code[:3]} {code[3:]}").status_code == 200
    assert not is_signed_in(second)


def test_a_recovery_code_signs_in_once_and_is_recorded(dexter):
    give_app(dexter)
    code = give_recovery_codes(dexter)[3]
    first, second = Client(), Client()
    enter_password(first, dexter)
    enter_code(first, code)
    assert is_signed_in(first)
    enter_password(second, dexter)
    enter_code(second, code)
    assert not is_signed_in(second)
    event = AuditEvent.objects.get(action="second_factor.recovery_code_used")
    assert (event.who, event.details) == ("dexter", {"left": 9})
    assert code not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("code", ["", "\0", "x" * 10_000, "ü" * 6, "００００００", "' OR 1=1 --", "null"])
def test_odd_codes_get_words(client, dexter, code):
    give_app(dexter)
    give_recovery_codes(dexter)
    enter_password(client, dexter)
    response = enter_code(client, code)
    assert response.status_code == 200
    assert response.context["form"].errors["code"]


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "1", '{"id": "x"}', '{"id": 1, "response": []}', "{"])
@pytest.mark.parametrize("address", [AUTHENTICATE, "/accounts/second-factor/webauthn/login/"])
def test_what_is_no_passkey_gets_words(client, dexter, credential, address):
    give_app(dexter)
    enter_password(client, dexter) if address == AUTHENTICATE else None
    response = client.post(address, {"credential": credential})
    assert response.status_code == (200 if address == AUTHENTICATE else 302)
    assert not is_signed_in(client)


# Guessing


def attempt(client: Client, user: User, code: str, address: str) -> str:
    """Sign in with the right password and a code; the answer is "in", "wrong" or "locked"."""
    enter_password(client, user, REMOTE_ADDR=address)
    response = enter_code(client, code, REMOTE_ADDR=address)
    if response.status_code == 302:
        client.post("/accounts/logout/")
        return "in"
    [message] = response.context["form"].errors["code"]
    return "locked" if message.startswith(LOCKED) else "wrong"


@pytest.mark.slow
def test_five_wrong_codes_lock_the_address_of_a_stranger_and_nobody_else(dexter):
    secret = give_app(dexter)
    wrong = wrong_code(secret)
    assert [attempt(Client(), dexter, wrong, ABROAD) for _ in range(7)] == ["wrong"] * 5 + ["locked"] * 2
    assert attempt(Client(), dexter, code_of(secret), ABROAD) == "locked"
    assert attempt(Client(), dexter, code_of(secret), HOME) == "in"
    assert AuditEvent.objects.filter(action="second_factor.failed", target="dexter").count() == 5
    assert AuditEvent.objects.filter(action="sign_in.locked", target="dexter").count() == 1


@pytest.mark.slow
def test_a_device_where_the_person_signed_in_before_is_never_locked_by_strangers(dexter, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"code_failed_anywhere": "6/h/key"}
    secret = give_app(dexter)
    device = Client()
    assert attempt(device, dexter, code_of(secret, later=-30), SCHOOL) == "in"
    guesses = [attempt(Client(), dexter, wrong_code(secret), f"203.0.113.{number}") for number in range(8)]
    assert guesses == ["wrong"] * 6 + ["locked"] * 2, "turning addresses does not help either"
    assert attempt(Client(), dexter, code_of(secret), HOME) == "locked"
    assert attempt(device, dexter, code_of(secret), SCHOOL) == "in"


@pytest.mark.slow
def test_wrong_codes_do_not_lock_the_password_nor_the_other_way_round(dexter):
    secret = give_app(dexter)
    for _ in range(6):
        attempt(Client(), dexter, wrong_code(secret), ABROAD)
    assert enter_password(Client(), dexter, REMOTE_ADDR=ABROAD).status_code == 302


# Lost, and removed


@pytest.mark.slow
def test_an_administrator_removes_the_factors_of_who_lost_them(client, dexter, make_user):
    secret = give_app(dexter)
    give_recovery_codes(dexter)
    device = signed_in_with(dexter, secret)
    assert remove_second_factors(user=dexter, by=make_user(username="admin")) == 2
    assert not is_signed_in(device)
    assert ("second_factor.removed", "admin", "Authenticator app") in actions()
    assert ("session.ended", "admin", "dexter") in actions()
    enter_password(client, dexter)
    assert is_signed_in(client)


def test_the_admin_site_offers_it_and_shows_no_factor(make_user, signed_in, dexter):
    give_app(dexter)
    client = signed_in(make_user(username="root", is_staff=True, is_superuser=True))
    chosen = {"action": "remove_factors", "_selected_action": [dexter.pk]}
    assert client.post("/admin/accounts/user/", chosen).status_code == 302
    assert kinds(dexter) == set()
    assert client.get("/admin/mfa/authenticator/").status_code == 404
    assert client.get("/admin/usersessions/usersession/").status_code == 404


@pytest.mark.slow
def test_who_removes_the_app_shows_it_first(dexter, time_machine):
    secret = give_app(dexter)
    client = signed_in_with(dexter, secret)
    time_machine.move_to(timezone.now() + timedelta(minutes=16))
    remove = "/accounts/second-factor/totp/deactivate/"
    response = client.post(remove)
    way = f"/accounts/second-factor/reauthenticate/?{urlencode({'next': remove})}"
    assert response["Location"] == way, "the password does not do"
    assert client.get("/accounts/reauthenticate/").status_code == 302
    wrong = client.post(response["Location"], {"code": wrong_code(secret), "next": remove})
    assert wrong.status_code == 200
    assert kinds(dexter) == {"totp"}
    done = client.post(response["Location"], {"code": code_of(secret), "next": remove})
    assert done["Location"] == "/accounts/second-factor/"
    assert kinds(dexter) == set()


# Required by a group


@pytest.mark.slow
def test_a_member_is_led_to_set_one_up_and_then_everything_is_open(client, dexter):
    require_factor(dexter)
    enter_password(client, dexter)
    response = client.get("/my-reports/")
    assert response["Location"] == "/accounts/second-factor/?next=/my-reports/"
    page = client.get(response["Location"]).text
    assert "Your user group requires a second factor" in page
    assert "<nav" not in page
    secret = client.get(SET_UP_APP).context["form"].secret
    client.post(SET_UP_APP, {"code": code_of(secret)})
    assert client.get("/my-reports/").status_code == 200
    assert ("second_factor.missing", "dexter", "/my-reports/") in actions()


@pytest.mark.slow
def test_a_session_that_began_without_it_shows_it_before_it_goes_on(dexter):
    old = Client()
    enter_password(old, dexter)
    secret = give_app(dexter)
    assert old.get("/my-reports/").status_code == 200
    require_factor(dexter)
    response = old.get("/my-reports/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/second-factor/reauthenticate/?next=%2Fmy-reports%2F"
    form = {"code": code_of(secret), "next": "/my-reports/"}
    assert old.post("/accounts/second-factor/reauthenticate/", form)["Location"] == "/my-reports/"
    assert old.get("/my-reports/").status_code == 200


@pytest.mark.slow
def test_who_removes_the_last_one_reaches_nothing_again(dexter):
    require_factor(dexter)
    client = signed_in_with(dexter, give_app(dexter))
    assert client.get("/my-reports/").status_code == 200
    client.post("/accounts/second-factor/totp/deactivate/")
    assert client.get("/my-reports/").status_code == 302


def test_recovery_codes_alone_are_no_factor(dexter):
    require_factor(dexter)
    give_recovery_codes(dexter)
    client = Client()
    enter_password(client, dexter)
    assert client.get("/my-reports/")["Location"].startswith("/accounts/second-factor/?")


def test_it_costs_no_query_to_know_who_needs_one(signed_in, dexter, django_assert_num_queries):
    client = signed_in(dexter)
    with django_assert_num_queries(5):  # session, user, rights (2), one's reports
        client.get("/my-reports/", headers={"HX-Request": "true"})
