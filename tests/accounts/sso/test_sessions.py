"""A session that came from a provider ends within an hour after the provider closed the account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, ProviderIdentity, User
from accounts.services import issue_token
from accounts.sso.tokens import Tokens
from core.sealing import seal, unseal
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.sign_in_providers import EMAIL, OIDC, SAML, browser

pytestmark = pytest.mark.django_db

MAIL = "dexter@harrison.example"
After = Callable[[float], None]


@pytest.fixture
def client() -> Client:
    return browser()


@pytest.fixture
def after(time_machine, settings) -> After:
    """Move the clock to so many minutes after the beginning. No session ends because nobody is at work."""
    settings.SESSION_IDLE_MINUTES = 600
    began: datetime = timezone.now()

    def move(minutes: float) -> None:
        time_machine.move_to(began + timedelta(minutes=minutes), tick=False)

    move(0)
    return move


@pytest.fixture
def dexter(make_user) -> User:
    make_user(groups=["System Administrators"])
    user: User = make_user(username="dexter", email=MAIL)
    return user


def sign_in(oidc: OIDC, client: Client, **claims: Any) -> None:
    oidc.person("d1", email=MAIL, email_verified=True, **claims)
    oidc.sign_in(client, "d1")
    assert is_signed_in(client)


@pytest.mark.slow
def test_an_account_that_stays_open_notices_nothing(client, oidc: OIDC, dexter: User, after: After) -> None:
    sign_in(oidc, client)
    client.session["kept"] = "so"
    for minutes in range(0, 9 * 60, 40):
        after(minutes)
        assert is_signed_in(client), minutes
    assert AuditEvent.objects.filter(action="sign_in.succeeded").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [46, 54, 59, 300])
def test_a_closed_account_ends_here(client, oidc: OIDC, dexter: User, after: After, minutes: int) -> None:
    sign_in(oidc, client)
    token, _ = issue_token(user=dexter)
    oidc.close("d1")
    after(30)
    assert is_signed_in(client)
    after(minutes)
    response = client.get("/my-reports/")
    assert response["Location"] == "/accounts/login/?next=/my-reports/"
    assert b"did not confirm it again" in client.get("/accounts/login/").content
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == ["sign_in.ended_by_provider", "api_token.ended", "sign_out.not_confirmed"]
    assert Client().get("/api/v1/messages/", headers={"Authorization": f"Token {token}"}).status_code == 401


@pytest.mark.slow
def test_all_sessions_of_the_person_end_together_and_a_new_one_begins(oidc: OIDC, dexter: User, after: After) -> None:
    first, second = browser(), browser()
    sign_in(oidc, first)
    after(5)
    sign_in(oidc, second)
    oidc.close("d1")
    after(51)
    assert not is_signed_in(first)
    assert not is_signed_in(second)
    after(52)
    sign_in(oidc, first)
    after(95)
    assert is_signed_in(first)
    after(98)
    assert is_signed_in(first), "the new tokens are good"


@pytest.mark.slow
def test_a_fragment_leads_the_whole_page_to_the_sign_in(client, oidc: OIDC, dexter: User, after: After) -> None:
    sign_in(oidc, client)
    oidc.close("d1")
    after(50)
    response = client.get("/system-administration/audit-trail/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith("/accounts/login/")


@pytest.mark.slow
def test_while_the_provider_is_away_it_goes_on_for_55_minutes(
    client, oidc: OIDC, configure, dexter: User, after: After
) -> None:
    sign_in(oidc, client)
    configure(SSO_DISTRICT_URL="http://127.0.0.1:9")
    for minutes in (44, 46, 50, 54.5):
        after(minutes)
        assert is_signed_in(client), minutes
    after(55.5)
    assert not is_signed_in(client)
    assert not AuditEvent.objects.filter(action="sign_in.ended_by_provider").exists(), "nobody closed it"


@pytest.mark.slow
def test_it_goes_on_when_the_provider_comes_back(client, oidc: OIDC, configure, dexter: User, after: After) -> None:
    sign_in(oidc, client)
    configure(SSO_DISTRICT_URL="http://127.0.0.1:9")
    after(50)
    assert is_signed_in(client)
    configure(SSO_DISTRICT_URL=oidc.url)
    for minutes in (52, 90, 110):
        after(minutes)
        assert is_signed_in(client), minutes


@pytest.mark.slow
def test_a_provider_taken_out_of_the_configuration_ends_its_sessions(
    client, oidc: OIDC, configure, dexter: User, after: After
) -> None:
    sign_in(oidc, client)
    configure(SSO_PROVIDERS="")
    after(46)
    assert not is_signed_in(client)


@pytest.mark.slow
def test_groups_follow_within_the_hour_too(client, oidc: OIDC, configure, dexter: User, after: After) -> None:
    configure(SSO_GROUPS='{"office": "Front Office", "heads": "Principals"}')
    sign_in(oidc, client, groups=["office"])
    oidc.person("d1", email=MAIL, email_verified=True, groups=["heads"])
    after(46)
    assert is_signed_in(client)
    assert list(dexter.groups.all()) == [Group.objects.get(name="Principals")]


@pytest.mark.slow
def test_without_a_refresh_token_the_access_token_asks(client, oidc: OIDC, dexter: User, after: After) -> None:
    sign_in(oidc, client)
    identity = ProviderIdentity.objects.get()
    tokens = Tokens.opened(identity.tokens)
    ProviderIdentity.objects.update(tokens=Tokens("", tokens.access, tokens.access_until).sealed())
    after(50)
    assert is_signed_in(client), "an access token lasts an hour"
    after(100)
    assert is_signed_in(client)
    after(106)
    assert not is_signed_in(client), "55 minutes after the last answer"


@pytest.mark.slow
def test_tokens_are_sealed(client, oidc: OIDC, dexter: User, settings) -> None:
    sign_in(oidc, client)
    identity = ProviderIdentity.objects.get()
    tokens = Tokens.opened(identity.tokens)
    assert tokens.refresh
    assert tokens.refresh not in identity.tokens
    assert unseal(seal("x", purpose="a"), purpose="b") is None
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert Tokens.opened(identity.tokens) == Tokens()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Tokens.opened(identity.tokens) == tokens


@pytest.mark.slow
def test_a_session_by_password_is_asked_nothing(client, oidc: OIDC, configure, dexter: User, after: After) -> None:
    client.post("/accounts/login/", {"login": "dexter", "password": PASSWORD})
    configure(SSO_DISTRICT_URL="http://127.0.0.1:9")
    after(300)
    assert is_signed_in(client)


@pytest.mark.slow
@pytest.mark.parametrize(("provider_says", "ends"), [(None, 60), (20, 20), (240, 60)])
def test_a_saml_session_ends_after_an_hour_or_when_the_provider_says(
    client, saml: SAML, dexter: User, after: After, provider_says: int | None, ends: int
) -> None:
    saml.person("d2", {EMAIL: [MAIL]}, session_minutes=provider_says)
    saml.sign_in(client)
    after(ends - 1)
    assert is_signed_in(client)
    after(ends + 1)
    assert not is_signed_in(client)
