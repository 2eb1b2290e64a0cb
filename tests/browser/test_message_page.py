"""The page of a message in a browser: bodies that come when they are opened, and what is folded away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuditEvent, User
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

COLORS = "frame => { const { body, defaultView } = frame.contentDocument; return defaultView.getComputedStyle(body)"
BACKGROUND = f"{COLORS}.backgroundColor }}"
WHITE = "rgb(255, 255, 255)"


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    return make_user(username="principal", groups=["Principals"])


@pytest.fixture
def message(principal: User) -> SentMessage:
    bodies = {"inbox": '<p style="color: #222">A sheet</p>', "email": "<p>A short text</p>"}
    message = make_message(sender=principal, subject="Snow day", status="error", modes=["email"], bodies=bodies)
    make_delivery(make_recipient(message), status="failed", detail="System error")
    recount(message_id=message.pk)
    return message


def body_looks() -> list[str]:
    return [event.details["shown"] for event in AuditEvent.objects.filter(details__shown__endswith=" body")]


def test_a_body_comes_when_it_is_opened_and_is_as_high_as_its_text(
    page: Page, principal: User, message: SentMessage
) -> None:
    sign_in(page, principal)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/messenger/sent-message-log/{message.pk}/")
    expect(page.get_by_role("heading", name="Message Detail")).to_be_visible()
    assert body_looks() == []

    page.get_by_role("heading", name="Email").click()
    expect(page.frame_locator("iframe[title='Email body']").get_by_text("A short text")).to_be_visible()
    wait_until(lambda: page.locator('iframe[title="Email body"]').evaluate("frame => frame.offsetHeight") < 120)
    assert body_looks() == ["Email body"]
    assert page.locator("iframe[title='Email body']").evaluate(BACKGROUND) != WHITE

    page.get_by_role("heading", name="Inbox").click()
    expect(page.frame_locator("iframe[title='Inbox body']").get_by_text("A sheet")).to_be_visible()
    assert page.locator("iframe[title='Inbox body']").evaluate(BACKGROUND) == WHITE, "its ink is dark"


def test_an_error_looks_like_one_and_links_open_what_is_folded(
    page: Page, principal: User, message: SentMessage
) -> None:
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log/{message.pk}/")
    expect(page.locator("#what-happened")).to_contain_text("Email: nothing could be handed over.")
    expect(page.get_by_role("button", name="Print Sent Message Report")).to_be_hidden()
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.get_by_role("button", name="Print Sent Message Report")).to_be_visible()
    page.get_by_text("All totals").click()
    page.get_by_role("button", name="Refresh Status").click()
    expect(page.locator("#figure-email")).to_be_visible()
    assert_accessible(page)
