"""The pages of a small demo district, in a real browser."""

import gzip
import os
from collections.abc import Iterator
from statistics import median

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from accounts.tools import Tool
from demo.district import Size, make_district
from demo.staff import make_staff
from listings.registry import registry
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import SentMessage
from tests.fixtures.browser import sign_in
from tests.wait import wait_until
from web.help import help_url
from web.message_urls import message_url

OTHERS = ["home", "search", "system_health", "user_groups", "my_reports", "help", "keys"]
# What a page may cost: bytes of its HTML as they go over the line, and requests, if the browser has kept nothing.
MOST_BYTES = 60_000
MOST_REQUESTS = 12
# Milliseconds to the first paint, the median of some times: the machine may be busy. And how much may move by itself.
MOST_MILLISECONDS = 1000
MOST_SHIFT = 0.02
TIMES = 3

# Notes from the beginning of each page what moves without a click or a key.
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# Fetches each part of the page that is refreshed by time, at once.
REFRESH = """async () => {
  for (const part of document.querySelectorAll("[hx-get][hx-trigger*='every'], [hx-get][hx-trigger*='refresh']")) {
    const target = part.getAttribute("hx-target") === "this" || !part.hasAttribute("hx-target") ? part : null;
    if (target) await htmx.ajax("GET", part.getAttribute("hx-get"), { source: part, target, swap: "outerHTML" });
  }
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return window.shifts.reduce((sum, value) => sum + value, 0);
}"""


def addresses() -> Iterator[str]:
    """Yield the page of a message of each status, each list, and other pages."""
    for status in MessageStatus.values:
        message = SentMessage.objects.filter(status=status, listed_from__lte=timezone.now()).latest("pk")
        tool = Tool.SENT_MESSAGE_LOG_2 if message.engine == Engine.V2 else Tool.ADMIN_SENT_MESSAGE_LOG
        yield message_url(tool, message.pk)
    yield message_url(tool, message.pk, "recipients")
    yield from (entry.url() for entry in registry if entry.stands_alone)
    yield from (reverse(f"web:{name}") for name in OTHERS)
    yield help_url(Tool.ADMIN_CONTACTS_TO_FIX)


@pytest.mark.django_db(transaction=True)
def test_no_page_says_anything_on_the_console_or_costs_much(page: Page) -> None:
    make_staff()
    make_district(Size(messages=60, recipients=400, events=60))
    sign_in(page, User.objects.get(username="admin"))
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.type} {message.text}"))
    page.on("request", lambda request: asked.append(request.url))
    for address in addresses():
        asked.clear()
        response = page.goto(address)
        assert response
        assert response.status == 200, address
        page.wait_for_load_state("networkidle")
        assert len(gzip.compress(response.body(), 6)) <= MOST_BYTES, address
        assert len(asked) <= MOST_REQUESTS, asked
    assert not said


def most_milliseconds() -> float:
    """Return how long a page may take: so many times longer as programs wait for each processor of a busy machine."""
    waiting, _, _ = os.getloadavg()
    return MOST_MILLISECONDS * max(1.0, 2 * waiting / (os.cpu_count() or 1))


def first_paint(page: Page, address: str) -> float:
    """Return the milliseconds until there was something to see: once if it was quick, else the median of some times."""
    found: list[float] = []
    for _ in range(TIMES):
        page.goto(address)
        wait_until(lambda: page.evaluate(FIRST_PAINT) is not None)
        found.append(page.evaluate(FIRST_PAINT))
        if found[0] < most_milliseconds():
            break
    return median(found)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_every_page_is_there_within_a_second_and_nothing_on_it_moves(page: Page) -> None:
    make_staff()
    make_district(Size(messages=60, recipients=400, events=60))
    sign_in(page, User.objects.get(username="admin"))
    page.add_init_script(WATCH)
    late: dict[str, float] = {}
    moving: dict[str, float] = {}
    for address in addresses():
        if (milliseconds := first_paint(page, address)) > most_milliseconds():
            late[address] = milliseconds
        page.wait_for_load_state("networkidle")
        if (shift := page.evaluate(REFRESH)) > MOST_SHIFT:
            moving[address] = shift
    assert not late
    assert not moving


# 320 pixels of width at 400 % leave this of a usual window.
SMALL = {"width": 320, "height": 256}
# How many pixels of the height are covered by what stays where it is while the page scrolls.
COVERED = """() => {
  scrollTo(0, 400);
  const stays = [...document.body.querySelectorAll("*")].filter((element) => {
    const { position, visibility } = getComputedStyle(element);
    return (position === "fixed" || position === "sticky") && visibility !== "hidden";
  });
  const boxes = stays.map((element) => element.getBoundingClientRect());
  const rows = new Set();
  for (const { top, bottom, width } of boxes.filter((box) => box.width > innerWidth / 2)) {
    for (let row = Math.max(0, Math.round(top)); row < Math.min(innerHeight, bottom); row++) rows.add(row);
  }
  return rows.size;
}"""


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_every_page_can_be_used_at_four_times_its_size(page: Page) -> None:
    make_staff()
    make_district(Size(messages=60, recipients=400, events=60))
    sign_in(page, User.objects.get(username="admin"))
    page.set_viewport_size(SMALL)
    sideways: dict[str, int] = {}
    covered: dict[str, int] = {}
    for address in addresses():
        page.goto(address)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > SMALL["width"]:
            sideways[address] = width
        if (height := page.evaluate(COVERED)) > SMALL["height"] / 3:
            covered[address] = height
    assert not sideways
    assert not covered
