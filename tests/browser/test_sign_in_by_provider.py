"""A real browser goes to a real provider and back: our Content-Security-Policy lets it."""

from __future__ import annotations

from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.fixtures.sign_in_providers import OIDC


def test_the_button_leads_to_the_provider_and_back(browser: Browser, live_server: LiveServer, oidc: OIDC, make_user):
    make_user(username="dexter", email="dexter@harrison.example", first_name="Dexter", last_name="Vang")
    oidc.person("b1", email="dexter@harrison.example", email_verified=True)
    page = browser.new_page(base_url=live_server.url)
    # The provider's page asks another host for its looks.
    page.route(lambda url: not url.startswith((live_server.url, oidc.url)), lambda route: route.abort())
    page.goto("/my-reports/")
    page.get_by_role("button", name="Sign in with Harrison ID").click()
    page.wait_for_url(f"{oidc.url}/**")
    page.locator("input[name=sub]").fill("b1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/my-reports/")
    expect(page.get_by_text("Vang, Dexter")).to_be_visible()
    page.close()
