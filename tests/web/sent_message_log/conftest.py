import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tools import Tool
from tests.listings.letter_log import Shown

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))


@pytest.fixture(autouse=True)
def a_friday_at_noon(settings: Any) -> Iterator[None]:
    settings.TIME_ZONE = "America/Chicago"
    settings.DISTRICT_NAME = "Plainview Schools"
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def sender(make_user: Callable[..., User]) -> User:
    return make_user(Tool.SENT_MESSAGE_LOG, username="dexter", first_name="Dexter", last_name="Matthews")


@pytest.fixture
def administrator(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, username="administrator"))


def open_page(client: Client, address: str, /, **query: str) -> Shown:
    return Shown(client.get(address, query))


def exported_rows(client: Client, address: str, /, **query: str) -> list[dict[str, str]]:
    response: HttpResponse = client.get(address, {"export": "csv", **query})
    assert response.streaming
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
