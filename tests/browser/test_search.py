"""The search of the top bar, from any page, with the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Tool
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db(transaction=True)


def test_people_and_messages_are_found_from_the_top_bar(page: Page, make_user: Callable[..., User]) -> None:
    message = make_message(subject="Thông báo: Vang family night")
    for person_id, name in (("4711", "Vang, Mai"), ("4712", "Vang, Tou")):
        make_delivery(make_recipient(message, person_id=person_id, name=name))
    sign_in(page, make_user(Tool.ADMIN_RECIPIENT_LOG, Tool.ADMIN_SENT_MESSAGE_LOG))
    page.goto("/")

    page.get_by_label("Find a person, message or address").fill("vang")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="People").get_by_role("button")).to_have_count(2)
    expect(page).to_have_url(re.compile("find="))
    assert "vang" not in page.url.lower()
    found = page.url
    assert_accessible(page)

    page.get_by_role("region", name="Messages").get_by_role("link", name="Thông báo").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vang family night")
    page.go_back()
    expect(page).to_have_url(found)
    page.get_by_role("button", name="Vang, Tou").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recipient Log")
    expect(page.get_by_text("Vang, Tou, person id 4712")).to_be_visible()

    page.get_by_label("Find a person, message or address").fill("thong bao")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Messages")).to_contain_text("Thông báo")
    expect(page.get_by_text("No recipient whom you may see")).to_be_visible()
