import re

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import User
from accounts.tools import MAILGUN_TOOLS, Right, Tool
from web.menu import menu_of, page_url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def with_mailgun(settings):
    settings.MAILGUN_DOMAINS = ["mg.example.org"]


WITH_PAGE = [tool for tool in Tool if page_url(tool)]


def labels(user, path="/"):
    return [(group.label, [entry.label for entry in group.entries]) for group in menu_of(user, path)]


def test_the_menu_shows_just_what_the_user_may_open(make_user):
    assert labels(make_user()) == [("Messenger", ["Home"])]
    assert labels(make_user(Tool.MAILGUN_MESSAGE_LOG, Tool.AUDIT_TRAIL)) == [
        ("Messenger", ["Home", "Mailgun Message Log"]),
        ("System Administration", ["Audit Trail"]),
    ]


def test_the_tools_of_mailgun_are_in_the_menu_only_where_mailgun_is_configured(make_user, settings):
    settings.MAILGUN_API_KEY, settings.MAILGUN_DOMAINS = "", []
    assert labels(make_user(*MAILGUN_TOOLS, Tool.AUDIT_TRAIL)) == [
        ("Messenger", ["Home"]),
        ("System Administration", ["Audit Trail"]),
    ]


def test_a_tool_without_a_page_is_not_in_the_menu(make_user):
    user = make_user(is_superuser=True)
    shown = [entry.url for group in menu_of(user, "/") for entry in group.entries]
    assert shown == ["/", *(page_url(tool) for tool in WITH_PAGE)]


@pytest.mark.slow
@pytest.mark.parametrize("tool", WITH_PAGE)
def test_what_the_menu_shows_opens_and_what_it_hides_does_not(make_user, signed_in, tool):
    client = signed_in(make_user(tool))
    shown = re.findall(r'href="([^"]+)"', client.get("/").text.split("<nav")[1].split("</nav>")[0])
    assert shown == ["/", page_url(tool)]
    for other in WITH_PAGE:
        status = client.get(page_url(other)).status_code
        assert status == (200 if other is tool else 403)


def test_the_page_one_is_on_is_marked(make_user, signed_in):
    client = signed_in(make_user(Tool.USER_GROUPS))
    address = reverse("web:user_groups")
    assert f'href="{address}" aria-current="page"' in client.get(address).text
    group = Group.objects.earliest("id")
    below = client.get(reverse("web:user_group", args=[group.pk])).text
    assert f'href="{address}" aria-current="true"' in below
    assert '"/" aria-current' not in below


def test_the_menu_takes_one_look_into_the_database_for_rights(make_user, django_assert_num_queries):
    user = User.objects.get(pk=make_user(*WITH_PAGE).pk)
    with django_assert_num_queries(2):  # rights of the user, rights of the groups
        menu_of(user, "/")


def test_the_list_of_tools_is_the_business_of_the_menu(make_user, signed_in):
    text = signed_in(make_user(Tool.MAILGUN_MESSAGE_LOG)).get("/").text
    assert text.count(f'href="{page_url(Tool.MAILGUN_MESSAGE_LOG)}"') == 1


def test_who_may_open_nothing_reads_whom_to_ask(make_user, signed_in):
    make_user(username="sysadmin", groups=["System Administrators"], first_name="System", last_name="Administrator")
    text = signed_in(make_user()).get("/").text
    assert "You may not open any tool yet." in text
    assert "Administrator, System" in text


def test_home_asks_the_signed_out_to_sign_in(client):
    assert client.get("/")["Location"] == "/accounts/login/?next=/"
    refreshed = client.get("/", headers={"HX-Request": "true"})
    assert refreshed["HX-Redirect"] == "/accounts/login/?next=/", "a session that ended takes the whole page along"
    assert refreshed.text == ""


def test_names_are_shown_as_text(make_user, signed_in):
    text = signed_in(make_user(first_name="<b>", last_name="O'Neil & Sons")).get("/").text
    assert "O&#x27;Neil &amp; Sons, &lt;b&gt;" in text


def search_label(text):
    return re.findall(r'<label class="visually-hidden" for="top-search">([^<]+)</label>', text)


@pytest.mark.parametrize(
    ("tools", "label"),
    [
        ([Tool.RECIPIENT_LOG], "Find a person or address"),
        ([Tool.ADMIN_RECIPIENT_LOG], "Find a person or address"),
        ([Tool.SENT_MESSAGE_LOG], "Find a message"),
        ([Tool.SENT_MESSAGE_LOG_2], "Find a message"),
        ([Tool.ADMIN_SENT_MESSAGE_LOG, Tool.RECIPIENT_LOG], "Find a person, message or address"),
    ],
)
def test_the_top_bar_offers_to_find_what_the_user_may_see(make_user, signed_in, tools, label):
    assert search_label(signed_in(make_user(*tools)).get("/").text) == [label]


def test_the_top_bar_offers_no_search_to_who_may_see_neither_people_nor_messages(make_user, signed_in):
    assert search_label(signed_in(make_user(Tool.USER_GROUPS)).get("/").text) == []


@pytest.mark.slow
def test_the_api_is_in_the_menu_of_those_for_whom_it_has_something(make_user, signed_in):
    link = f'href="{reverse("api:documentation")}"'
    assert link in signed_in(make_user(Tool.SENT_MESSAGE_LOG)).get("/").text
    assert link in signed_in(make_user((Tool.MESSAGE_IMPORT, Right.WRITE))).get("/").text
    assert link not in signed_in(make_user()).get("/").text
