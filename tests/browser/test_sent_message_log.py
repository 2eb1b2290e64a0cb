"""The classic Sent Message Log and the message page, as people use them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db(transaction=True)

LOG = "/messenger/sent-message-log/"
FOREIGN_BODY = """
<h1>Snow day</h1><p id="plain">Dear parent of {{student.firstName}}</p>
<script>document.getElementById("plain").textContent = "a script ran"</script>
<img src="https://elsewhere.example/pixel.png" alt="pixel"><a href="https://elsewhere.example/">a link</a>
"""


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    return make_user(username="principal", groups=["Principals"])


@pytest.fixture
def running(principal: User) -> SentMessage:
    """A message that is being sent: one family has it, another waits."""
    message = make_message(
        sender=principal,
        subject="Snow day",
        status="in_progress",
        modes=[Mode.EMAIL, Mode.TEXT],
        bodies={"email": "<p>No school.</p>", "text": "No school today."},
        criteria=[["Deliver To", "Student Messenger Contacts"]],
        created_at=timezone.now() - timedelta(minutes=5),
    )
    make_delivery(make_recipient(message, name="Vang, Pa"), address="pa@example.com")
    make_delivery(make_recipient(message, name="Vang, Chue"), address="pa@example.com")
    make_delivery(make_recipient(message, name="Olson, Liv"), mode=Mode.TEXT, status=DeliveryStatus.WAITING)
    make_delivery(
        make_recipient(message, name="Nur, Amina"), email_outcome="failed-permanent", email_reason="550 No such user"
    )
    recount(message_id=message.pk)
    return message


def expect_rows(page: Page, number: int) -> None:
    expect(page.locator("#grid tbody tr")).to_have_count(number)


def test_from_the_log_to_a_family_and_back(page: Page, principal: User, running: SentMessage) -> None:
    make_message(sender=principal, subject="Library Hours", message_type="Behavior")
    sign_in(page, principal)
    page.goto("/")
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="Sent Message Log", exact=True).click()
    expect_rows(page, 2)
    expect(page.locator("#grid tbody")).to_contain_text("In-Progress 66 %")

    page.get_by_label("Filter by Message Type").select_option("Behavior")
    expect_rows(page, 1)
    page.get_by_label("Filter by Message Type").select_option("all")
    expect_rows(page, 2)
    page.get_by_label("Filter by Message Subject").fill("snow")
    page.get_by_role("button", name="Find Messages").click()
    expect_rows(page, 1)
    expect(page).to_have_url(re.compile("subject=snow"))
    filtered = page.url

    page.locator("#grid tbody td").nth(1).click()  # the row as a whole leads there
    expect(page.get_by_role("heading", name="Snow day", level=1)).to_be_visible()
    page.get_by_text("All totals").click()
    page.get_by_role("link", name="1, Total Text", exact=True).click()
    expect(page.get_by_role("heading", name="Recipients of Snow day")).to_be_visible()
    expect_rows(page, 1)
    expect(page.locator("#grid tbody")).to_contain_text("Olson, Liv")

    page.go_back()
    page.go_back()
    expect_rows(page, 1)
    expect(page).to_have_url(filtered)


def test_figures_refresh_while_it_runs_and_stop_when_it_is_done(
    page: Page, principal: User, running: SentMessage
) -> None:
    page.clock.install()
    sign_in(page, principal)
    page.goto(f"{LOG}{running.pk}/")
    expect(page.locator("#bar-progress-text")).to_contain_text("0 % (0 of")
    page.get_by_text("All totals").click()
    page.locator("#figure-text").focus()
    page.evaluate("scrollTo(0, 200)")
    scrolled = page.evaluate("scrollY")

    running.deliveries.filter(mode="text").update(status="sent", outcome="success")
    # Its e-mail left so long ago that no outcome is awaited any more.
    SentMessage.objects.filter(pk=running.pk).update(status="sent", scheduled_at=timezone.now() - timedelta(days=4))
    recount(message_id=running.pk)
    page.clock.run_for(5_500)

    expect(page.locator("#bar-progress-text")).to_contain_text("100 % (")
    expect(page.locator("#figure-text")).to_be_focused()
    assert page.evaluate("scrollY") == scrolled
    expect(page.locator("#status-news")).to_have_text("Status: Sent")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    with page.expect_response(re.compile(rf"/{running.pk}/\??$")):
        page.get_by_role("button", name="Refresh Status").click()
    expect(page.get_by_role("button", name="Refresh Status")).to_be_focused()
    assert len(asked) == 1, "a minute long it asked for nothing"


def test_a_body_is_shown_without_running_or_fetching_anything(
    browser: Browser, live_server: LiveServer, principal: User, running: SentMessage
) -> None:
    SentMessage.objects.filter(pk=running.pk).update(bodies={"email": FOREIGN_BODY})
    # A page without the fixture's watch, which would end the test at the first address elsewhere.
    context = browser.new_context(base_url=live_server.url)
    fetched: list[str] = []
    context.route("https://elsewhere.example/**", lambda route: (fetched.append(route.request.url), route.abort()))
    page = context.new_page()
    sign_in(page, principal)
    page.goto(f"{LOG}{running.pk}/")
    page.locator("summary", has_text="Email").click()
    frame = page.frame_locator("iframe[title='Email body']")

    expect(frame.get_by_role("heading", name="Snow day")).to_be_visible()
    expect(frame.locator("#plain")).to_have_text("Dear parent of student.firstName")
    link = frame.get_by_text("a link")
    expect(link).to_have_attribute("title", re.compile("elsewhere.example"))
    link.click()
    assert fetched == []
    expect(page.get_by_role("heading", name="Snow day", level=1)).to_be_visible()
    context.close()


def test_the_pages_are_accessible(page: Page, principal: User, running: SentMessage) -> None:
    sign_in(page, principal)
    for address in (LOG, f"{LOG}olr/", f"{LOG}{running.pk}/", f"{LOG}{running.pk}/recipients/"):
        page.goto(address)
        assert_accessible(page)
