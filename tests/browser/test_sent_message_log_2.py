"""Sent Message Log 2.0, Upcoming Messages and the home page in a real browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import Calendar, SentMessage
from messenger_logs.services.totals import recount
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db(transaction=True)

LOG, UPCOMING = Tool.SENT_MESSAGE_LOG_2, Tool.UPCOMING_MESSAGES


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    rights = [(LOG, right) for right in LOG.rights]
    return make_user(*rights, UPCOMING, (UPCOMING, Right.VIEW_CANCEL_ALL), username="principal", last_name="Vang")


def send(subject: str, *statuses: tuple[str, str], **fields: Any) -> SentMessage:
    given = {"engine": "v2", "message_type": "Messenger 2.0 - General", "modes": ["email", "voice"]}
    message = make_message(subject=subject, **(given | fields))
    for mode, status in statuses:
        make_delivery(make_recipient(message), mode=mode, status=status)
    recount(message_id=message.pk)
    return message


@pytest.fixture
def running(principal: User) -> SentMessage:
    now = timezone.now()
    calendar = Calendar.objects.create(school=make_school(), name="26-27 Harrison High", school_year="2026-27")
    snow = send("Snow day", ("email", "sent"), ("voice", "failed"), sender=principal, bodies={"email": "<p>Snow</p>"})
    snow.calendars.add(calendar)
    send("Lunch menu", ("email", "sent"), attachments=[{"name": "menu.pdf", "size": 5}], status="no_recipients")
    for status in ["error", "canceled"]:
        send(status, sender=principal, status=status, created_at=now - timedelta(days=2))
    send("Tomorrow", sender=principal, status="waiting", scheduled_at=now + timedelta(days=1), listed_from=now)
    return send("Bus 7 is late", ("email", "sent"), ("voice", "waiting"), sender=principal, status="in_progress")


def subjects(page: Page) -> Locator:
    return page.locator("#grid tbody a.row-link")


def test_from_the_home_page_to_a_message_and_back(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto("/")
    expect(page.get_by_role("region", name="Going out now")).to_contain_text("Bus 7 is late 50 %")
    expect(page.get_by_role("region", name="Going out now")).to_contain_text("Tomorrow")
    expect(page.get_by_role("region", name="Last 14 days")).to_contain_text("1 of them failed")
    page.get_by_text("The numbers of each day").click()
    expect(page.get_by_role("table", name="People of the messages of each day")).to_be_visible()
    assert_accessible(page)

    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="Sent Message Log 2.0").click()
    rows = page.locator("#grid tbody tr")
    expect(rows).to_have_count(5)
    page.evaluate("window.samePage = true")
    page.get_by_role("link", name="All Messages").click()
    expect(rows).to_have_count(6)
    expect(page.get_by_role("link", name="All Messages")).to_have_attribute("aria-current", "true")
    assert page.evaluate("window.samePage === true"), "the buttons change the list and nothing else"

    page.get_by_label("Filter by Subject").fill("snow")
    page.get_by_role("button", name="Apply Filters").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"(?=.*\bsubject=snow)(?=.*\bwhose=all)"))

    page.locator("#grid tbody tr td").nth(1).click()
    expect(page.get_by_role("heading", name="Snow day")).to_be_visible()
    page.get_by_text("All totals").click()
    expect(page.get_by_role("region", name="Deliveries of each mode")).to_contain_text("Voice")
    page.get_by_role("heading", name="Email").click()
    expect(page.frame_locator("iframe.body-frame").get_by_text("Snow")).to_be_visible()
    page.get_by_role("navigation", name="Message").get_by_role("link", name="Recipients").click()
    expect(rows).to_have_count(2)

    page.go_back()
    page.go_back()
    expect(subjects(page)).to_have_text(["Snow day"])
    page.get_by_role("link", name="Reset Filters").click()
    expect(rows).to_have_count(5)


def test_the_keyboard_alone_finds_what_is_going_out(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto("/messenger/upcoming-messages/")
    expect(subjects(page)).to_have_text(["Tomorrow"])
    page.get_by_role("link", name="In Progress").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#grid tbody")).to_contain_text("Bus 7 is late")
    expect(page.get_by_role("link", name="In Progress")).to_be_focused()
    page.get_by_role("link", name="View Details of Bus 7 is late").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Bus 7 is late")).to_be_visible()


def test_the_delivery_information_moves_on_while_it_runs(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    page.goto(f"/messenger/sent-message-log-2/{running.pk}/")
    expect(page.locator("#bar-progress-voice")).to_contain_text("0 % (0 of")

    running.deliveries.filter(mode="voice").update(status="confirmed", outcome="success")
    # Its e-mail left so long ago that no outcome is awaited any more.
    SentMessage.objects.filter(pk=running.pk).update(status="sent", scheduled_at=timezone.now() - timedelta(days=4))
    recount(message_id=running.pk)
    page.get_by_role("button", name="Refresh Status").click()

    information = page.locator("#delivery-summary")
    expect(information).to_contain_text("SENT")
    expect(information).not_to_have_attribute("data-live", "")
    expect(page.locator("#refresh-status")).to_be_focused()


def test_the_pages_are_accessible(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    log = "/messenger/sent-message-log-2/"
    for address in ["/", log, f"{log}?whose=all", f"{log}{running.pk}/", "/messenger/upcoming-messages/"]:
        page.goto(address)
        for details in page.locator("main details:not(.export-menu)").all():
            details.click()
        assert_accessible(page)
