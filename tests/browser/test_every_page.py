"""The pages of a small demo district, in a real browser."""

import gzip
from collections.abc import Iterator

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from accounts.tools import Tool
from demo.district import Size, make_district
from demo.staff import make_staff
from listings.registry import registry
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import SentMessage
from tests.fixtures.browser import sign_in
from web.help import help_url
from web.message_urls import message_url

OTHERS = ["home", "search", "system_health", "user_groups", "my_reports", "help", "keys"]
# What a page may cost: bytes of its HTML as they go over the line, and requests, if the browser has kept nothing.
MOST_BYTES = 60_000
MOST_REQUESTS = 12


def addresses() -> Iterator[str]:
    """Yield the page of a message of each status, each list, and other pages."""
    for status in MessageStatus.values:
        message = SentMessage.objects.filter(status=status, listed_from__lte=timezone.now()).latest("pk")
        tool = Tool.SENT_MESSAGE_LOG_2 if message.engine == Engine.V2 else Tool.ADMIN_SENT_MESSAGE_LOG
        yield message_url(tool, message.pk)
    yield message_url(tool, message.pk, "recipients")
    yield from (entry.url() for entry in registry if entry.stands_alone)
    yield from (reverse(f"web:{name}") for name in OTHERS)
    yield help_url(Tool.ADMIN_CONTACTS_TO_FIX)


@pytest.mark.django_db(transaction=True)
def test_no_page_says_anything_on_the_console_or_costs_much(page: Page) -> None:
    make_staff()
    make_district(Size(messages=60, recipients=400, events=60))
    sign_in(page, User.objects.get(username="admin"))
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.type} {message.text}"))
    page.on("request", lambda request: asked.append(request.url))
    for address in addresses():
        asked.clear()
        response = page.goto(address)
        assert response
        assert response.status == 200, address
        page.wait_for_load_state("networkidle")
        assert len(gzip.compress(response.body(), 6)) <= MOST_BYTES, address
        assert len(asked) <= MOST_REQUESTS, asked
    assert not said
