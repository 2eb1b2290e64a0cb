"""The pages of people and of a view, in a real browser."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import Tool, every_right
from messenger_logs.models import School
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_message

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NARROW = (360,)


@pytest.fixture
def mai(make_user: Callable[..., User]) -> User:
    names = ("Harrison High", "Lincoln Elementary", "A School with a Name That Is Longer than a Telephone Is Wide")
    schools = [School.objects.create(name=name) for name in names]
    user = make_user(Tool.SENT_MESSAGE_LOG, username="mai.vang@schools.example.org", first_name="Mai", last_name="Vang")
    user.schools.set(schools[:2])
    for subject in ("Snow day", "Picture day"):
        make_message(sender=user, subject=subject)
    return user


@pytest.fixture
def administrator(page: Page, make_user: Callable[..., User]) -> User:
    user = make_user(*every_right(), username="admin", first_name="System", last_name="Administrator")
    sign_in(page, user)
    return user


def test_the_pages_of_people_are_accessible(page: Page, administrator: User, mai: User) -> None:
    group = Group.objects.get(name="Principals").pk
    pages = {"people": [], "add_person": [], "person": [mai.pk], "user_group": [group], "group_people": [group]}
    for name, args in pages.items():
        page.goto(reverse(f"web:{name}", args=args))
        assert_accessible(page, widths=NARROW)


def test_an_administrator_sees_what_a_person_would_see_and_comes_back(
    page: Page, administrator: User, mai: User
) -> None:
    page.goto(reverse("web:people"))
    page.get_by_role("link", name="Vang, Mai").click()
    page.get_by_role("button", name="See what this person would see").click()
    banner = page.get_by_role("region", name="View as another person")
    expect(banner).to_contain_text("You see what Vang, Mai would see")
    expect(page.get_by_role("searchbox", name="Find a")).to_have_count(0)
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="Sent Message Log", exact=True).click()
    rows = page.locator("#grid tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Filter by Message Subject").fill("snow")
    page.get_by_role("button", name="Find Messages").click()
    expect(rows).to_have_count(1)
    assert "subject=snow" in page.url
    assert_accessible(page, widths=NARROW)
    banner.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Vang, Mai")).to_be_visible()
    expect(banner).to_have_count(0)


def test_before_it_is_saved_the_page_says_what_a_right_opens(page: Page, administrator: User, mai: User) -> None:
    mai.groups.add(Group.objects.create(name="Aides"))
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(reverse("web:user_group", args=[Group.objects.get(name="Aides").pk]))
    save = page.get_by_role("button", name="Save the rights")
    expect(save).to_be_in_viewport()
    box = page.locator(f"#right-{Tool.ADMIN_SENT_MESSAGE_LOG.codename()}")
    box.check()
    expect(page.get_by_text("This gives 1 person access to 2 messages.")).to_be_visible()
    box.uncheck()
    expect(page.get_by_text("This changes nobody's access to messages of others.")).to_be_visible()
    box.check()
    save.click()
    expect(page.get_by_text("The rights are saved.")).to_be_visible()
    expect(page.locator(f"#right-{Tool.ADMIN_SENT_MESSAGE_LOG.codename()}")).to_be_checked()
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.get_by_role("link", name="Vang, Mai")).to_be_visible()
