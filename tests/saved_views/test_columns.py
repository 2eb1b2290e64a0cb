"""The columns that a person chooses to see on the page of a list."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Tool
from listings.registry import registry
from saved_views.models import HiddenColumns
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_message

pytestmark = pytest.mark.django_db

LOG = "admin_sent_message_log"
LABELS = ["Status", "Message Type", "District/School", "Message Subject", "Sender", "Date Created"]


@pytest.fixture
def client(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    make_message()
    return signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG))


def columns(page: Shown) -> list[str]:
    return page.texts("//form[@id='grid']//thead/tr[1]/th//a[@class='sort'] | //thead/tr[1]/th[not(.//a)]")


def choose(client: Client, address: str, *shown: str) -> str:
    response = client.post(reverse("web:choose_columns"), {"address": address, "shown": shown})
    assert response.status_code == 302
    return str(response["Location"])


def test_chosen_columns_stay_chosen_and_a_file_has_all_of_them(client: Client) -> None:
    address = f"{registry[LOG].url()}?subject=&sort=subject"
    back = choose(client, address, "sender_name", "created_at")
    assert back == address
    assert columns(Shown(client.get(back))) == ["Status", "Message Subject", "Sender", "Date Created"]
    assert columns(Shown(client.get(registry[LOG].url()))) == ["Status", "Message Subject", "Sender", "Date Created"]
    file = client.get(f"{registry[LOG].url()}?export=csv")
    header = next(csv.reader(b"".join(file.streaming_content).decode("utf-8-sig").splitlines()))
    assert set(LABELS) <= set(header)
    assert choose(client, address, "school_name") == address
    assert HiddenColumns.objects.count() == 1
    assert columns(Shown(client.get(address))) == ["Status", "District/School", "Message Subject"]


def test_what_a_row_is_about_and_how_it_went_cannot_be_hidden(client: Client) -> None:
    choose(client, registry[LOG].url())
    page = Shown(client.get(registry[LOG].url()))
    assert columns(page) == ["Status", "Message Subject"]
    assert page.root.xpath("//input[@name='shown'][@disabled]/@value") == ["status", "subject"]


def test_another_person_and_another_list_keep_their_columns(
    client: Client, make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    choose(client, registry[LOG].url())
    somebody = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG))
    assert set(LABELS) <= set(columns(Shown(somebody.get(registry[LOG].url()))))
    assert set(LABELS) <= set(columns(Shown(client.get(registry["admin_olr_email_log"].url()))))


def test_a_filter_of_a_hidden_column_is_seen_while_it_is_on(client: Client) -> None:
    choose(client, registry[LOG].url())
    assert not Shown(client.get(registry[LOG].url())).root.xpath("//*[@name='schedule_id']")
    filtered = Shown(client.get(f"{registry[LOG].url()}?schedule_id=7"))
    assert filtered.root.xpath("//div[@class='grid-bar-filter']//*[@name='schedule_id']/@value") == ["7"]


@pytest.mark.parametrize(
    ("address", "status"), [("/nowhere/", 404), ("", 404), ("/system-administration/audit-trail/", 403)]
)
def test_only_a_list_that_the_person_may_open_has_columns_to_choose(client: Client, address: str, status: int) -> None:
    assert client.post(reverse("web:choose_columns"), {"address": address}).status_code == status
    assert not HiddenColumns.objects.exists()
