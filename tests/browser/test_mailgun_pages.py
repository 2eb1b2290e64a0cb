"""From the provider to the screen: a user signs in, sees what is his, finds who did not get it, and takes it along."""

import csv
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Right, Tool
from mailgun_sync import tasks
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.sync import sync_domain
from sandbox.server import Sandbox
from tests.fixtures.browser import assert_accessible, sign_in
from tests.mailgun_sync import payloads
from tests.queue import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailgun(sandbox: Sandbox, settings) -> Sandbox:
    settings.MAILGUN_API_BASE = sandbox.url
    settings.MAILGUN_API_KEY = sandbox.api_key
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    return sandbox


@pytest.fixture
def domain(mailgun: Sandbox, transactional_db: None, now: datetime) -> SendingDomain:
    """A domain that was synced until an hour ago."""
    configured_domains().update(settled_through=now - timedelta(hours=1), covered_from=now - timedelta(days=30))
    return SendingDomain.objects.get()


@pytest.fixture
def now(settings) -> datetime:
    # Within the day, so that what happened an hour ago is still "today".
    settings.TIME_ZONE = "Etc/GMT+12" if datetime.now().astimezone().hour < 12 else "UTC"
    return datetime.now().astimezone()


def expect_recipients(page: Page, *expected: str) -> None:
    expect(page.locator("#grid tbody td:nth-child(4)")).to_have_text(list(expected))


@pytest.fixture
def principal(make_user: Callable[..., User]) -> User:
    return make_user(username="principal", groups=["Principals"])


@pytest.fixture
def events(mailgun: Sandbox, domain: SendingDomain, principal: User, now: datetime) -> None:
    mine = {"user_variables": {"sender": "principal", "person_id": "4711"}}
    at = now - timedelta(minutes=10)
    mailgun.add(recipient="mai@example.com", timestamp=at, **mine)
    mailgun.add(
        recipient="liam@example.com",
        timestamp=at + timedelta(seconds=1),
        event="failed",
        severity="permanent",
        reason="bounce",
        delivery_status={"code": 550, "message": "550 5.1.1 No such user"},
        **mine,
    )
    mailgun.add(recipient="stranger@example.com", timestamp=at + timedelta(seconds=2))
    sync_domain(domain_id=domain.pk)


def test_a_sender_finds_who_did_not_get_the_message_and_takes_the_list_along(
    page: Page, principal: User, events: None
) -> None:
    sign_in(page, principal)
    page.goto("/")
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="Mailgun Message Log").click()

    expect_recipients(page, "liam@example.com", "mai@example.com")
    expect(page.get_by_text("Complete up to")).to_be_visible()

    page.get_by_label("Filter by Event").select_option(label="Failed (permanent)")
    expect(page.locator("#grid tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("event=failed-permanent"))
    expect(page.locator("#grid tbody")).to_contain_text("550 5.1.1 No such user")
    expect(page.locator("#grid tbody")).to_contain_text("4711")

    page.get_by_text("Generate Report").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV, rows only").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as report:
        (row,) = csv.DictReader(report)
    assert row["Recipient Email"] == "liam@example.com"
    assert row["Event"] == "Failed (permanent)"


def test_a_search_for_a_person_stays_out_of_the_address(page: Page, principal: User, events: None) -> None:
    sign_in(page, principal)
    page.goto("/messenger/mailgun-message-log/")

    page.get_by_label("Filter by Recipient Email").fill("mai@")
    page.keyboard.press("Enter")

    expect_recipients(page, "mai@example.com")
    expect(page).to_have_url(re.compile("find="))
    assert "mai" not in page.url.partition("?")[2]
    page.reload()
    expect_recipients(page, "mai@example.com")


def test_someone_without_rights_is_told_whom_to_ask(page: Page, make_user: Callable[..., User]) -> None:
    sign_in(page, make_user())
    page.goto("/")

    expect(page.get_by_role("navigation", name="Tools").get_by_role("link")).to_have_text(["Home"])
    answer = page.goto("/messenger-administration/mailgun-message-log/")
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("main")).to_contain_text("Mailgun Message Log")


def test_an_administrator_syncs_now_and_looks_at_the_quarantine(
    page: Page,
    make_user: Callable[..., User],
    mailgun: Sandbox,
    domain: SendingDomain,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    do_at_once(monkeypatch, tasks.sync_one)
    mailgun.add_many(1234, now - timedelta(minutes=30), now)
    mailgun.add_raw(payloads.WITHOUT_TIMESTAMP, timestamp=now - timedelta(minutes=5))
    sign_in(page, make_user(Tool.MAILGUN_SYNC, (Tool.MAILGUN_SYNC, Right.WRITE)))
    page.goto("/")
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="System Health").click()
    page.get_by_text("Mailgun events: how complete they are").click()
    expect(page.get_by_text("No sync has run yet.")).to_be_visible()

    page.get_by_role("button", name="Sync now").click()

    expect(page.get_by_role("region", name="Last runs", exact=True)).to_contain_text("1,234")
    expect(page.get_by_text("It has no timestamp.")).to_be_visible()
    page.get_by_text("Show", exact=True).click()
    expect(page.locator("pre.raw")).to_have_text(payloads.WITHOUT_TIMESTAMP)
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("still cannot be stored")).to_be_visible()


def test_the_pages_are_accessible(
    page: Page, make_user: Callable[..., User], mailgun: Sandbox, events: None, now: datetime
) -> None:
    mailgun.add_raw(payloads.WITHOUT_TIMESTAMP, timestamp=now)
    sync_domain(domain_id=SendingDomain.objects.get().pk)
    sign_in(page, make_user(groups=["System Administrators"]))
    for address in ["mailgun-message-log", "system-health"]:
        page.goto(f"/messenger-administration/{address}/")
        assert_accessible(page)
