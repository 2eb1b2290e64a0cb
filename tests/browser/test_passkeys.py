"""A passkey in a real browser: Chromium's virtual authenticator stands for the finger of a person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuditEvent, User
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.browser import assert_accessible
from tests.fixtures.factors import require_factor

pytestmark = pytest.mark.django_db(transaction=True)


def add_authenticator(page: Page) -> Callable[[bool], None]:
    """Give the browser an authenticator. Returns what lets its person agree, or not."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    name = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def agree(yes: bool) -> None:
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": yes})

    return agree


def sign_out(page: Page) -> None:
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def enter_password(page: Page) -> None:
    page.get_by_label("Username or e-mail address").fill("dexter")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_set_up_and_signs_in_alone_and_after_the_password(page: Page, make_user: Callable[..., User]):
    dexter = make_user(username="dexter")
    require_factor(dexter)
    agree = add_authenticator(page)
    page.goto("/accounts/login/")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    enter_password(page)
    expect(page.get_by_text("Your user group requires a second factor")).to_be_visible()
    assert_accessible(page, widths=[1280])
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    for address in ("/accounts/second-factor/totp/activate/", "/accounts/second-factor/webauthn/", "/my-sessions/"):
        page.goto(address)
        assert_accessible(page, widths=[320])
    page.goto("/accounts/second-factor/recovery-codes/")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()

    sign_out(page)
    agree(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-failed")).to_be_visible()
    agree(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()

    sign_out(page)
    enter_password(page)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    assert_accessible(page, widths=[320])
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    added = AuditEvent.objects.filter(action="second_factor.added").values_list("target", flat=True)
    assert set(added) == {"Passkey: Work laptop", "Recovery codes"}

    sign_out(page)
    User.objects.filter(pk=dexter.pk).update(is_active=False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This account is closed")).to_be_visible()


def test_a_page_that_refreshes_says_that_no_person_asked(page: Page, make_user: Callable[..., User]):
    page.goto("/accounts/login/")
    make_user(username="dexter")
    enter_password(page)
    page.goto("/my-reports/")
    with page.expect_request("**/my-reports/") as asked:
        page.evaluate("htmx.ajax('GET', '/my-reports/', '#content')")
    assert asked.value.headers["x-unattended"] == "true"
