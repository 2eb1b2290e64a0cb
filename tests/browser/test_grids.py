"""The lists in a real browser: they fit the window, nothing breaks that must not, a row is a card on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from accounts.tools import Tool
from demo.district import Size, make_district
from demo.staff import make_staff
from listings.registry import registry
from messenger_logs.models import Recipient, SentMessage
from tests.fixtures.browser import assert_accessible, sign_in
from tests.listings.letter_log import Letter, letters_table, make_letters
from web.message_urls import message_url

# For each table: what it is, its width and that of its box, and the cells that break what must stay on one line.
MEASURE = r"""() => [...document.querySelectorAll(".grid > .grid-scroll:not(.heat-map)")].map((box) => {
    const lines = (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const boxes = [...range.getClientRects()].filter(({width}) => width > 1);
        return new Set(boxes.map(({top, height}) => Math.round((top + height / 2) / 8))).size;
    };
    const whole = [...box.querySelectorAll("td.number, td.time > time, td .line")];
    return {
        table: box.querySelector("table").scrollWidth,
        box: box.clientWidth,
        rows: box.querySelectorAll("tbody tr").length,
        broken: whole.filter((each) => lines(each) > 1).map((each) => each.innerText),
    };
})"""
DAYS = f"created_from={timezone.localdate() - timedelta(days=29)}&rows=25"


@pytest.fixture
def district(page: Page, transactional_db: None) -> User:
    make_staff()
    make_district(Size(messages=45, recipients=400, events=60))
    admin = User.objects.get(username="admin")
    sign_in(page, admin)
    return admin


def lists(admin: User) -> Iterator[str]:
    """Yield the address of each list: the logs, those of a message, a person's record, events by each grouping."""
    yield from (entry.url() for entry in registry if entry.stands_alone)
    groups = registry["admin_mailgun_message_log_groups"].url()
    yield from (f"{groups}?by={by}" for by in ("provider", "message"))
    tool = Tool.ADMIN_SENT_MESSAGE_LOG
    message = SentMessage.objects.visible_to(admin, tool).filter(status="sent", recipients__isnull=False).latest("pk")
    yield from (message_url(tool, message.pk, part) for part in ("recipients", "unreached"))
    person = Recipient.objects.filter(message=message).latest("pk")
    yield f"{registry['admin_recipient_log_person'].url(person=person.person_id)}?{DAYS}"


@pytest.mark.slow
def test_every_list_fits_and_no_number_date_or_address_breaks(page: Page, district: User) -> None:
    rows = 0
    for address in lists(district):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address)
        for table in page.evaluate(MEASURE):
            rows += table["rows"]
            assert table["table"] <= table["box"], f"{address} scrolls sideways"
            assert not table["broken"], f"{address} breaks {table['broken']}"
        for width, height in ((640, 400), (360, 800)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} at {width}"
            assert page.locator(".top-bar").bounding_box()["height"] <= 56
            for table in page.evaluate(MEASURE):
                assert table["table"] <= table["box"], f"{address} has a card that is too wide at {width}"
    assert rows > 200, "the lists have rows to measure"


@pytest.fixture
def letters(page: Page, transactional_db: None, settings) -> Iterator[Page]:
    settings.ROOT_URLCONF = "tests.listings.letter_log"
    with letters_table():
        make_letters(60, newest=timezone.now())
        page.goto(f"/letters/?{DAYS}")
        yield page
        Letter.objects.all().delete()


def test_a_text_filter_acts_as_one_types_and_back_leads_to_the_list_before(letters: Page) -> None:
    count = letters.locator("#grid-count")
    letters.locator("#id_subject").press_sequentially("Letter 5")
    expect(count).to_have_text("1–11 of 11")
    expect(letters.locator("#id_subject")).to_be_focused()
    letters.locator("#id_subject").press_sequentially("9")
    expect(count).to_have_text("1–1 of 1")
    expect(letters.locator("#id_subject")).to_have_value("Letter 59")
    expect(letters).to_have_url(re.compile("subject=Letter"))
    letters.go_back()
    expect(count).to_have_text("1–25 of 60")


def test_what_is_typed_while_the_answer_is_on_its_way_is_kept_and_asked_for(letters: Page) -> None:
    held: list[Route] = []
    letters.route("**/letters/", lambda route: held.append(route) if not held else route.continue_())
    field = letters.locator("#id_subject")
    with letters.expect_request(lambda request: request.method == "POST"):
        field.press_sequentially("Letter")
    field.press_sequentially(" 42")
    for route in held:
        route.continue_()
    expect(letters.locator("#grid-count")).to_have_text("1–1 of 1")
    expect(field).to_have_value("Letter 42")
    expect(field).to_be_focused()


def test_a_row_is_a_card_on_a_phone_and_its_heads_fold(letters: Page) -> None:
    letters.set_viewport_size({"width": 360, "height": 800})
    first = letters.locator("#grid tbody tr").first
    tops = first.locator("td").evaluate_all("cells => cells.map(cell => cell.getBoundingClientRect().top)")
    status, posted, recipient, subject, *_ = tops
    assert status < subject < min(posted, recipient)
    assert letters.locator("#id_subject").is_hidden()
    letters.click("#grid-fold-open")
    letters.locator("#id_subject").fill("Letter 7")
    expect(letters.locator("#grid-count")).to_have_text("1–1 of 1")
    expect(letters.locator("#id_subject")).to_be_visible()
    expect(letters.get_by_role("cell", name="Letter 7", exact=True)).to_be_visible()
    assert_accessible(letters, widths=[360])
