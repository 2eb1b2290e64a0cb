"""A mother calls: did she get it? Found by her number, chosen by name, read out, and taken along."""

import csv
import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent, SendingDomain
from messenger_logs.choices import DeliveryStatus, Mode
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db(transaction=True)

LOG = "/messenger-administration/recipient-log/"


@pytest.fixture
def family(transactional_db: None) -> None:
    message = make_message(subject="School is closed today")
    mother = make_recipient(message, person_id="4711", name="Vang, Mai", student_name="Vang, Tou")
    make_delivery(mother, mode=Mode.EMAIL, address="mai@example.com", email_outcome="failed-permanent")
    make_delivery(mother, mode=Mode.TEXT, address="+16515550100", status=DeliveryStatus.OPT_OUT)
    father = make_recipient(message, person_id="4712", name="Vang, Chue", student_name="Vang, Tou")
    make_delivery(father, mode=Mode.VOICE, address="+16515550100")
    domain = SendingDomain.objects.create(name="mg.example.org")
    event = {"event": "failed", "event_id": "e1", "occurred_at": timezone.now(), "raw": "{}"}
    MailgunEvent.objects.create(domain=domain, person_id="4711", recipient="mai@example.com", **event)


@pytest.fixture
def administrator(page: Page, make_user: Callable[..., User], family: None) -> User:
    user = make_user(Tool.ADMIN_RECIPIENT_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG)
    sign_in(page, user)
    return user


def test_a_person_is_found_chosen_and_taken_along(page: Page, administrator: User) -> None:
    page.goto(LOG)
    expect(page.get_by_text("Enter a person's name")).to_be_visible()

    page.get_by_label("Name, student, id, e-mail or phone").fill("(651) 555-0100")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 people match")).to_be_visible()
    assert_accessible(page, widths=[1280])

    page.get_by_role("button", name="Vang, Mai").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#grid tbody tr")).to_have_count(2)
    expect(page.get_by_text("Vang, Mai, person id 4711")).to_be_focused()
    expect(page.locator("#grid tbody")).to_contain_text("Bounced: ")
    expect(page.locator("#grid tbody")).to_contain_text("replied STOP")
    expect(page).to_have_url(re.compile("find="))
    values = page.url.partition("?")[2]
    assert "4711" not in values
    assert "555" not in values
    assert_accessible(page, widths=[1280])

    page.reload()
    expect(page.locator("#grid tbody tr")).to_have_count(2)
    page.locator("#grid-export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV, rows only").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert {row["PersonID"] for row in csv.DictReader(file)} == {"4711"}

    page.get_by_role("link", name="School is closed today").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("School is closed today")


def test_the_person_id_in_the_mailgun_log_leads_to_the_person(page: Page, administrator: User) -> None:
    page.goto("/messenger-administration/mailgun-message-log/")

    page.get_by_role("button", name="Find person 4711").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Recipient Log")
    expect(page.locator("#grid tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile("find="))
    assert "4711" not in page.url
