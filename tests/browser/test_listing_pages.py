"""A log in a real browser: with and without JavaScript, by mouse and by keyboard, wide and narrow, light and dark."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.fixtures.browser import assert_accessible, sign_in
from tests.listings.letter_log import Letter, letters_table, make_letters

A_WEEK = f"created_from={timezone.localdate() - timedelta(days=6)}"
LOG = f"/letters/?{A_WEEK}&rows=25"


@pytest.fixture(autouse=True)
def letters(transactional_db: None, settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.listings.letter_log"
    with letters_table():
        make_letters(60, newest=timezone.now())
        yield
        Letter.objects.all().delete()


@pytest.fixture
def log(page: Page) -> Page:
    page.goto(LOG)
    # Lost as soon as the browser loads a whole page.
    page.evaluate("window.samePage = true")
    return page


@pytest.fixture
def scriptless(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def somebody(page: Page, make_user: Callable[..., User]) -> User:
    user = make_user(first_name="Anna", last_name="Miller")
    sign_in(page, user)
    return user


def subjects(page: Page) -> list[str]:
    return page.locator("#grid tbody td:nth-child(4)").all_inner_texts()


def still_the_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.samePage === true"))


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


# Keys of one letter


def row_with_focus(page: Page) -> int:
    """The number of the row that has the focus, from 0; -1 for none."""
    return int(
        page.evaluate("""
            [...document.querySelectorAll("#grid tbody tr")].indexOf(document.activeElement.closest("#grid tbody tr"))
        """)
    )


def test_letters_move_through_the_rows_also_of_a_list_that_was_swapped(somebody: User, log: Page) -> None:
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("Control+j", 1), ("Alt+k", 1)):
        log.keyboard.press(key)
        assert row_with_focus(log) == row, key
    log.keyboard.press("?")
    expect(log.get_by_role("dialog")).to_contain_text("To the search.")
    log.keyboard.press("j")
    log.keyboard.press("Escape")
    expect(log.get_by_role("dialog")).to_be_hidden()
    assert row_with_focus(log) == 1

    log.keyboard.press("/")
    expect(log.locator("#grid input:focus")).to_have_count(1)
    log.fill("#id_recipient", "parent7@")
    log.locator("#id_recipient").press("j")
    expect(log.locator("#id_recipient")).to_have_value("parent7@j")
    log.fill("#id_recipient", "parent")
    log.keyboard.press("Enter")
    expect(log).to_have_url(re.compile("find="))
    assert still_the_same_page(log)
    log.locator("#grid-count").focus()
    log.keyboard.press("j")
    assert row_with_focus(log) == 0
    log.keyboard.press("Enter")
    expect(log).to_have_url(re.compile(r"/letters/\d+/$"))


def test_who_has_turned_the_letters_off_loses_nothing_else(somebody: User, page: Page) -> None:
    User.objects.update(single_keys=False)
    page.goto(LOG)
    for key in ("j", "/", "?"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.body && !document.querySelector('dialog[open]')")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the list")).to_be_focused()
    page.keyboard.press("Enter")
    assert row_with_focus(page) == 0


def test_a_row_keeps_the_focus_when_the_list_is_swapped(somebody: User, log: Page) -> None:
    log.keyboard.press("j")
    log.keyboard.press("j")
    address = log.evaluate("document.activeElement.getAttribute('href')")
    log.evaluate("grid.dataset.before = ''; grid.requestSubmit()")
    expect(log.locator("#grid:not([data-before])")).to_be_visible()
    expect(log.locator(f"#grid a[href='{address}']")).to_be_focused()
    assert row_with_focus(log) == 1


# Partial updates


def test_sorting_changes_the_list_and_nothing_else(log):
    log.focus("#grid-sort-pages")
    log.keyboard.press("Enter")
    expect(log.locator("th[aria-sort=ascending]")).to_contain_text("Pages")
    expect(log).to_have_url(re.compile("sort=pages"))
    expect(log.locator("#grid-sort-pages")).to_be_focused()
    assert still_the_same_page(log)


def test_a_choice_made_while_the_scripts_are_still_on_their_way_counts(page: Page) -> None:
    held: list[Route] = []
    page.route("**/listing*.js", lambda route: held.append(route))
    with page.expect_request("**/listing*.js"):
        page.goto(LOG, wait_until="commit")
    expect(page.locator("#grid tbody tr")).to_have_count(25)
    page.select_option("#id_status", "lost")
    for route in held:
        route.continue_()
    expect(page).to_have_url(re.compile("status=lost"))
    expect(page.locator("#id_status")).to_have_value("lost")


def test_a_drop_down_is_applied_at_once_and_keeps_the_focus(log):
    log.focus("#id_status")
    log.select_option("#id_status", "lost")
    expect(log.locator("#grid-count")).to_have_text("1–20 of 20")
    expect(log.locator("#grid-live")).to_have_text("Letters 1 to 20 of 20")
    expect(log.locator("#id_status")).to_be_focused()
    expect(log).to_have_url(re.compile("status=lost"))
    assert still_the_same_page(log)


def test_a_search_for_a_person_leaves_no_trace_in_the_browser(log):
    log.fill("#id_recipient", "parent7@")
    log.keyboard.press("Enter")
    expect(log.locator("#grid-count")).to_have_text("1–1 of 1")
    expect(log.locator("#id_recipient")).to_be_focused()
    expect(log).to_have_url(re.compile(r"find=[0-9a-f]{16}\b"))
    assert "parent7" not in log.url
    assert still_the_same_page(log)
    kept = log.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "parent7" not in kept
    log.reload()
    expect(log.locator("#grid-count")).to_have_text("1–1 of 1")
    expect(log.locator("#id_recipient")).to_have_value("parent7@")


def test_the_days_of_the_date_picker_are_found(log):
    today = timezone.localdate().isoformat()
    log.fill("#grid-created_from", today)
    log.fill("#grid-created_to", today)
    log.click("#grid-find")
    log.wait_for_url(f"**created_to={today}**")
    assert still_the_same_page(log)
    expect(log.locator("#grid-created_from")).to_have_value(today)


def test_paging_to_the_end_and_back(log):
    log.click("#grid-next")
    expect(log.locator("#grid-count")).to_have_text("26–50 of 60")
    log.focus("#grid-next")
    log.keyboard.press("Enter")
    expect(log.locator("#grid-count")).to_have_text("51–60 of 60")
    expect(log.locator("#grid-next")).to_have_count(0)
    # The link is gone: the focus is not.
    expect(log.locator("#grid-count")).to_be_focused()
    log.click("#grid-previous")
    expect(log.locator("#grid-count")).to_have_text("26–50 of 60")
    log.click("#grid-first")
    expect(log.locator("#grid-count")).to_have_text("1–25 of 60")
    assert still_the_same_page(log)


def test_back_and_forward_go_through_the_lists_that_were_shown(log):
    log.click("#grid-sort-pages")
    expect(log.locator("th[aria-sort=ascending]")).to_contain_text("Pages")
    log.click("#grid-next")
    expect(log.locator("#grid-count")).to_have_text("26–50 of 60")
    log.go_back()
    expect(log.locator("#grid-count")).to_have_text("1–25 of 60")
    expect(log.locator("th[aria-sort=ascending]")).to_contain_text("Pages")
    log.go_back()
    expect(log.locator("th[aria-sort=descending]")).to_contain_text("Posted")
    log.go_forward()
    expect(log.locator("th[aria-sort=ascending]")).to_contain_text("Pages")
    assert log.locator("#grid").count() == 1
    assert log.locator("h1").count() == 1


def test_back_from_a_row_returns_to_the_same_place(log):
    log.click("#grid-next")
    expect(log.locator("#grid-count")).to_have_text("26–50 of 60")
    expect(log).to_have_url(re.compile("after="))
    address = log.url
    log.click("text=Letter 30")
    log.wait_for_url(re.compile(r"/letters/\d+/$"))
    log.go_back()
    expect(log).to_have_url(address)
    expect(log.locator("#grid-count")).to_have_text("26–50 of 60")


def test_a_click_anywhere_in_a_row_opens_it(log):
    log.click("#grid tbody tr:nth-child(3) td:nth-child(5)")
    log.wait_for_url(re.compile(r"/letters/\d+/$"))


def test_text_of_a_row_can_be_selected(log):
    # The page's own listener stands first: by the time that this one hears of the click, a row would be open.
    log.evaluate(
        """() => document.addEventListener("click", ({target}) => {
            document.body.dataset[target.matches("a.row-link") ? "opened" : "clicked"] = "";
        })"""
    )
    cell = log.locator("#grid tbody tr:nth-child(3) td:nth-child(3)").bounding_box()
    assert cell
    log.mouse.move(cell["x"] + 12, cell["y"] + 12)
    log.mouse.down()
    log.mouse.move(cell["x"] + 90, cell["y"] + 12, steps=5)
    log.mouse.up()
    expect(log.locator("body")).to_have_attribute("data-clicked", "")
    expect(log.locator("body")).not_to_have_attribute("data-opened", "")
    assert "parent" in log.evaluate("String(getSelection())")
    assert still_the_same_page(log)


def test_an_export_is_downloaded_and_the_page_stays(somebody, log):
    log.click("#grid-export")
    with log.expect_download() as download:
        log.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == f"letters-{timezone.localdate()}.csv"
    assert still_the_same_page(log)


# Failures


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda route: route.abort(), "No answer came"),
        (lambda route: route.fulfill(status=500, body="<h1>boom</h1>"), "Something went wrong"),
        (lambda route: route.fulfill(status=403, body="no"), "You may not see this any more"),
    ],
)
def test_a_failure_is_told_and_the_list_stays(log, answer: Callable[[Route], None], words):
    log.route("**/letters/**", answer)
    log.click("#grid-sort-pages")
    expect(log.get_by_role("alert")).to_contain_text(words)
    assert len(subjects(log)) == 25
    log.unroute("**/letters/**")
    log.click("#grid-sort-pages")
    expect(log.locator("th[aria-sort=ascending]")).to_contain_text("Pages")
    expect(log.get_by_role("alert")).to_have_count(0)


# Without JavaScript


def test_everything_works_without_javascript(scriptless):
    page = scriptless
    page.goto(LOG)
    page.select_option("#id_status", "lost")
    page.fill("#id_recipient", "parent1")
    page.click("#grid-find")
    expect(page).to_have_url(re.compile("find="))
    assert "parent1" not in page.url
    shown = subjects(page)
    assert shown
    assert set(shown) <= {f"Letter {i}" for i in range(60) if i % 3 == 1 and str(i).startswith("1")}
    page.click("#grid-reset")
    page.goto(LOG)
    page.click("#grid-next")
    expect(page.locator("#grid-count")).to_have_text("26–50 of 60")
    page.click("#grid-sort-pages")
    expect(page.locator("#grid tbody td:nth-child(4)").first).to_have_text("Letter 0")
    page.click("th .explain")
    expect(page.locator("text=Nobody knows where it is.")).to_be_visible()


# Keyboard


def test_the_keyboard_reaches_everything_and_shows_where_it_is(log):
    log.keyboard.press("Tab")
    skip_link = log.get_by_role("link", name="Skip to content")
    expect(skip_link).to_be_focused()
    expect(skip_link).to_be_in_viewport()
    log.keyboard.press("Enter")
    reached = []
    for _ in range(45):
        log.keyboard.press("Tab")
        outline = log.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", f"no ring around {focused(log)}"
        reached.append(focused(log))
    order = ["grid-created_from", "grid-created_to", "id_school", "grid-find", "grid-reset", "grid-quick-1"]
    order += ["grid-sort-status", "grid-sort-posted_at", "grid-sort-pages", "id_status", "id_recipient", "id_subject"]
    assert [name for name in dict.fromkeys(reached) if name in order] == order


def test_an_explanation_opens_on_focus_and_on_click_and_closes_on_escape(log):
    words = log.locator("text=Nobody knows where it is.")
    log.focus("#grid-sort-status")
    expect(words).to_be_hidden()
    log.keyboard.press("Tab")
    expect(words).to_be_visible()
    log.keyboard.press("Escape")
    expect(words).to_be_hidden()
    log.click("th .explain")
    expect(words).to_be_visible()
    log.keyboard.press("Tab")
    expect(words).to_be_hidden()


# Looks


@pytest.mark.parametrize(
    ("address", "widths"),
    [(LOG, [1400, 320]), ("/letters/?subject=nothing&sort=colour", [1400]), ("/letters/?status=burnt", [1400])],
)
def test_axe_finds_nothing_wrong(page: Page, somebody: User, address: str, widths: list[int]) -> None:
    page.goto(address)
    assert_accessible(page, widths=widths)


@pytest.mark.parametrize("size", [(320, 800), (320, 256), (375, 800), (768, 1024)])
def test_nothing_sticks_out_of_a_small_window(page, somebody, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(LOG)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    # On a phone the rows are cards; else a table that is too wide scrolls inside its own region.
    region = page.locator(".grid-scroll")
    scrolls = region.evaluate("region => region.scrollWidth > region.clientWidth")
    assert not (scrolls and size[0] <= 640)
    expect(region).to_have_attribute("tabindex", "0")


def test_the_menu_folds_behind_a_button_on_a_small_window(page, somebody):
    page.goto(LOG)
    expect(page.get_by_role("navigation", name="Tools")).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 800})
    menu = page.get_by_role("navigation", name="Tools")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(menu).to_be_visible()
    expect(menu.get_by_role("link", name="Home")).to_be_visible()
    assert_accessible(page, widths=[375])
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_colors_follow_the_system_until_they_are_chosen(page):
    root = page.locator("html")
    page.emulate_media(color_scheme="dark")
    page.goto(LOG)
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Dark colors").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="Dark colors")).to_have_attribute("aria-pressed", "true")


def test_a_printed_page_is_the_list_alone(page, somebody):
    page.goto(LOG)
    page.emulate_media(media="print", color_scheme="dark")
    for hidden in (".top-bar", "#menu", ".grid-bar", ".grid-filters", ".grid-pages", "#grid-actions"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("caption")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".grid-scroll").evaluate("region => region.scrollHeight <= region.clientHeight")


def test_signing_out_is_in_the_user_menu(page, somebody):
    page.goto(LOG)
    page.get_by_text("Miller, Anna").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
