import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Tool
from messenger_logs.models import Recipient
from tests.messenger_logs.factories import make_message, make_recipient

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))
OWN, ALL = "web:recipient_log", "web:admin_recipient_log"


@pytest.fixture
def a_friday_at_noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def administrator(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.ADMIN_RECIPIENT_LOG))


@pytest.fixture
def mai(db: None, a_friday_at_noon: None) -> Recipient:
    """A mother in a message of an hour ago, without any delivery yet."""
    return make_recipient(make_message(), person_id="4711", name="Vang, Mai", student_name="Vang, Tou")


def text_of(response: HttpResponseBase) -> str:
    content: Any = response
    return b"".join(content.streaming_content).decode("utf-8-sig") if response.streaming else content.content.decode()


def search(client: Client, person: str, name: str = ALL, /, **values: str) -> str:
    """The page that Find leads to."""
    response = client.post(reverse(name), {"person": person, **values}, follow=True)
    assert response.status_code == 200
    return text_of(response)


def export(client: Client, person: str, name: str = ALL, /, **values: str) -> HttpResponseBase:
    """What Export CSV answers after a search."""
    found = client.post(reverse(name), {"person": person, **values})
    return client.get(f"{found['Location']}&export=csv-rows", follow=True)


def exported_rows(client: Client, person: str, name: str = ALL, /, **values: str) -> list[dict[str, str]]:
    """The rows that Export CSV gives after a search."""
    response = export(client, person, name, **values)
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(text_of(response))))


def rows(text: str) -> list[list[str]]:
    """The text in each cell of the list."""
    body = re.search(r"<tbody.*?</tbody>", text, re.DOTALL)
    assert body
    return [
        [
            " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split())
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", body[0], re.DOTALL)
    ]


def choices(text: str) -> list[tuple[str, str]]:
    """The people to choose from: person id and words."""
    found = re.findall(r'<button[^>]* name="person" value="([^"]*)">(.*?)</button>', text)
    return [(person_id, unescape(words)) for person_id, words in found]


def person_of(text: str) -> tuple[str, str]:
    """The person whom all rows are about: person id and name."""
    [(person_id, words)] = re.findall(r'<span id="person-([^"]*)" tabindex="-1">(.*?)</span>', text)
    return person_id, unescape(words).partition(", person id ")[0]
