"""Canceling as people do it: the warning in a dialog, OK, and the answer."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from messenger_logs.choices import DeliveryStatus
from messenger_logs.models import SentMessage
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.totals import recount
from messenger_logs.tasks import stop_the_rest
from tests.fixtures.browser import sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.queue import note_queued

pytestmark = pytest.mark.django_db(transaction=True)

STOPPED = "The message is canceled: 1 left, 0 hung up while ringing, 2 never started, 0 not to be tried."


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    return make_user(username="principal", groups=["Principals"])


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is stopped when a test says so."""
    note_queued(monkeypatch, stop_the_rest)


@pytest.fixture
def running(principal: User) -> SentMessage:
    message = make_message(sender=principal, subject="Snow day", status="in_progress", dispatched_here=True)
    make_delivery(make_recipient(message))
    for _ in range(2):
        make_delivery(make_recipient(message), status=DeliveryStatus.WAITING)
    recount(message_id=message.pk)
    return message


def test_from_the_message_page_with_a_second_thought(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log/{running.pk}/")
    button = page.locator("#cancel-message")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 has gone. 2 can still be stopped.")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    assert Axe().run(page).response["violations"] == []

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    running.refresh_from_db()
    assert running.status == "in_progress"

    button.press("Enter")
    dialog.get_by_role("button", name="OK, cancel this message").click()
    expect(page.get_by_text(STOPPED)).to_be_visible()
    expect(page.locator("#cancel-message")).to_have_count(0)
    expect(page.get_by_label("Cancel Progress")).to_be_visible()

    complete_cancel(message_id=running.pk)
    page.get_by_role("button", name="Refresh Status").click()
    expect(page.get_by_label("Cancel Progress")).to_have_count(0)
    for name, number in {"left": 1, "hung_up": 0, "never_started": 2, "not_tried": 0}.items():
        expect(page.locator(f"#figure-{name}")).to_have_text(str(number))
    assert Axe().run(page).response["violations"] == []
    page.locator("#figure-never_started").click()
    expect(page.get_by_role("row")).to_have_count(2 + 2)  # with the rows of headings and filters


def test_the_button_goes_when_the_message_has_finished(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log/{running.pk}/")
    expect(page.locator("#cancel-message")).to_be_visible()
    SentMessage.objects.filter(pk=running.pk).update(status="sent")
    page.get_by_role("button", name="Refresh Status").click()
    expect(page.locator("#cancel-message")).to_have_count(0)


def test_from_the_list_of_upcoming_messages(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto("/messenger/upcoming-messages/?tab=in_progress")
    page.get_by_role("link", name="Cancel Message Snow day").click()
    page.get_by_role("dialog").get_by_role("button", name="OK, cancel this message").click()
    expect(page.get_by_text(STOPPED)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"upcoming-messages/{running.pk}/$"))
    expect(page.get_by_role("heading", name="Snow day", level=1)).to_be_visible()


def test_where_the_dialog_cannot_come_the_link_leads_to_the_words(
    page: Page, principal: User, running: SentMessage
) -> None:
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log/{running.pk}/")
    SentMessage.objects.filter(pk=running.pk).update(sender=None)
    page.locator("#cancel-message").click()
    expect(page).to_have_url(re.compile("/cancel/$"))


def test_without_javascript(browser: Browser, live_server: LiveServer, principal: User, running: SentMessage) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log/{running.pk}/")
    page.get_by_role("link", name="Cancel this Message").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel “Snow day”?")
    expect(page.get_by_text("1 has gone. 2 can still be stopped.")).to_be_visible()
    page.get_by_role("button", name="OK, cancel this message").click()
    expect(page.get_by_text(STOPPED)).to_be_visible()
    context.close()
