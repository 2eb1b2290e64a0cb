"""A stranger learns from no answer and no time who has an account, and keeps nobody out."""

from __future__ import annotations

import time
from statistics import quantiles

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.test_known_devices import ABROAD, SCHOOL, attempt, fail
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.sign_in_providers import OIDC, browser

pytestmark = pytest.mark.django_db

TRIES = 200  # of both kinds together
# How much longer one kind of answer may take than another, as a part of it. Hashes are quick in tests, so that a
# difference beside them would show: in production it is a hundredth of that.
ALIKE = 0.1


@pytest.fixture
def accounts(make_user, settings) -> None:
    """Accounts of all kinds, and no limit on the number of tries."""
    make_user(username="dexter", email="dexter@example.org")
    make_user(username="closed", email="closed@example.org", is_active=False)
    User.objects.create_user("by-provider", "by-provider@example.org")
    limits = [*settings.ACCOUNT_RATE_LIMITS, "reset_password"]
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(limits, "9999/s/ip")


def seconds(client: Client, path: str, form: dict[str, str]) -> tuple[float, object]:
    began = time.perf_counter()
    response = client.post(path, form)
    took = time.perf_counter() - began
    form_of_answer = (response.context or {}).get("form")
    return took, (response.status_code, str(form_of_answer.errors) if form_of_answer else response["Location"])


def measure(path: str, forms: dict[str, dict[str, str]]) -> tuple[dict[str, float], dict[str, set[object]]]:
    """Try the forms in turn. Return a usual time of each, and its answers.

    A quarter of the tries is quicker than that time: a busy machine makes the slow ones slower.
    """
    client, times, answers = Client(), {name: [] for name in forms}, {name: set() for name in forms}
    for _ in range(TRIES // len(forms)):
        for name, form in forms.items():
            took, answer = seconds(client, path, form)
            times[name].append(took)
            answers[name].add(answer)
    return {name: quantiles(found, n=4)[0] for name, found in times.items()}, answers


@pytest.mark.slow
@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(("there", "not_there"), [("dexter", "nobody"), ("by-provider@example.org", "closed")])
def test_a_failed_sign_in_tells_nothing(there: str, not_there: str) -> None:
    forms = {name: {"login": name, "password": "wrong"} for name in (there, not_there)}
    times, answers = measure("/accounts/login/", forms)
    assert answers[there] == answers[not_there]
    assert abs(times[there] - times[not_there]) < ALIKE * times[not_there], times


@pytest.mark.slow
@pytest.mark.usefixtures("accounts")
def test_a_reset_of_a_password_tells_nothing() -> None:
    forms = {name: {"email": f"{name}@example.org"} for name in ("dexter", "nobody")}
    times, answers = measure("/accounts/password/reset/", forms)
    assert answers["dexter"] == answers["nobody"]
    assert abs(times["dexter"] - times["nobody"]) < ALIKE * times["nobody"], times


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
