"""bin/test --pictures: a picture of each page, wide and narrow, in light and in dark colors."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from playwright.sync_api import Page
from pytest_django import Settings

from accounts.models import User
from demo.district import EVENTS_DOMAIN, Size, make_district
from demo.staff import make_staff
from tests.browser.walk import Stop, stops
from tests.fixtures.browser import sign_in
from tests.pictures import Picture, keep, write_index

# Two runs see the same: a Friday afternoon of winter.
NOW = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
WIDTHS, COLORS = (1440, 360), ("light", "dark")
HIGHEST = 3000
WANTED = os.environ.get("PICTURES_OF", "").split()


def looks(page: Page, stop: Stop) -> Iterator[Picture]:
    """Take the pictures of a page, if it is one: not a file, not a part of a page, not another page."""
    answer = page.request.get(stop.address, max_redirects=0)
    if answer.status != 200 or b"<!doctype html>" not in answer.body()[:100].lower():
        return
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(stop.address)
        page.wait_for_load_state("networkidle")
        for scheme in COLORS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            height = min(HIGHEST, page.evaluate("document.documentElement.scrollHeight"))
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            picture = page.screenshot(full_page=True, clip=clip, animations="disabled")
            yield keep(stop.name, f"{width}-{scheme}", picture)


@pytest.mark.pictures
@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_a_picture_of_each_page(
    page: Page, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.REPORT_FOLDER = tmp_path
    settings.MAILGUN_API_KEY, settings.MAILGUN_DOMAINS = "none", [EVENTS_DOMAIN]  # so that the menu has these logs
    with time_machine.travel(NOW, tick=False):
        make_staff()
        make_district(Size(messages=90, recipients=900, events=60), now=NOW)
        user = User.objects.get(username="admin")
        sign_in(page, user)
        wanted = [stop for stop in stops(user) if not WANTED or any(word in stop.name for word in WANTED)]
        pictures = [picture for stop in wanted for picture in looks(page, stop)]
    index = write_index(pictures)
    different = [picture.name for picture in pictures if picture.different]
    with capsys.disabled():
        print(f"\n{len(pictures)} pictures: {index}")
        print("\n".join(["These differ from the run before:", *different]) if different else "None differs.")
    assert pictures
