"""A Friday noon in Chicago, and people with rights on Sent Message Log 2.0."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import SentMessage
from tests.messenger_logs.factories import make_message
from tests.web.html import table_body, table_head

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=CHICAGO)
LOG = Tool.SENT_MESSAGE_LOG_2
TYPES = (Right.TYPE_GENERAL, Right.TYPE_PRIORITY, Right.TYPE_EMERGENCY, Right.TYPE_TEXT_OPT)

Add = Callable[..., SentMessage]
MakeUser = Callable[..., User]
SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def a_friday_at_noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def add(db: None) -> Add:
    """Make a message of the 2.0 engine that went out an hour ago, or `at` another time."""

    def add(subject: str = "Snow day", *, at: datetime = NOON - timedelta(hours=1), **fields: Any) -> SentMessage:
        given = {"engine": "v2", "message_type": "Messenger 2.0 - General", "created_at": at}
        return make_message(subject=subject, **(given | fields))

    return add


@pytest.fixture
def reader(make_user: MakeUser) -> Callable[..., User]:
    """Make a user of the log with all message types and these further rights."""

    def reader(*rights: Right, types: tuple[Right, ...] = TYPES, **fields: Any) -> User:
        return make_user(LOG, *((LOG, right) for right in (*rights, *types)), **fields)

    return reader


@pytest.fixture
def me(reader: Callable[..., User]) -> User:
    return reader(Right.MY_MESSAGES, Right.ALL_MESSAGES, username="me", first_name="Mai", last_name="Vang")


@pytest.fixture
def mine(me: User, signed_in: SignIn) -> Client:
    """Somebody with all rights on the log."""
    return signed_in(me)


def page_text(html: str) -> str:
    """What stands on a page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def show(client: Client, name: str = "web:sent_message_log_2", /, *args: Any, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def subjects(html: str) -> list[str]:
    return re.findall(r'class="row-link"[^>]*>([^<]+)</a>', table_body(html))


def headings(html: str) -> list[str]:
    head = table_head(html).partition("</tr>")[0]
    cells = re.findall(r'<th scope="col".*?</th>', head, re.DOTALL)
    return [page_text(re.sub(r"<button.*", "", cell, flags=re.DOTALL)) for cell in cells]
