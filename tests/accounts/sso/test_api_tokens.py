"""A token of the REST API ends within an hour after the provider closed the person's account, also if used alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, ProviderIdentity, User
from accounts.services import issue_token
from accounts.sso import api_tokens
from accounts.tasks import check_tokens_with_providers
from accounts.tools import Tool
from config.celery import app
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.sign_in_providers import EMAIL, OIDC, SAML, browser

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MAIL = "dexter@harrison.example"
AWAY = {"SSO_DISTRICT_URL": "http://127.0.0.1:9"}
After = Callable[[float], None]


@pytest.fixture
def after(time_machine) -> After:
    """Move the clock to so many minutes after the beginning; beat has run every four minutes on the way."""
    began: datetime = timezone.now()
    passed = 0.0

    def move(minutes: float) -> None:
        nonlocal passed
        while passed < minutes:
            passed = min(passed + 4, minutes)
            time_machine.move_to(began + timedelta(minutes=passed), tick=False)
            check_tokens_with_providers()

    time_machine.move_to(began, tick=False)
    return move


@pytest.fixture
def dexter(make_user) -> User:
    make_user(groups=["System Administrators"])
    user: User = make_user(Tool.MAILGUN_SYNC, username="dexter", email=MAIL)
    return user


@pytest.fixture
def token(oidc: OIDC, dexter: User) -> str:
    """A token of a person who has signed in by the provider, and has left the browser for good."""
    oidc.person("d1", email=MAIL, email_verified=True)
    client = browser()
    oidc.sign_in(client, "d1")
    assert is_signed_in(client)
    return issue_token(user=dexter)[0]


def works(token: str) -> bool:
    response = Client().get("/api/v1/mailgun-domains/", headers={"Authorization": f"Token {token}"})
    assert response.status_code in (200, 401)
    return response.status_code == 200


def test_beat_asks_so_often_that_an_hour_is_enough() -> None:
    [entry] = [one for one in app.conf.beat_schedule.values() if one["task"] == check_tokens_with_providers.name]
    assert api_tokens.LONGEST + float(entry["schedule"]) < 60 * 60


def test_a_token_alone_ends_within_an_hour_after_the_provider_closed_the_account(
    oidc: OIDC, token: str, dexter: User, after: After
) -> None:
    after(30)
    assert works(token)
    oidc.close("d1")
    after(30 + 60)
    assert not works(token)
    events = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert events[-3:] == ["sign_in.ended_by_provider", "api_token.ended", "access.refused"]


def test_a_token_of_an_account_that_stays_open_goes_on(token: str, after: After) -> None:
    for minutes in (50, 110, 500):
        after(minutes)
        assert works(token), minutes
    assert not AuditEvent.objects.filter(action="api_token.ended").exists()


def test_groups_follow_the_claims_of_a_person_with_a_token_alone(
    oidc: OIDC, configure, token: str, dexter: User, after: After
) -> None:
    configure(SSO_GROUPS='{"heads": "Principals"}')
    oidc.person("d1", email=MAIL, email_verified=True, groups=["heads"])
    after(50)
    assert Group.objects.get(name="Principals") in dexter.groups.all()


def test_without_an_answer_a_token_ends_an_hour_after_the_last_one_or_after_it_was_made(
    token: str, configure, dexter: User, after: After
) -> None:
    configure(**AWAY)
    after(20)
    younger = issue_token(user=dexter)[0]
    after(54)
    assert works(token)
    after(60)
    assert not works(token)
    assert works(younger)
    after(80)
    assert not works(younger)
    because = AuditEvent.objects.filter(action="api_token.ended").values_list("details__because", flat=True)
    assert list(because) == [api_tokens.NOT_CONFIRMED] * 2


def test_it_goes_on_when_the_provider_comes_back(oidc: OIDC, token: str, configure, after: After) -> None:
    configure(**AWAY)
    after(52)
    configure(SSO_DISTRICT_URL=oidc.url)
    after(100)
    assert works(token)


def test_a_token_after_a_saml_sign_in_ends_after_an_hour(saml: SAML, dexter: User, after: After) -> None:
    saml.person("d2", {EMAIL: [MAIL]})
    saml.sign_in(browser())
    token = issue_token(user=dexter)[0]
    after(54)
    assert works(token)
    after(60)
    assert not works(token)


def test_who_never_came_by_a_provider_is_not_asked_about(oidc: OIDC, dexter: User, after: After) -> None:
    token = issue_token(user=dexter)[0]
    after(300)
    assert works(token)


def test_a_provider_that_the_district_has_given_up_ends_no_token(token: str, configure, after: After) -> None:
    configure(SSO_PROVIDERS="")
    after(120)
    assert works(token)


def test_nobody_without_a_token_is_asked_about(oidc: OIDC, token: str, dexter: User, after: After) -> None:
    dexter.auth_token_set.all().delete()
    before = ProviderIdentity.objects.get().checked_at
    after(120)
    assert ProviderIdentity.objects.get().checked_at == before


def test_a_turn_ends_in_time(oidc: OIDC, token: str, after: After, time_machine) -> None:
    time_machine.move_to(timezone.now() + timedelta(minutes=50), tick=False)
    before = ProviderIdentity.objects.get().checked_at
    api_tokens.check_tokens(until=time.monotonic())
    assert ProviderIdentity.objects.get().checked_at == before
    api_tokens.check_tokens(until=time.monotonic() + 60)
    assert ProviderIdentity.objects.get().checked_at > before
