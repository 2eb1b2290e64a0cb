"""Guessing is slowed by account and address, and no stranger keeps the right person out."""

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts.known_devices import COOKIE, KEPT, MOST_ACCOUNTS
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.accounts import PASSWORD

pytestmark = pytest.mark.django_db

SCHOOL, HOME, ABROAD = "192.0.2.1", "198.51.100.7", "203.0.113.9"
LOCKED = "Sign-in is locked for a while"


@pytest.fixture(autouse=True)
def dexter(make_user):
    return make_user(username="dexter", email="dexter@example.org")


def attempt(client, login="dexter", password=PASSWORD, address=SCHOOL):
    """Try to sign in; the answer is "in", "locked" or "wrong"."""
    response = client.post("/accounts/login/", {"login": login, "password": password}, REMOTE_ADDR=address)
    if response.status_code == 302:
        client.post("/accounts/logout/")
        return "in"
    [message] = response.context["form"].non_field_errors()
    return "locked" if message.startswith(LOCKED) else "wrong"


def fail(client, times, *, address, login="dexter"):
    return [attempt(client, login, "wrong", address) for _ in range(times)]


def known_device(address=SCHOOL):
    """A browser in which Dexter has signed in."""
    client = Client()
    assert attempt(client, address=address) == "in"
    return client


@pytest.mark.slow
def test_a_stranger_elsewhere_locks_out_nobody_but_himself():
    assert fail(Client(), 8, address=ABROAD) == ["wrong"] * 5 + ["locked"] * 3
    assert attempt(Client(), address=HOME) == "in"
    assert attempt(Client(), address=ABROAD) == "locked", "nor has he a second try with the right password"


@pytest.mark.slow
def test_a_stranger_at_the_same_address_does_not_lock_out_a_known_device():
    device = known_device()
    fail(Client(), 6, address=SCHOOL)
    assert attempt(Client(), address=SCHOOL) == "locked"
    assert attempt(device, address=SCHOOL) == "in"


@pytest.mark.slow
def test_many_strangers_with_many_addresses_do_not_lock_out_a_known_device(settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "10/h/key"}
    device = known_device()
    answers = [attempt(Client(), password="wrong", address=f"203.0.113.{n}") for n in range(12)]
    assert answers == ["wrong"] * 10 + ["locked"] * 2, "guessing from many addresses has an end, too"
    assert attempt(Client(), address=HOME) == "locked"
    assert attempt(device, address=HOME) == "in"


@pytest.mark.slow
def test_a_flood_from_an_address_does_not_lock_out_a_known_device_there():
    device = known_device()
    answers = [attempt(Client(), f"somebody{n}", "wrong", SCHOOL) for n in range(32)]
    assert answers == ["wrong"] * 30 + ["locked"] * 2
    assert attempt(Client(), address=SCHOOL) == "locked"
    assert attempt(device, address=SCHOOL) == "in"


@pytest.mark.slow
def test_a_known_device_has_a_limit_of_its_own():
    device = known_device()
    assert fail(device, 6, address=HOME) == ["wrong"] * 5 + ["locked"]
    assert fail(device, 1, address=ABROAD) == ["locked"], "it does not follow the address"
    assert attempt(known_device(HOME), address=SCHOOL) == "in", "another device is not concerned"


@pytest.mark.slow
def test_a_known_device_is_known_for_its_own_accounts_alone(make_user):
    make_user(username="tou")
    device = known_device()
    fail(Client(), 5, address=SCHOOL, login="tou")
    assert attempt(device, "tou") == "locked"
    device = known_device(HOME)
    assert attempt(device, "tou", address=HOME) == "in"
    fail(Client(), 5, address=SCHOOL, login="dexter")
    assert [attempt(device, login) for login in ("tou", "dexter", "DEXTER@example.org")] == ["in"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    ["", "x", "a:b:c", signing.dumps({"1": "x"}, salt="something else")],
    ids=["empty", "a letter", "no signature", "signed for something else"],
)
def test_a_forged_cookie_is_none(value):
    forger = Client()
    forger.cookies[COOKIE] = value
    assert fail(forger, 6, address=ABROAD) == ["wrong"] * 5 + ["locked"]


@pytest.mark.slow
def test_the_cookie_is_for_the_sign_in_pages_alone_and_opens_nothing(settings):
    device = known_device()
    cookie = device.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/accounts/", True, "Lax")
    assert cookie["max-age"] == int(KEPT.total_seconds())
    assert not is_signed_in(device)
    assert "dexter" not in cookie.value
    settings.SESSION_COOKIE_SECURE = True
    assert known_device().cookies[COOKIE]["secure"]


@pytest.mark.slow
def test_a_device_is_forgotten_after_a_year(time_machine):
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    device = known_device()
    time_machine.move_to(now + KEPT + timedelta(seconds=1), tick=False)
    fail(Client(), 5, address=SCHOOL)
    assert attempt(device) == "locked"


@pytest.mark.slow
def test_a_shared_computer_keeps_the_last_people_who_signed_in_there(make_user):
    device = known_device()
    for number in range(MOST_ACCOUNTS):
        make_user(username=f"teacher{number}")
        assert attempt(device, f"teacher{number}") == "in"
    assert len(device.cookies[COOKIE].value) < 4000, "browsers keep no larger cookie"
    fail(Client(), 5, address=SCHOOL)
    assert attempt(device) == "locked"
    fail(Client(), 5, address=SCHOOL, login="teacher0")
    assert attempt(device, "teacher0") == "in"
