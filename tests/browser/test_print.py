"""What comes out of the printer: what a page says, without anything to press."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.services.totals import recount
from tests.fixtures.browser import sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db(transaction=True)

# A landscape sheet of letter paper between its margins, in pixels of CSS.
SHEET = 1056 - 2 * 45
TO_PRESS = "nav, .btn, input, select, textarea, dialog, button:not(.link)"


@pytest.fixture
def somebody(make_user: Callable[..., User]) -> User:
    upcoming, v2 = Tool.UPCOMING_MESSAGES, Tool.SENT_MESSAGE_LOG_2
    log = Tool.ADMIN_SENT_MESSAGE_LOG
    return make_user(
        *(log, (log, Right.WRITE), (log, Right.MERGE_FIELD_VALUES)),
        *(upcoming, (upcoming, Right.WRITE), (upcoming, Right.VIEW_CANCEL_ALL)),
        *(v2, (v2, Right.ALL_MESSAGES), (v2, Right.TYPE_GENERAL)),
        Tool.ADMIN_RECIPIENT_LOG,
        Tool.ADMIN_MAILGUN_MESSAGE_LOG,
    )


def test_a_printed_page_has_nothing_to_press_and_no_column_is_cut(page: Page, somebody: User) -> None:
    classic = make_message(subject="Snow day", status="in_progress", bodies={"email": "<p>No school.</p>"})
    v2 = make_message(status="waiting", engine="v2", message_type="Messenger 2.0 - General")
    for message in (classic, v2):
        make_delivery(make_recipient(message), address=f"{'a-very-long-address.' * 5}@example.com")
        recount(message_id=message.pk)
    sign_in(page, somebody)
    page.set_viewport_size({"width": SHEET, "height": 800})
    logs = "/messenger-administration/sent-message-log/"

    for address in (
        logs,
        f"{logs}{classic.pk}/",
        f"{logs}{classic.pk}/recipients/",
        "/messenger/sent-message-log-2/",
        f"/messenger/sent-message-log-2/{v2.pk}/",
        "/messenger/upcoming-messages/?whose=all",
        "/messenger-administration/recipient-log/",
        "/messenger-administration/mailgun-message-log/",
        "/",
    ):
        page.emulate_media(media="screen")
        page.goto(address)
        assert page.locator(TO_PRESS).locator("visible=true").count(), "there is something to hide"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator(TO_PRESS).locator("visible=true").all_inner_texts() == [], address
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= SHEET, address
        for head in page.locator("thead").all():
            assert head.evaluate("head => getComputedStyle(head).display") == "table-header-group", "it is repeated"


def test_a_printed_message_tells_its_progress_in_words_and_its_history(page: Page, somebody: User) -> None:
    message = make_message(subject="Snow day", status="in_progress")
    make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    sign_in(page, somebody)
    page.goto(f"/messenger-administration/sent-message-log/{message.pk}/")
    page.emulate_media(media="print")

    expect(page.get_by_text("100 % (1 of 1)")).to_be_visible()
    expect(page.get_by_text("Administrator, System created it.")).to_be_visible()
    expect(page.get_by_role("link", name="Recipients", exact=True)).to_be_hidden()
