"""From Home to the call sheet, and what the pages of reach look like in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import SentMessage
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.reach.people import counted, snow_day
from web.message_urls import message_url

pytestmark = pytest.mark.django_db(transaction=True)

EMERGENCY = {"engine": "v2", "message_type": "Messenger 2.0 - Emergency"}


@pytest.fixture
def messenger(make_user: Callable[..., User]) -> User:
    return make_user(groups=["Messenger Administrators"])


def test_from_home_to_the_call_sheet_in_three_clicks(page: Page, messenger: User) -> None:
    message = snow_day(**EMERGENCY)
    sign_in(page, messenger)
    page.goto("/")
    page.get_by_role("link", name=re.compile("^3 of .* people were not reached")).click()
    expect(page).to_have_url(re.compile(f"/{message.pk}/unreached/$"))
    expect(page.get_by_role("cell", name="Busy, B")).to_be_visible()
    link = page.get_by_role("link", name="Call Sheet (opens")
    with page.expect_popup():
        link.click()
    sheet = page.context.request.get(link.evaluate("link => link.href"))
    assert (sheet.status, sheet.body()[:4]) == (200, b"%PDF")


def test_a_drill_is_marked_on_the_page_of_the_message_and_compared(page: Page, messenger: User) -> None:
    snow_day(subject="Spring drill", drill=True, **EMERGENCY)
    message = snow_day(subject="Fall drill", **EMERGENCY)
    sign_in(page, messenger)
    page.goto(message_url(Tool.SENT_MESSAGE_LOG_2, message.pk))
    page.get_by_role("button", name="Mark as a drill").click()
    expect(page.get_by_role("heading", name="Drill: Fall drill")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^South"))).to_contain_text("the same")
    assert_accessible(page)
    page.get_by_role("button", name="Not a drill").click()
    expect(page.get_by_role("heading", name="Reach")).to_be_visible()


@pytest.mark.parametrize("address", ["/messenger-administration/reach/", "unreached"])
def test_axe_finds_nothing_wrong(page: Page, messenger: User, address: str) -> None:
    message = snow_day()
    sign_in(page, messenger)
    page.goto(address if "/" in address else message_url(Tool.ADMIN_SENT_MESSAGE_LOG, message.pk, address))
    assert_accessible(page)


def a_message_with_long_texts() -> SentMessage:
    """A message whose list of recipients needs as much room as a real one may."""
    message = make_message(modes=["inbox", "email", "voice", "text"])
    parent = make_recipient(message, name="Cárdenas Zúñiga, María José", student_name="Cárdenas Zúñiga, Alejandra")
    email = {"email_outcome": "failed-permanent", "email_reason": "550 5.1.1 The account does not exist: " + "x" * 60}
    at = {"last_attempt_at": message.created_at}
    make_delivery(parent, address="mariajose.cardenaszuniga1234@familymail.example", **email, **at)
    make_delivery(parent, mode="voice", status="not_confirmed", detail="Answering machine detected", code=6, **at)
    make_delivery(parent, mode="text", status="undelivered", detail="Carrier or vendor issue", code=-40, **at)
    make_delivery(parent, mode="inbox", status="sent", **at)
    return counted(message)


def test_the_lists_of_recipients_need_no_scrolling_sideways(page: Page, make_user: Callable[..., User]) -> None:
    message = a_message_with_long_texts()
    user = make_user(
        Tool.ADMIN_SENT_MESSAGE_LOG,
        (Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES),
        Tool.ADMIN_RECIPIENT_LOG,
    )
    sign_in(page, user)
    page.set_viewport_size({"width": 1440, "height": 900})
    region = page.locator("#grid > .grid-scroll")
    page.goto(message_url(Tool.ADMIN_SENT_MESSAGE_LOG, message.pk, "recipients"))
    expect(region.get_by_role("row")).to_have_count(6)
    assert region.evaluate("region => region.scrollWidth - region.clientWidth") <= 0
    # Two fields, and one look: whether this mother got the message, and why not.
    page.goto("/messenger-administration/recipient-log/")
    page.get_by_label("Name, student, id, e-mail or phone").fill("Cárdenas Zúñiga, María José")
    page.get_by_label("Filter by Message Subject").fill("library")
    page.locator("#grid-find").click()
    expect(region.get_by_text("Bounced: the e-mail was sent")).to_be_visible()
    assert region.evaluate("region => region.scrollWidth - region.clientWidth") <= 0
