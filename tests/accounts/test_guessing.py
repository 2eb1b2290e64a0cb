"""A stranger learns from no answer and no time who has an account, and keeps nobody out."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.test_known_devices import ABROAD, SCHOOL, attempt, fail
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.sign_in_providers import OIDC, browser

pytestmark = pytest.mark.django_db

TRIES = 200  # of both kinds together
# The part of the pairs of tries in which one kind was the slower one. Without a difference it is a half; it is outside
# of these bounds once in 15,000 runs. A busy machine makes both kinds slower. Hashes are quick in tests, so that a
# difference beside them would show.
BY_CHANCE = (0.3, 0.7)


@pytest.fixture
def accounts(make_user, settings) -> None:
    """Accounts of all kinds, and no limit on the number of tries."""
    make_user(username="dexter", email="dexter@example.org")
    User.objects.create_user("by-provider", "by-provider@example.org")
    limits = [*settings.ACCOUNT_RATE_LIMITS, "reset_password"]
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(limits, "9999/s/ip")


def seconds(client: Client, path: str, form: dict[str, str]) -> tuple[float, object]:
    began = time.perf_counter()
    response = client.post(path, form)
    took = time.perf_counter() - began
    form_of_answer = (response.context or {}).get("form")
    return took, (response.status_code, str(form_of_answer.errors) if form_of_answer else response["Location"])


def compare(path: str, there: dict[str, str], not_there: dict[str, str]) -> float:
    """Try the forms by turns. Both get the same answers; returns the part of tries in which `there` was slower."""
    client, slower = Client(), 0
    for number in range(TRIES // 2):
        forms = [there, not_there][:: 1 if number % 2 else -1]
        tries = [seconds(client, path, form) for form in forms][:: 1 if number % 2 else -1]
        slower += tries[0][0] > tries[1][0]
        assert tries[0][1] == tries[1][1]
    return slower / (TRIES // 2)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(("account", "ending"), [("dexter", ""), ("by-provider", "@example.org")])
def test_a_failed_sign_in_tells_nothing(account: str, ending: str) -> None:
    forms = [{"login": f"{name}{ending}", "password": "wrong"} for name in (account, "nobody")]
    assert BY_CHANCE[0] < compare("/accounts/login/", *forms) < BY_CHANCE[1]


@pytest.mark.slow
@pytest.mark.usefixtures("accounts")
def test_a_reset_of_a_password_tells_nothing() -> None:
    forms = [{"email": f"{name}@example.org"} for name in ("dexter", "nobody")]
    assert BY_CHANCE[0] < compare("/accounts/password/reset/", *forms) < BY_CHANCE[1]


@pytest.mark.slow
def test_a_stranger_does_not_lock_out_who_signs_in_by_the_provider(oidc: OIDC, make_user) -> None:
    make_user(username="dexter", email="dexter@example.org")
    oidc.person("g1", email="dexter@example.org", email_verified=True)
    fail(Client(), 6, address=ABROAD)
    fail(Client(), 6, address=SCHOOL)
    assert attempt(Client(), address=SCHOOL) == "locked"
    client = browser()
    oidc.sign_in(client, "g1")
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    assert attempt(client, address=SCHOOL) == "in", "and this browser is known from then on"
