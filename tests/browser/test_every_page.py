"""The pages of a small demo district, in a real browser."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page

from accounts.models import User
from accounts.tools import Tool
from demo.district import Size, make_district
from demo.staff import make_staff
from listings.registry import registry
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import SentMessage
from tests.fixtures.browser import sign_in
from web.message_urls import message_url

OTHERS = ["home", "search", "system_health", "user_groups", "my_reports"]


def addresses() -> Iterator[str]:
    """Yield the page of a message of each status, each list, and other pages."""
    for status in MessageStatus.values:
        message = SentMessage.objects.filter(status=status, listed_from__lte=timezone.now()).latest("pk")
        tool = Tool.SENT_MESSAGE_LOG_2 if message.engine == Engine.V2 else Tool.ADMIN_SENT_MESSAGE_LOG
        yield message_url(tool, message.pk)
    yield message_url(tool, message.pk, "recipients")
    yield from (entry.url() for entry in registry if entry.stands_alone)
    yield from (reverse(f"web:{name}") for name in OTHERS)


@pytest.mark.django_db(transaction=True)
def test_no_page_reports_an_error_on_the_console(page: Page) -> None:
    make_staff()
    make_district(Size(messages=45, recipients=400, events=40))
    sign_in(page, User.objects.get(username="admin"))
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{page.url}: {message.text}")

    page.on("console", note)
    for address in addresses():
        response = page.goto(address)
        assert response
        assert response.status == 200, address
        page.wait_for_load_state("networkidle")
    assert not errors
