"""A drill beside the one before it, and the people whom neither reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from accounts.models import User
from accounts.tools import Tool
from listings.listing import Listing
from listings.registry import registry
from messenger_logs.models import SentMessage
from reports.document import Figures
from reports.kinds import report_of
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.reach.people import BUSY, REACHED, counted, person

pytestmark = pytest.mark.django_db


def everybody() -> User:
    return User.objects.get_or_create(username="everybody", defaults={"is_superuser": True})[0]


@pytest.fixture
def drills() -> tuple[SentMessage, SentMessage]:
    """Two drills: who was reached by both, by one of them, and by neither."""
    found = []
    for days, reached in ((30, "ab"), (2, "ac")):
        drill = make_message(
            subject=f"{days} days ago", drill=True, modes=["voice"], created_at=timezone.now() - timedelta(days=days)
        )
        for name in "abcd":
            person(drill, name, REACHED if name in reached else BUSY, person_id=name, school="North")
        found.append(drill)
    person(found[1], "new", BUSY, person_id="new", school="South")
    return counted(found[0]), counted(found[1])


def opened(drill: SentMessage, user: User | None = None, **values: str) -> Listing:
    return registry["admin_drill"].open(user or everybody(), values, {"pk": drill.pk})


def names(listing: Listing) -> list[str]:
    return [row.recipient.name for row in listing.export_queryset()]


@pytest.mark.parametrize(("who", "expected"), [("", ["d"]), ("lost", ["b"]), ("won", ["c"])])
def test_it_lists_the_same_people_both_times(
    drills: tuple[SentMessage, SentMessage], who: str, expected: list[str]
) -> None:
    assert names(opened(drills[1], who=who)) == expected


def test_the_first_drill_lists_whom_it_did_not_reach(drills: tuple[SentMessage, SentMessage]) -> None:
    assert names(opened(drills[0])) == ["c", "d"]
    assert names(opened(drills[0], who="lost")) == []


@pytest.mark.slow
def test_the_page_compares_school_by_school(
    drills: tuple[SentMessage, SentMessage], make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(make_user(Tool.ADMIN_REACH, Tool.ADMIN_SENT_MESSAGE_LOG))
    page = Shown(client.get(f"/messenger-administration/reach/drills/{drills[1].pk}/"))
    assert page.texts("//*[contains(@class, 'heat-map')]//tbody/tr") == [
        "North 50 % 2 of 4 50 % 2 of 4 the same 2",
        "South — 0 % 0 of 1 — 1",
        "All 50 % 2 of 4 40 % 2 of 5 ▼ 10 points worse 3",
    ]
    assert page.count.endswith("of 1")
    unreached = page.root.xpath("//*[contains(@class, 'heat-map')]//tbody//a")
    rows = [Shown(client.get(link.get("href"))) for link in unreached]
    assert [shown.count.rpartition(" ")[2] for shown in rows] == [link.text for link in unreached] == ["2", "1", "3"]


def test_each_number_opens_as_many_people(drills: tuple[SentMessage, SentMessage]) -> None:
    lines: list[Any] = [*cast(Any, opened(drills[1])).lines]
    assert [line.label for line, _ in lines] == ["North", "South", "All"]
    for line, url in lines:
        path, _, query = url.partition("?")
        page = resolve(path)
        listed = registry[page.url_name or ""].open(everybody(), dict(parse_qsl(query)), page.kwargs)
        assert listed.count() == line.now.unreached > 0


def test_its_file_has_the_schools_above_the_people(drills: tuple[SentMessage, SentMessage]) -> None:
    listing = opened(drills[1])
    assert not listing.errors
    document = report_of(listing).document()
    figures = dict(pair for section in document.sections if isinstance(section, Figures) for pair in section.pairs)
    assert figures["North"] == "2 of 4 reached (50 %); 2 not reached. Before: 2 of 4 reached (50 %); 2 not reached"
    assert figures["South"] == "0 of 1 reached (0 %); 1 not reached. Before: nobody"
    assert figures["The drill before"].startswith("30 days ago, ")
    assert document.rows
    assert [row[1] for row in document.rows.rows] == ["d"]


def test_without_a_log_of_both_messages_the_people_are_not_shown(
    drills: tuple[SentMessage, SentMessage], make_user: Callable[..., User]
) -> None:
    reader = make_user(Tool.ADMIN_REACH)
    listing = opened(drills[1], reader)
    assert names(listing) == []
    assert "you need a log that shows you its recipients" in listing.fetch()[-1]
    sender = make_user(Tool.ADMIN_REACH, Tool.SENT_MESSAGE_LOG)
    SentMessage.objects.filter(pk=drills[1].pk).update(sender=sender)
    assert names(opened(drills[1], sender)) == [], "the drill before is of somebody else"
    SentMessage.objects.filter(pk=drills[0].pk).update(sender=sender)
    assert names(opened(drills[1], sender)) == ["d"]


def test_a_drill_that_the_tool_hides_is_not_the_one_before(
    drills: tuple[SentMessage, SentMessage], make_user: Callable[..., User]
) -> None:
    sender = make_user(Tool.REACH, Tool.SENT_MESSAGE_LOG)
    SentMessage.objects.filter(pk=drills[1].pk).update(sender=sender)
    own = registry["drill"].open(sender, {}, {"pk": drills[1].pk})
    assert names(own) == ["b", "d", "new"], "for this person it is the first drill"
