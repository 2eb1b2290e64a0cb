"""Events of a Friday, and the log as a browser reads it."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))

OWN, ALL = "web:mailgun_message_log", "web:admin_mailgun_message_log"


@pytest.fixture(autouse=True)
def a_friday_at_noon(settings: Settings) -> Any:
    settings.MAILGUN_DOMAINS = ["mg.harrison.example"]
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def domain() -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


@pytest.fixture
def add(domain: SendingDomain) -> Callable[..., MailgunEvent]:
    """Store an event of an hour ago, with its own recipient."""

    def add(**fields: Any) -> MailgunEvent:
        number = MailgunEvent.objects.count()
        given = {
            "event": "delivered",
            "event_id": f"id{number}",
            "occurred_at": NOON - timedelta(hours=1),
            "recipient": f"family{number}@example.com",
            "raw": '{"secret": "raw json"}',
        }
        event = MailgunEvent.objects.create(domain=domain, **(given | fields))
        RecipientAddress.objects.get_or_create(address=event.recipient)
        return event

    return add


@pytest.fixture
def administrator(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG))


def text_of(response: HttpResponseBase) -> str:
    content: Any = response
    return b"".join(content.streaming_content).decode("utf-8-sig") if response.streaming else content.content.decode()


def page(client: Client, name: str = ALL, /, **query: str) -> str:
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return text_of(response)


def recipients(text: str) -> list[str]:
    body = re.search(r"<tbody.*?</tbody>", text, re.DOTALL)
    return re.findall(r">([\w.-]+@example\.com)<", body[0]) if body else []


def exported_rows(client: Client, name: str = ALL, /, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page(client, name, export="csv-rows", **query))))
