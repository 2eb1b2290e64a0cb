"""The pages of the ledger with the keyboard alone: Tab reaches all in the order of reading, and it can be seen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Tool
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.browser import sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.reach.people import snow_day

pytestmark = pytest.mark.django_db(transaction=True)

LOG = "/messenger-administration/sent-message-log/"
RECIPIENT_LOG = "/messenger-administration/recipient-log/"

# What has the focus: its words, whether it can be seen that it has it, and where it stands in the document.
FOCUSED = """async () => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const inside = () => {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  };
  // A browser scrolls to it with one of the next pictures.
  for (let picture = 0; picture < 60 && !inside(); picture++) await new Promise(requestAnimationFrame);
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  // A Chromium without windows draws no ring around a frame of another origin, and does not scroll to it.
  const frame = element.tagName === "IFRAME";
  const ring = frame || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  const label = element.getAttribute("aria-label") || (element.labels && element.labels[0]?.textContent)
    || element.textContent;
  return {
    words: label.replace(/\\s+/g, " ").trim(),
    seen: ring && (frame || inside()) && box.width > 0 && box.height > 0,
    place: [...document.querySelectorAll("*")].indexOf(element),
    shown: `${element.outerHTML.slice(0, 120)} outline ${style.outline}`,
  };
}"""


@pytest.fixture
def message(transactional_db: None) -> SentMessage:
    message = make_message(subject="School is closed today", modes=[Mode.EMAIL], bodies={"email": "Snow."})
    make_delivery(make_recipient(message, person_id="4711", name="Vang, Mai"), address="mai@example.com")
    recount(message_id=message.pk)
    return message


@pytest.fixture
def administrator(page: Page, make_user: Callable[..., User], message: SentMessage) -> User:
    user = make_user(Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG)
    page.goto("/")
    page.keyboard.press("Tab")
    page.get_by_label("Username").focus()
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    return user


def walk(page: Page) -> list[str]:
    """Tab through a page from its beginning to its end; what was reached, in words."""
    reached: list[str] = []
    last = -1
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or focused["place"] < last:
            return reached
        assert focused["seen"], focused["shown"]
        assert focused["place"] > last or reached[-1] == focused["words"], focused["shown"]
        last = focused["place"]
        reached.append(focused["words"])
    raise AssertionError("Tab comes to no end")


def in_order(reached: list[str], *wanted: str) -> bool:
    rest = iter(reached)
    return all(any(words.startswith(each) for words in rest) for each in wanted)


@pytest.mark.parametrize("width", [1280, 320])
def test_tab_goes_through_the_log_in_the_order_of_reading(page: Page, administrator: User, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(LOG)
    reached = walk(page)
    # On a phone the menu has the way home.
    home = "Menu" if width == 320 else "Messenger Logs"
    wanted = ["Skip to content", "Skip to the list", home, "Find a person, message or address"]
    wanted += ["Dark colors", "Export", "Help", "Created Between", "and", "Find Messages", "Reset", "today"]
    heads = ["Status", "What Status means", "Message Type", "Filter by Status", "Filter by Message Subject"]
    wanted += ["Sort and filter"] if width == 320 else heads
    wanted += ["School is closed today", "Rows"]
    assert in_order(reached, *wanted), " | ".join(reached)


def test_tab_goes_through_a_message_in_the_order_of_reading(
    page: Page, administrator: User, message: SentMessage
) -> None:
    page.goto(f"{LOG}{message.pk}/")
    reached = walk(page)
    wanted = ["Skip to content", "Sent Message Log", "Report", "History", "Message", "Recipients", "Refresh Status"]
    wanted += ["All totals", "People by mode", "Sent Message Report Options", "Filter Criteria Detail"]
    assert in_order(reached, *wanted), " | ".join(reached)


def test_tab_goes_through_the_recipient_log_and_its_answer(page: Page, administrator: User) -> None:
    page.goto(RECIPIENT_LOG)
    reached = walk(page)
    assert in_order(reached, "Skip to content", "Name, student, id, e-mail or phone", "Find", "Rows"), reached


def test_a_log_is_opened_read_and_left_without_a_mouse(page: Page, administrator: User) -> None:
    page.goto(LOG)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="School is closed today")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("School is closed today")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sent Message Log")


def test_a_person_is_found_from_any_page_and_stands_in_no_address(page: Page, administrator: User) -> None:
    page.goto(LOG)
    page.keyboard.press("/")
    expect(page.get_by_label("Find a person, message or address")).to_be_focused()
    page.keyboard.type("mai@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recipient Log")
    expect(page.get_by_text("Vang, Mai, person id 4711")).to_be_visible()
    expect(page.locator("#grid tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("find="))
    assert "mai" not in page.url


@pytest.mark.slow
@pytest.mark.thorough
def test_three_tasks_of_an_office_need_no_mouse(page: Page, make_user: Callable[..., User]) -> None:
    """Whether a mother got a message and why not, who was reached by no device, and a cancel with its proof."""
    message = snow_day(subject="Snow day", status="in_progress", engine="v2", message_type="Messenger 2.0 - Emergency")
    sign_in(page, make_user(groups=["Messenger Administrators"]))
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_label("Find a person, message or address")).to_be_focused()
    page.keyboard.type("Busy, B")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recipient Log")
    page.keyboard.press("j")
    expect(page.locator("#grid-list tbody tr").first.locator(":focus")).to_be_visible()
    expect(page.locator("#grid-list tbody tr").first).to_contain_text("mail server refused it")

    page.goto("/")
    tab_to(page, "need-emergency")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/{message.pk}/unreached/$"))
    tab_to_words(page, "Skip to the list")
    page.keyboard.press("Enter")
    expect(page.locator("#grid-list tbody tr").first).to_be_focused()

    page.goto("/")
    for place in (f"going-{message.pk}", "cancel-message", "cancel-ok"):
        tab_to(page, place)
        page.keyboard.press("Enter")
    expect(page.locator("#cancel-proof")).to_be_visible()


def tab_to(page: Page, place: str) -> None:
    """Press Tab until the element with this id has the focus."""
    expect(page.locator(f"#{place}")).to_be_visible()
    _tab_until(page, f"document.activeElement.id === '{place}'")


def tab_to_words(page: Page, words: str) -> None:
    _tab_until(page, f"document.activeElement.textContent === '{words}'")


def _tab_until(page: Page, there: str) -> None:
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(there):
            return
    raise AssertionError(f"Tab does not come to where {there}")
