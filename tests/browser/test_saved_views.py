"""The menu "Views" of a list, and the pages of views, in a real browser."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tools import every_right
from saved_views.models import SavedView
from tests.fixtures.browser import assert_accessible, sign_in
from tests.messenger_logs.factories import make_message
from tests.saved_views.factories import make_schedule

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LIST = reverse("web:admin_sent_message_log")


def test_a_view_is_saved_after_a_search_and_opened_again(page: Page, make_user: Callable[..., User]) -> None:
    for subject in ("Snow day", "Picture day"):
        make_message(subject=subject)
    sign_in(page, make_user(*every_right(), email="admin@example.org"))
    page.goto(LIST)
    page.get_by_label("Filter by Message Subject").fill("snow")
    page.get_by_role("button", name="Find Messages").click()
    rows = page.locator("#grid tbody tr")
    expect(rows).to_have_count(1)
    menu = page.locator("#grid-views-open")
    menu.click()
    page.get_by_label("Save what is shown as").fill("Snow")
    assert_accessible(page, widths=(360,))
    page.get_by_label("Save what is shown as").press("Enter")
    expect(page.get_by_text("The view is saved.")).to_be_visible()
    view = SavedView.objects.get()
    assert page.url.endswith(f"?view={view.pk}")
    expect(rows).to_have_count(1)
    page.goto(LIST)
    expect(rows).to_have_count(2)
    menu.click()
    page.get_by_role("link", name="Snow", exact=True).click()
    expect(rows).to_have_count(1)
    schedule = make_schedule(view)
    for name, args in (
        ("saved_view", [view.pk]),
        ("saved_views", []),
        ("my_notifications", []),
        ("scheduled_reports", []),
    ):
        page.goto(reverse(f"web:{name}", args=args))
        expect(page.get_by_text(str(schedule.recurrence)).first).to_be_visible()
        assert_accessible(page, widths=(360,))
