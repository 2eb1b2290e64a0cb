"""Reach: the figures of many messages, and the messages and people behind each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from listings.listing import Listing
from listings.registry import registry
from messenger_logs.models import SentMessage
from messenger_logs.reach import People
from messenger_logs.reach_figures import read_people
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.reach.people import BUSY, REACHED, counted, person, snow_day
from tests.reports.messages import csv_of
from web.listings.reach import ReachList
from web.message_urls import message_url

pytestmark = pytest.mark.django_db


def everybody() -> User:
    return User.objects.get_or_create(username="everybody", defaults={"is_superuser": True})[0]


ADDRESS = "/messenger-administration/reach/"


def opened(user: User | None = None, tool: Tool = Tool.ADMIN_REACH, **values: str) -> ReachList:
    listing: Listing = registry[tool.name.lower()].open(user or everybody(), values, {})
    assert isinstance(listing, ReachList)
    listing.fetch()
    return listing


def rows(listing: ReachList) -> list[SentMessage]:
    return list(listing.export_queryset())


@pytest.fixture
def messages() -> list[SentMessage]:
    """Of this week and of two weeks ago, and one that waits."""
    earlier = make_message(
        subject="Concert", message_type="Attendance", modes=["voice"], created_at=timezone.now() - timedelta(days=14)
    )
    person(earlier, "One, O", REACHED, school="North", language="es")
    person(earlier, "Two, T", BUSY, school="South")
    waiting = make_message(subject="Tomorrow", status="waiting", modes=["voice"])
    person(waiting, "Three, T", {"mode": "voice", "status": "waiting"}, school="North")
    return [snow_day(), counted(earlier), counted(waiting)]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["", "message_type", "language", "week"])
def test_every_figure_above_the_list_lists_the_messages_that_add_up_to_it(messages: list[SentMessage], by: str) -> None:
    listing = opened(by=by)
    assert listing.heat_map
    assert listing.heat_map.lines[-1].label == "All"
    assert len(listing.heat_map.lines) > 2
    for line in listing.heat_map.lines:
        for cell in line.cells:
            behind = rows(opened(by=by, **cell.filters))
            assert sum(map(read_people, behind), People()) == cell.people, (line.label, cell.filters)


def test_the_bars_of_weeks_have_the_people_of_each_by_the_mode_that_is_chosen(messages: list[SentMessage]) -> None:
    listing = opened()
    assert listing.weeks
    by_week = [line.label for line in opened(by="week").heat_map.lines[:-1]]
    assert [column.title for column in listing.weeks.columns][::2] == by_week[::-1], "with the empty week between them"
    assert [(part.word, part.total) for part in listing.weeks.parts] == [
        ("Reached", 2),
        ("Handed over, not confirmed", 1),
        ("Not reached", 3),
        ("No device", 1),
    ]
    assert [column.note for column in listing.weeks.columns] == ["50 %", "", "20 %"]
    by_email = opened(mode="email").weeks
    assert by_email is None, "one week alone is no chart"


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [{}, {"by": "week"}, {"mode": "voice"}, {"school": "North"}, {"from": "earlier"}])
def test_a_week_of_the_chart_opens_the_messages_that_add_up_to_it(
    messages: list[SentMessage], make_user: Callable[..., User], signed_in: Callable[[User], Client], chosen: Any
) -> None:
    client = signed_in(make_user(Tool.ADMIN_REACH, Tool.ADMIN_SENT_MESSAGE_LOG))
    if "from" in chosen:
        # The first day of the list is within a week: the days before it are not in its figures.
        first = timezone.localdate() - timedelta(days=14)
        chosen = {"sent_from": first.isoformat(), "sent_to": timezone.localdate().isoformat()}
    weeks = opened(**chosen).weeks
    assert weeks
    page = Shown(client.get(ADDRESS, chosen))
    linked = [column.url for column in weeks.columns[::-1] if column.url]
    assert page.root.xpath("//*[@id='chart-weeks']//tbody/tr/th/a/@href") == linked
    assert len(linked) == 2, "the week between them has no messages"
    for at, column in enumerate(weeks.columns):
        in_bars = [part.counts[at] for part in weeks.parts]
        values = {name: value for name, [value] in parse_qs(urlsplit(column.url).query).items()}
        behind = sum(map(read_people, rows(opened(**values))), People()) if column.url else People()
        assert in_bars == [behind.reached, behind.unconfirmed, behind.not_reached, behind.no_device]


def test_the_people_of_last_month_by_school_and_mode_are_one_click_away(time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T18:00Z")
    this, last = opened(by="language").views
    assert this.label == "This month"
    assert last == ("Last month", f"{ADDRESS}?by=language&sent_from=2026-10-01&sent_to=2026-10-31", False)
    assert opened(sent_from="2026-10-01", sent_to="2026-10-31").views[1].current
    assert opened(sent_from="2026-10-01", sent_to="2026-10-31").heat_map.columns[:2] == ["Any device", "Inbox"]


def test_a_message_that_waits_is_in_no_figure(messages: list[SentMessage]) -> None:
    assert [row.subject for row in rows(opened())] == ["Snow day", "Concert"]
    assert opened().heat_map.lines[-1].cells[0].people.total == 8


@pytest.mark.parametrize(
    ("values", "subjects"),
    [
        ({"drill": "only"}, []),
        ({"drill": "without"}, ["Snow day", "Concert"]),
        ({"message_type": "Attendance"}, ["Concert"]),
        ({"subject": "SNOW"}, ["Snow day"]),
        ({"language": "hmn"}, ["Snow day"]),
        ({"mode": "email"}, ["Snow day"]),
        ({"school": "none"}, ["Snow day"]),
        ({"sent_from": "2020-01-01", "sent_to": "2020-02-01"}, []),
    ],
)
def test_its_filters(messages: list[SentMessage], values: dict[str, str], subjects: list[str]) -> None:
    assert [row.subject for row in rows(opened(**values))] == subjects


def test_the_languages_that_it_offers_are_those_of_the_days(messages: list[SentMessage]) -> None:
    widget: Any = opened().filterset.form.fields["language"].widget
    assert list(widget.choices) == [("", "all"), ("hmn", "Hmong"), ("none", "Language not known"), ("es", "Spanish")]


def test_a_number_of_a_message_opens_the_people_that_it_counts(messages: list[SentMessage]) -> None:
    listing = opened(school="South", mode="voice")
    for message in rows(listing):
        url = urlsplit(listing.people_url(message, "not_reached"))
        assert url.path == message_url(Tool.ADMIN_SENT_MESSAGE_LOG, message.pk, "unreached")
        values = {name: value for name, [value] in parse_qs(url.query).items()}
        people = registry["admin_sent_message_log_message_unreached"].open(everybody(), values, {"pk": message.pk})
        assert people.count() == read_people(message).not_reached


@pytest.mark.slow
def test_own_messages_are_those_of_the_sender_and_people_need_a_log(make_user: Callable[..., User]) -> None:
    sender = make_user(Tool.REACH, Tool.ADMIN_REACH)
    own = snow_day(sender=sender)
    snow_day(subject="Another")
    assert [row.subject for row in rows(opened(sender, Tool.REACH))] == ["Snow day"]
    assert {row.subject for row in rows(opened(sender))} == {"Snow day", "Another"}
    listing = opened(sender, Tool.REACH)
    assert listing.people_url(own, "reached") == "", "no log shows it to this person"


@pytest.mark.slow
def test_reading_it_needs_the_same_number_of_queries_for_any_number_of_messages(
    messages: list[SentMessage], django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        snow_day(subject=str(number))
    user = everybody()
    with django_assert_max_num_queries(15):
        opened(user)


@pytest.mark.slow
def test_the_page_and_its_file(
    messages: list[SentMessage], make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(make_user(Tool.ADMIN_REACH, Tool.ADMIN_SENT_MESSAGE_LOG))
    page = Shown(client.get(ADDRESS, {"mode": "voice"}))
    assert page.texts("//*[contains(@class, 'heat-map')]//tbody/tr[1]/*")[:2] == ["North", "50 % 2 of 4"]
    assert (
        len(page.root.xpath("//table[not(ancestor::*[contains(@class, 'heat-map')] or ancestor::figure)]//tbody/tr"))
        == 2
    )
    fragment = Shown(client.get(ADDRESS, {"by": "week"}, headers={"HX-Request": "true"}))
    assert len(fragment.root.xpath("//*[contains(@class, 'heat-map')]//tbody/tr")) == 3

    lines = csv_of(client.get(ADDRESS, {"export": "csv"}))
    assert ["North", "2 of 4 reached (50 %); 1 handed over, not confirmed; 1 no device"] in [line[:2] for line in lines]
    assert [line[1] for line in lines[-2:]] == ["Snow day", "Concert"]
    assert AuditEvent.objects.filter(action="export.admin_reach").count() == 1


@pytest.mark.slow
def test_marking_a_drill_needs_the_right_is_audited_and_shows_in_the_list(
    make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    user = make_user((Tool.REACH, Right.READ), (Tool.REACH, Right.WRITE), Tool.SENT_MESSAGE_LOG)
    own, others = snow_day(sender=user), snow_day()
    client = signed_in(user)
    assert client.post(f"/messenger/reach/drills/{others.pk}/mark/", {"drill": "yes"}).status_code == 404
    for _ in range(2):
        response = client.post(f"/messenger/reach/drills/{own.pk}/mark/", {"drill": "yes"})
        assert response["Location"] == f"/messenger/reach/drills/{own.pk}/"
    own.refresh_from_db()
    assert own.drill
    assert AuditEvent.objects.filter(action="message.marked_as_drill").count() == 1
    page = Shown(client.get(message_url(Tool.SENT_MESSAGE_LOG, own.pk)))
    assert page.href("compare-drill") == f"/messenger/reach/drills/{own.pk}/"

    client.post(f"/messenger/reach/drills/{own.pk}/mark/")
    own.refresh_from_db()
    assert not own.drill
    assert client.get(f"/messenger/reach/drills/{own.pk}/").status_code == 404
