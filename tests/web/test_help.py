"""The help of each tool, who may read it, and how it is reached; the keys of one letter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from lxml import html

from accounts.models import User
from accounts.tools import Right, Tool
from web.help import HELP, help_url, help_url_of, rights_in_words
from web.menu import page_url

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
SignedIn = Callable[[User], Client]
WITH_PAGE = [tool for tool in Tool if page_url(tool)]
# About a screen and a half.
MOST_WORDS = 450
SHARED = {"tool", "index", "keys", "_keys", "_keys_dialog"}


@pytest.fixture(autouse=True)
def with_mailgun(settings) -> None:
    settings.MAILGUN_DOMAINS = ["mg.example.org"]


def main_of(text: str) -> html.HtmlElement:
    return html.fromstring(text).get_element_by_id("content")


def test_each_tool_with_a_page_has_help_and_no_help_is_left_over() -> None:
    assert list(HELP) == WITH_PAGE
    folder = Path(settings.BASE_DIR) / "templates/web/help"
    assert {path.stem for path in folder.iterdir()} - SHARED == {help.name for help in HELP.values()}


@pytest.mark.slow
def test_each_help_says_what_why_and_who_on_a_screen_and_a_half(make_user: MakeUser, signed_in: SignedIn) -> None:
    client = signed_in(make_user(is_superuser=True))
    for tool in HELP:
        main = main_of(client.get(help_url(tool)).text)
        assert main.xpath(".//h1")[0].text_content() == f"Help: {tool.label}"
        assert 3 <= len(main.xpath(".//ol/li")) <= 5, tool
        assert main.xpath(".//dl/div"), tool
        assert tool.answers in main.text_content()
        assert all(text in main.text_content() for text in tool.rights.values())
        assert len(main.text_content().split()) <= MOST_WORDS, tool


def test_the_index_lists_the_help_of_what_a_person_may_open(make_user: MakeUser, signed_in: SignedIn) -> None:
    client = signed_in(make_user(Tool.REPLIES, Tool.AUDIT_TRAIL))
    shown = main_of(client.get(reverse("web:help")).text).xpath(".//dl[@class='tools']//a/@href")
    assert shown == [help_url(Tool.REPLIES), help_url(Tool.AUDIT_TRAIL)]
    assert [client.get(help_url(tool)).status_code for tool in (Tool.REPLIES, Tool.ROSTER)] == [200, 403]
    assert client.get(reverse("web:tool_help", args=["portal-inbox"])).status_code == 404
    assert "You may not open any tool yet." in signed_in(make_user()).get(reverse("web:help")).text


def test_every_page_leads_to_the_help_of_its_tool(make_user: MakeUser, signed_in: SignedIn) -> None:
    user = make_user(Tool.REPLIES)
    assert help_url_of(user, page_url(Tool.REPLIES)) == help_url(Tool.REPLIES)
    assert help_url_of(user, f"{page_url(Tool.REPLIES)}4711/") == help_url(Tool.REPLIES)
    for elsewhere in ("/", page_url(Tool.ROSTER)):
        assert help_url_of(user, elsewhere) == reverse("web:help")
    assert help_url_of(user, help_url(Tool.REPLIES)) == ""
    page = main_of(signed_in(user).get(page_url(Tool.REPLIES)).text)
    assert page.xpath(".//a[@class='help-link']/@href") == [help_url(Tool.REPLIES)]


def test_help_says_what_the_reader_may_do_and_what_others_may(make_user: MakeUser) -> None:
    user = make_user((Tool.UPCOMING_MESSAGES, Right.READ), (Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL))
    assert rights_in_words(user, Tool.UPCOMING_MESSAGES) == (
        [
            "see own scheduled and in-progress messages",
            "see everybody's messages, and cancel them together with W (View/Cancel All)",
        ],
        ["cancel own messages"],
    )


def test_a_person_turns_the_keys_of_one_letter_off_and_on(make_user: MakeUser, signed_in: SignedIn) -> None:
    user, other = make_user(), make_user()
    client, keys = signed_in(user), reverse("web:keys")
    assert "data-single-keys" in client.get(keys).text
    for value, on in (("off", False), ("on", True)):
        text = client.post(keys, {"single_keys": value}, follow=True).text
        assert ("data-single-keys" in text) is on
        assert f"Single keys are {value} now." in text
        assert [User.objects.get(pk=each.pk).single_keys for each in (user, other)] == [on, True]
