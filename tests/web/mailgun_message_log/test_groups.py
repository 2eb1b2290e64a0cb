"""The grouped log: what it counts, for whom, and that each number opens as many rows."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Tool
from listings.registry import registry
from mailgun_sync.choices import EventKind, GroupBy
from mailgun_sync.models import MailgunEvent
from tests.messenger_logs.factories import make_message
from tests.web.mailgun_message_log.conftest import NOON, page, text_of
from web.charts import small_bars
from web.listings.mailgun_groups import MailgunGroups

pytestmark = pytest.mark.django_db

BOUNCE = {"event": "failed", "severity": "permanent", "reason": "bounce"}
ALL, OWN = "web:admin_mailgun_message_log_groups", "web:mailgun_message_log_groups"
Add = Callable[..., MailgunEvent]


@pytest.fixture
def user(make_user: Callable[..., User]) -> User:
    return make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG)


def grouped(user: User, name: str = "admin_mailgun_message_log_groups", **values: str) -> MailgunGroups:
    listing: Any = registry[name].open(user, values)
    listing.fetch()
    return listing


def rows_behind(user: User, address: str) -> int:
    """How many rows the log at an address shows."""
    found = next(entry for entry in registry if entry.stands_alone and entry.url() == urlsplit(address).path)
    listing = found.open(user, dict(parse_qsl(urlsplit(address).query)))
    listing.fetch()
    assert listing.errors == []
    return listing.count()


def reasons(listing: MailgunGroups) -> list[tuple[str, int]]:
    return [(group.event.reason_text, group.events) for group in listing.page.rows]


@pytest.fixture
def week(add: Add) -> None:
    """Bounces of a week to mailboxes at several providers, and one of a day before it."""
    for number in range(6):
        add(
            **BOUNCE,
            recipient=f"family{number}@{('gmail.com', 'yahoo.com', 'example.org')[number % 3]}",
            detail=f"550 5.1.1 <family{number}@example.org>: No such user",
            occurred_at=NOON - timedelta(days=number % 4, hours=1),
            subject="Snow day" if number % 2 else "Library Hours",
        )
    add(**BOUNCE, detail="552 5.2.2 Mailbox 4711 is full", occurred_at=NOON - timedelta(days=6, hours=1))
    add(**BOUNCE, detail="552 5.2.2 Mailbox 4712 is full", occurred_at=NOON - timedelta(days=7, hours=1))
    add(event="failed", severity="temporary", reason="greylisted", detail="450 Greylisted", recipient="a@gmail.com")
    add(event="complained", recipient="a@gmail.com")
    add(event="delivered", recipient="a@googlemail.com")
    add(event="opened", recipient="a@gmail.com")


def test_this_weeks_bounces_by_reason_are_two_clicks_from_the_menu(administrator: Client, week: None) -> None:
    log = page(administrator)
    [button] = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>By reason</a>', log)

    text = text_of(administrator.get(button.replace("&amp;", "&")))

    assert "No such user" in text
    assert 'aria-current="true">By reason</a>' in text
    assert "between 11/14/2026 and 11/20/2026" in text


def test_events_are_grouped_by_what_their_reasons_have_in_common(user: User, week: None) -> None:
    listing = grouped(user)

    assert reasons(listing) == [("No such user", 6), ("", 1), ("Greylisted", 1), ("Mailbox … is full", 1)]
    first = listing.page.rows[0]
    assert first.days == {date(2026, 11, 20): 2, date(2026, 11, 19): 2, date(2026, 11, 18): 1, date(2026, 11, 17): 1}
    assert len(listing.days) == 7
    assert reasons(grouped(user, event="failed-temporary")) == [("Greylisted", 1)]
    assert reasons(grouped(user, created_from="2026-11-01"))[1] == ("Mailbox … is full", 2)


def test_the_chart_has_the_events_of_each_day_by_their_largest_groups(user: User, week: None) -> None:
    chart = grouped(user).chart
    assert chart
    assert [(part.word, part.total) for part in chart.parts] == [
        ("Failed (permanent): No such user", 6),
        ("Complained: (no reason given)", 1),
        ("Failed (temporary): Greylisted", 1),
        ("Failed (permanent): Mailbox … is full", 1),
    ]
    assert [column.name for column in chart.columns][::6] == ["11/14", "11/20"]
    assert chart.bars.totals == [1, 0, 0, 1, 1, 2, 4]


def test_the_chart_is_the_same_on_each_page_of_the_groups_and_has_all_others_as_one(user: User, add: Add) -> None:
    for number in range(30):
        for _ in range(1 + (number < 5)):
            add(**BOUNCE, detail=f"550 {chr(97 + number % 26) * (3 + number)} is odd")
    whole = grouped(user, rows="50")
    for listing in (whole, grouped(user, rows="25"), grouped(user, sort="last_at", rows="25")):
        assert listing.chart
        assert sorted(part.total for part in listing.chart.parts) == [2, 2, 2, 2, 2, 25]
        assert listing.chart.parts[-1].word == "all others"
        assert listing.chart.total == 35
    assert grouped(user, created_from="2026-11-20").chart is None, "of one day there is nothing to compare"
    assert grouped(user, event="complained").chart is None


def test_mailbox_providers_have_all_their_domains_and_the_kinds_that_the_log_shows(user: User, week: None) -> None:
    listing = grouped(user, by="provider")

    found = {group.event.mailbox_provider: dict(group.kinds) for group in listing.page.rows}
    assert found == {
        "Google": {"failed-permanent": 2, "failed-temporary": 1, "complained": 1, "delivered": 1},
        "Yahoo": {"failed-permanent": 2},
        "example.org": {"failed-permanent": 2},
        "example.com": {"failed-permanent": 1},
    }


def test_messages_are_those_of_here_and_else_the_subjects(user: User, add: Add) -> None:
    message = make_message()
    for subject in ("Snow day", "Koj tus me nyuam"):
        add(sent_message=message, subject=subject)
    add(subject="Snow day")

    found = [(group.event.sent_message_id, group.events) for group in grouped(user, by="message").page.rows]

    assert found == [(message.pk, 2), (None, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("by", GroupBy.values)
@pytest.mark.parametrize("few", [0, 3000])
def test_each_number_opens_as_many_rows_as_it_says(
    user: User, week: None, monkeypatch: pytest.MonkeyPatch, by: str, few: int
) -> None:
    monkeypatch.setattr("web.listings.mailgun_message_log.GroupFilter.FEW", few)
    listing = grouped(user, by=by)

    assert listing.page.rows
    for group in listing.page.rows:
        assert rows_behind(user, listing.rows_url(group)) == group.events
        for kind, number in group.kinds.items():
            assert rows_behind(user, listing.rows_url(group, EventKind(kind))) == number


def test_an_address_of_a_group_has_no_value_of_a_person(administrator: Client, user: User, add: Add) -> None:
    add(**BOUNCE, recipient="mai@vang-family.example", detail="No mailbox for Mai")

    for by in GroupBy.values:
        listing = grouped(user, by=by)
        address = listing.rows_url(listing.page.rows[0])
        assert "vang" not in address.lower()
        assert "mai" not in urlsplit(address).query.lower()
        shown = text_of(administrator.get(address))
        assert "mai@vang-family.example" in shown
        [chosen] = re.findall(r'<option value="\w+-\d+" selected>([^<]+)</option>', shown)
        assert chosen in {
            "Reason: No mailbox for Mai",
            "Mailbox provider: vang-family.example",
            "Message: (no subject)",
        }


@pytest.mark.parametrize("group", ["reason-0", "reason-", "x", "host-1", "reason-99999999999999999999", "reason-1'--"])
def test_a_group_that_is_none_is_answered_in_words(administrator: Client, add: Add, group: str) -> None:
    add()
    assert "choose a group in the grouped log" in page(administrator, "web:admin_mailgun_message_log", group=group)


def test_a_group_whose_event_is_gone_is_empty(administrator: Client, add: Add) -> None:
    add()
    text = page(administrator, "web:admin_mailgun_message_log", group="reason-999999")
    assert "not here any more" in text
    assert "No events found" in text


def test_the_own_log_groups_own_events_alone(make_user: Callable[..., User], add: Add) -> None:
    me = make_user(Tool.MAILGUN_MESSAGE_LOG)
    mine = add(**BOUNCE, sender=me, detail="No such user")
    other = add(**BOUNCE, sender=make_user(), detail="No such user")
    add(**BOUNCE, detail="Mailbox is full")

    assert reasons(grouped(me, "mailgun_message_log_groups")) == [("No such user", 1)]
    log = reverse("web:mailgun_message_log")
    assert rows_behind(me, f"{log}?group=reason-{mine.pk}") == 1
    assert rows_behind(me, f"{log}?group=reason-{other.pk}") == 0, "nothing is learned from another's event"


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["-events", "events", "-last_at", "last_at"])
def test_pages_follow_each_other(user: User, add: Add, sort: str) -> None:
    for number in range(60):
        for _ in range(1 + number % 3):
            add(**BOUNCE, detail="x" * (number + 1), occurred_at=NOON - timedelta(minutes=number))
    first = grouped(user, rows="25", sort=sort)
    pages = [first.page]
    while pages[-1].more_after:
        key = f"mailgunevent-{pages[-1].rows[-1].pk}"
        pages.append(grouped(user, rows="25", sort=sort, after=key, n=str(pages[-1].last + 1)).page)

    assert [(one.first, one.last, str(one.total)) for one in pages] == [(1, 25, "60"), (26, 50, "60"), (51, 60, "60")]
    values = [getattr(group, sort.removeprefix("-")) for one in pages for group in one.rows]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert len({group.pk for one in pages for group in one.rows}) == 60
    back = grouped(user, rows="25", sort=sort, before=f"mailgunevent-{pages[1].rows[0].pk}", n="1").page
    assert [group.pk for group in back.rows] == [group.pk for group in pages[0].rows]
    gone = grouped(user, rows="25", sort=sort, after="mailgunevent-999999")
    assert "not there any more" in gone.warnings[0]


@pytest.mark.slow
def test_a_page_takes_the_same_queries_for_any_number_of_groups(user: User, add: Add) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            grouped(user)
        return len(captured)

    add(**BOUNCE, detail="No such user")
    queries()  # the first look also writes its row of the audit trail
    few = queries()
    for number in range(30):
        add(**BOUNCE, detail="y" * (number + 1))
    assert queries() == few


@pytest.mark.slow
def test_a_file_has_all_groups_with_their_days(administrator: Client, week: None) -> None:
    rows = list(csv.DictReader(io.StringIO(page(administrator, ALL, export="csv-rows"))))

    assert [(row["Event"], row["Reason"], row["Events"]) for row in rows[:1]] == [
        ("Failed (permanent)", "No such user", "6")
    ]
    assert rows[0]["Days"] == "11/17/2026: 1; 11/18/2026: 1; 11/19/2026: 2; 11/20/2026: 2"
    assert len(rows) == 4
    [google] = csv.DictReader(
        io.StringIO(page(administrator, ALL, export="csv-rows", by="provider", event="complained"))
    )
    assert (google["Mailbox Provider"], google["Complained"], google["Delivered"]) == ("Google", "1", "0")
    for format in ("pdf", "docx"):
        assert administrator.get(reverse(ALL), {"export": format, "by": "message"}).status_code == 200


@pytest.mark.slow
def test_the_page_draws_the_days_and_has_their_numbers(administrator: Client, week: None) -> None:
    text = page(administrator, ALL)

    assert 'aria-label="Days: 1 on 11/17/2026, 1 on 11/18/2026, 2 on 11/19/2026, 2 on 11/20/2026"' in text
    assert '<tr><th scope="row">Fri 11/20/2026</th><td class="number">2</td></tr>' in text
    assert small_bars([0, 2, 4]).count("<rect") == 3
    assert 'height="20"' in small_bars([])
    assert "No groups found" in page(administrator, ALL, event="rejected")
    assert "Grouped: choose one of the list." in page(administrator, ALL, by="x")


@pytest.mark.slow
def test_a_program_reads_the_groups_and_the_rows_of_one(user: User, week: None) -> None:
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"}

    def get(path: str, **query: str) -> Any:
        response = Client().get(f"/api/v1/mailgun-events/{path}", {"log": "all", **query}, headers=headers)
        assert response.status_code == 200, response.content
        return response.json()

    answer = get("groups/", limit="1")
    [first] = answer["results"]
    assert (first["reason"], first["kind"], first["events"]) == ("No such user", "failed-permanent", 6)
    assert first["days"]["2026-11-20"] == 2
    assert answer["count"] == 4
    second = Client().get(answer["next"], headers=headers).json()
    assert len(second["results"]) == 1
    assert get("", group=first["group"], created_from="2026-11-14")["count"] == 6
    [google, *_] = get("groups/", by="provider")["results"]
    assert (google["mailbox_provider"], google["kinds"]["complained"], google["reason"]) == ("Google", 1, None)
    assert {row["subject"] for row in get("groups/", by="message")["results"]} == {"Snow day", "Library Hours", ""}
