"""Sign-in by a real provider over HTTP: into which account, and who is not let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.service_accounts.models import ServiceAccount
from accounts.services import hashed_search
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.sign_in_providers import EMAIL, OIDC, SAML, bring, browser, start, within

pytestmark = pytest.mark.django_db

MAIL = "dexter@harrison.example"


@pytest.fixture
def client() -> Client:
    return browser()


def reason() -> str:
    return str(AuditEvent.objects.filter(action="sign_in.refused").latest("pk").details["reason"])


def signed_in_as(client: Client) -> str:
    assert is_signed_in(client)
    return User.objects.get(pk=client.session["_auth_user_id"]).username


@pytest.mark.slow
def test_a_verified_address_opens_the_account_that_has_it(client, oidc: OIDC, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    oidc.person("s1", email="Dexter@Harrison.example", email_verified=True)
    response = oidc.sign_in(client, "s1", next_url="/my-reports/")
    assert response["Location"] == "/my-reports/"
    assert signed_in_as(client) == "dexter"
    assert User.objects.get(username="dexter").has_usable_password(), "the password goes on"
    event = AuditEvent.objects.get(action="sign_in.succeeded")
    assert (event.who, event.details) == ("dexter", {"provider": "district"})


@pytest.mark.slow
def test_the_identity_decides_from_then_on_and_not_the_address(client, oidc: OIDC, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    oidc.person("s2", email=MAIL, email_verified=True)
    oidc.sign_in(client, "s2")
    User.objects.filter(username="dexter").update(email="dexter@elsewhere.example")
    make_user(username="other", email=MAIL)
    oidc.sign_in(client, "s2")
    assert signed_in_as(client) == "dexter"


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0, 1])
def test_an_address_that_is_not_verified_opens_nothing(client, oidc: OIDC, make_user, verified: Any) -> None:
    make_user(username="dexter", email=MAIL)
    oidc.person("s3", email=MAIL, **({} if verified is None else {"email_verified": verified}))
    response = oidc.sign_in(client, "s3")
    assert response.status_code == 403
    assert b"Harrison ID knows you" in response.content
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert reason() == "the e-mail address is missing or not verified"


@pytest.mark.slow
def test_a_trusted_domain_is_verified_and_no_other(client, oidc: OIDC, configure, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    make_user(username="root", email="root@elsewhere.example")
    configure(SSO_DISTRICT_TRUSTED_DOMAINS="harrison.example")
    oidc.person("s4", email=MAIL)
    oidc.person("s5", email="root@elsewhere.example")
    oidc.sign_in(client, "s4")
    assert signed_in_as(client) == "dexter"
    assert oidc.sign_in(browser(), "s5").status_code == 403


@pytest.mark.parametrize("case", ["nobody", "closed", "service"])
def test_who_has_no_account_and_whose_is_closed_read_the_same(client, oidc: OIDC, make_user, case: str) -> None:
    user = make_user(username="gone", email="gone@harrison.example", is_active=case != "closed")
    if case == "service":
        ServiceAccount.objects.create(user=user, expires_at=user.date_joined)
    email = "nobody@harrison.example" if case == "nobody" else user.email
    oidc.person(f"s6{case}", email=email, email_verified=True)
    response = oidc.sign_in(client, f"s6{case}")
    assert response.status_code == 403
    assert b"Your account there does not open Messenger Logs." in response.content
    event = AuditEvent.objects.get(action="sign_in.refused")
    assert event.target == ("" if case == "nobody" else "gone")
    if case == "nobody":
        assert event.details["searched"] == [hashed_search(email)]
        assert email not in str(list(AuditEvent.objects.values()))


@pytest.mark.slow
def test_the_second_owner_of_an_address_does_not_get_the_account_of_the_first(client, oidc: OIDC, make_user) -> None:
    make_user(username="jsmith", email=MAIL)
    for sub in ("john", "jane"):
        oidc.person(sub, email=MAIL, email_verified=True)
    oidc.sign_in(client, "john")
    assert oidc.sign_in(browser(), "jane").status_code == 403
    assert reason() == "another account of this provider signs in here"


@pytest.mark.slow
def test_a_claim_that_must_be_there_keeps_others_out(client, oidc: OIDC, configure, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    configure(SSO_DISTRICT_REQUIRE='{"hd": "harrison.example"}')
    oidc.person("s7", email=MAIL, email_verified=True, hd="elsewhere.example")
    assert oidc.sign_in(client, "s7").status_code == 403
    oidc.person("s7", email=MAIL, email_verified=True, hd="harrison.example")
    oidc.sign_in(client, "s7")
    assert signed_in_as(client) == "dexter"


@pytest.fixture
def administrator(make_user) -> User:
    """Somebody who can change rights, as every district has one."""
    user: User = make_user(username="chief", groups=["System Administrators"])
    return user


@pytest.mark.slow
@pytest.mark.usefixtures("administrator")
def test_a_new_account_needs_the_setting_and_a_group(client, oidc: OIDC, configure) -> None:
    configure(SSO_GROUPS='{"office": "Front Office"}')
    claims: dict[str, Any] = {"email": MAIL, "email_verified": True, "given_name": "Dexter", "family_name": "Vang"}
    oidc.person("n1", **claims, groups=["office"])
    assert oidc.sign_in(client, "n1").status_code == 403
    assert reason() == "no account has this e-mail address"

    configure(SSO_NEW_ACCOUNTS="true")
    oidc.person("n1", **claims, groups=["cooks"])
    assert oidc.sign_in(client, "n1").status_code == 403
    assert reason().startswith("no claim gives a group")
    assert User.objects.count() == 1

    oidc.person("n1", **claims, groups=["office", "cooks"])
    oidc.sign_in(client, "n1")
    assert signed_in_as(client) == MAIL
    user = User.objects.get(username=MAIL)
    assert (user.listed_name, user.email, user.has_usable_password()) == ("Vang, Dexter", MAIL, False)
    assert list(user.groups.values_list("name", flat=True)) == ["Front Office"]
    assert client.get("/accounts/password/change/").status_code == 404
    assert b"Change password" not in client.get("/").content


@pytest.mark.slow
def test_claims_that_cannot_be_stored_make_no_error_page(client, oidc: OIDC, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    oidc.person("n3", email=MAIL, email_verified=True, name="nul\0byte", nickname=["\0"])
    assert oidc.sign_in(client, "n3")["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


@pytest.mark.slow
def test_an_address_that_is_somebodys_username_makes_no_account(client, oidc: OIDC, configure, make_user) -> None:
    make_user(username=MAIL)
    configure(SSO_NEW_ACCOUNTS="true", SSO_GROUPS='{"office": "Front Office"}')
    oidc.person("n2", email=MAIL, email_verified=True, groups=["office"])
    assert oidc.sign_in(client, "n2").status_code == 403
    assert reason().startswith("an account with another e-mail address")


def test_a_row_of_the_database_adds_no_provider(client, oidc: OIDC) -> None:
    SocialApp.objects.create(
        provider="openid_connect", provider_id="evil", name="Evil", client_id="x", settings={"server_url": oidc.url}
    )
    assert start(client, "evil").status_code == 404
    assert b"Evil" not in client.get("/accounts/login/").content


# The way there and back


def test_the_sign_in_page_has_a_button_for_each_provider_and_lets_the_browser_go_there(client, oidc: OIDC) -> None:
    page = client.get("/accounts/login/?next=/my-reports/")
    assert b"Sign in with Harrison ID" in page.content
    assert page.content.count(b'name="next" value="/my-reports/"') == 2
    [forms] = [part for part in page["Content-Security-Policy"].split("; ") if part.startswith("form-action")]
    assert forms.split() == ["form-action", "'self'", oidc.url]


def test_without_a_provider_the_page_is_as_it_was(client) -> None:
    page = client.get("/accounts/login/")
    assert b"Sign in with" not in page.content
    assert "form-action 'self';" in page["Content-Security-Policy"] + ";"
    assert start(client).status_code == 404


def test_only_a_press_of_the_button_leads_to_the_provider(client, oidc: OIDC) -> None:
    assert client.get("/accounts/by/district/").status_code == 405
    guarded = Client(enforce_csrf_checks=True)
    assert guarded.post("/accounts/by/district/").status_code == 403
    way = client.post(
        "/accounts/by/district/?process=connect&scope=evil&auth_params=prompt%3Dx", {"next": "//evil.example"}
    )
    assert way["Location"].startswith(f"{oidc.url}/oauth2/authorize?")
    assert "evil" not in way["Location"]
    assert "code_challenge_method=S256" in way["Location"]


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?code=x&state=forged", "?error=access_denied", "?state=&code=", "?error=\0"]
)
def test_a_way_back_that_nobody_began_signs_nobody_in(client, oidc: OIDC, query: str) -> None:
    response = client.get(f"/accounts/oidc/district/login/callback/{query}")
    assert response["Location"] == "/accounts/login/"
    assert b"Harrison ID did not confirm it" in client.get("/accounts/login/").content
    assert not is_signed_in(client)


@pytest.mark.slow
def test_a_code_works_once_and_in_one_browser(client, oidc: OIDC, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    oidc.person("s8", email=MAIL, email_verified=True)
    answer = requests.post(start(client)["Location"], data={"sub": "s8"}, allow_redirects=False, timeout=10)
    back = within(answer.headers["Location"])
    assert browser().get(back)["Location"] == "/accounts/login/"
    assert client.get(back)["Location"] == "/"
    client.post("/accounts/logout/")
    assert client.get(back)["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_a_provider_that_is_away_costs_only_its_own_button(client, oidc: OIDC, configure, make_user) -> None:
    configure(SSO_DISTRICT_URL="http://127.0.0.1:9")
    assert b"Harrison ID" in client.get("/accounts/login/").content
    assert start(client)["Location"] == "/accounts/login/"
    assert b"Harrison ID did not confirm it" in client.get("/accounts/login/").content


# SAML


@pytest.mark.slow
@pytest.mark.usefixtures("administrator")
def test_saml_opens_the_account_with_the_address(client, saml: SAML, configure, make_user) -> None:
    configure(SSO_GROUPS='{"principals": "Principals"}')
    user = make_user(username="dexter", email=MAIL)
    saml.person("p1", {EMAIL: [MAIL], "groups": ["principals", "everybody"]})
    response = saml.sign_in(client, next_url="/my-reports/")
    assert response["Location"] == "/my-reports/"
    assert signed_in_as(client) == "dexter"
    assert list(user.groups.all()) == [Group.objects.get(name="Principals")]


@pytest.mark.slow
def test_a_saml_address_of_another_domain_is_not_verified(client, saml: SAML, make_user) -> None:
    make_user(username="dexter", email="dexter@elsewhere.example")
    saml.person("p2", {EMAIL: ["dexter@elsewhere.example"]})
    assert saml.sign_in(client).status_code == 403
    assert not is_signed_in(client)


FORGERIES: dict[str, Callable[[str], str]] = {
    "another address": lambda answer: answer.replace(MAIL, "root@harrison.example"),
    "another request": lambda answer: answer.replace('InResponseTo="', 'InResponseTo="x'),
    "no request": lambda answer: answer.replace('InResponseTo="', 'Was="'),
    "no XML": lambda answer: "x",
    "cut": lambda answer: answer[:-200],
    "huge": lambda answer: answer + " " * 100_000,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_saml_answer_signs_nobody_in(client, saml: SAML, make_user, forge: Callable[[str], str]) -> None:
    make_user(username="dexter", email=MAIL)
    make_user(username="root", email="root@harrison.example")
    saml.person("p3", {EMAIL: [MAIL]})
    response = bring(client, forge(saml.answer(client)))
    assert response["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_a_saml_answer_without_a_signature_signs_nobody_in(client, saml: SAML, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    saml.person("p4", {EMAIL: [MAIL]}, sign=False)
    assert saml.sign_in(client)["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


@pytest.mark.slow
def test_a_saml_answer_works_once_and_in_one_browser(client, saml: SAML, make_user) -> None:
    make_user(username="dexter", email=MAIL)
    saml.person("p5", {EMAIL: [MAIL]})
    answer = saml.answer(client)
    assert bring(browser(), answer)["Location"] == "/accounts/login/"
    assert bring(client, answer)["Location"] == "/"
    client.post("/accounts/logout/")
    assert bring(client, answer)["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_the_metadata_name_our_addresses(client, saml: SAML) -> None:
    text = client.get("/accounts/saml/district/metadata/").content.decode()
    assert 'entityID="http://testserver/accounts/saml/district/metadata/"' in text
    assert "http://testserver/accounts/saml/district/acs/" in text
