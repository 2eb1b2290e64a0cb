"""Each page that a right opens, with something to show: accessible in light and dark, wide and narrow, no errors."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page
from pytest_django import Settings

from accounts.models import User
from tests.fixtures.browser import assert_accessible, sign_in
from tests.web.permission_matrix.lines import Guarded
from tests.web.permission_matrix.pages import GUARDED

# Files and parts of pages; the page of a message has them in it.
NO_PAGES = ("_body", "_report", "_file", "domain_health")
LINES = [line for line in GUARDED if line.get == 200 and not line.name.endswith(NO_PAGES)]


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_the_page_of_each_right_is_accessible(page: Page, settings: Settings, tmp_path: Path, line: Guarded) -> None:
    settings.REPORT_FOLDER = tmp_path
    user = User.objects.create_superuser("owner")
    sign_in(page, user)
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    if line.data:
        line.data(user)
    page.goto(reverse(line.name, kwargs=line.of()))
    assert_accessible(page)
    assert not errors
