from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from core.dates import read_day
from listings.dates import DateRange
from tests.listings.conftest import NOW
from tests.listings.letter_log import Shown, make_letters

pytestmark = pytest.mark.django_db


def test_a_drop_down_lets_one_value_through(client):
    make_letters(9, newest=NOW)
    page = Shown(client.get("/letters/?status=lost"))
    assert page.column(1) == ["✕ Lost"] * 3
    assert page.value("status") == "lost"


def test_a_value_that_is_no_choice_is_told_and_shows_nothing(client):
    make_letters(9, newest=NOW)
    page = Shown(client.get("/letters/?status=burnt"))
    assert page.message_text == "Status: choose one of the list."
    assert page.subjects == []
    assert page.empty_text == "", "nobody looked, so nothing was not found"


def test_contains_finds_in_either_case_and_takes_wildcards_as_they_are(client):
    for subject in ("Snow day", "100% SNOW", "100 snow", "Bus_14", "Bus 14", "back\\slash"):
        make_letters(1, newest=NOW, subject=subject)

    def found(text):
        return set(Shown(client.get("/letters/", {"subject": text})).subjects)

    assert found("snow") == {"Snow day", "100% SNOW", "100 snow"}
    assert found("100%") == {"100% SNOW"}
    assert found("s_1") == {"Bus_14"}
    assert found("k\\s") == {"back\\slash"}
    assert found(" day ") == {"Snow day"}


def test_a_text_that_is_too_long_is_told(client):
    make_letters(3, newest=NOW)
    page = Shown(client.get("/letters/", {"subject": "x" * 10_000}))
    assert page.message_text == "Subject: enter 200 characters at most."
    assert page.subjects == []
    assert len(page.html) < 30_000


@pytest.mark.slow
@pytest.mark.parametrize("query", ["%00", "a%00b"])
def test_a_nul_character_is_told(client, query):
    page = Shown(client.get(f"/letters/?subject={query}"))
    assert page.message_text == "Subject: one of its characters cannot be searched for."


def test_every_filter_has_a_label(client):
    page = Shown(client.get("/letters/"))
    for name, label in {
        "status": "Filter by Status",
        "recipient": "Filter by Recipient Email",
        "subject": "Filter by Subject",
        "school": "School",
        "created_from": "Created Between",
        "created_to": "and",
    }.items():
        (field,) = page.root.xpath(f"//form[@id='grid']//*[@name='{name}']")
        assert page.texts(f"//label[@for='{field.get('id')}']") == [label]


def test_nothing_found_says_what_was_looked_for_and_what_to_try(client):
    page = Shown(client.get("/letters/?status=lost&subject=zebra&created_from=2026-11-19&created_to=2026-11-20"))
    assert page.empty_text == (
        "No letters found between 11/19/2026 and 11/20/2026. These filters are on: Status: Lost Subject: zebra"
        " Try fewer filters or more days, or check the spelling."
    )
    assert Shown(client.get("/letters/")).empty_text == "No letters found on 11/20/2026. Try more days."


# Dates


def test_today_is_shown_when_no_dates_are_given(client):
    make_letters(1, newest=NOW, subject="today")
    make_letters(1, newest=NOW - timedelta(days=1), subject="yesterday")
    page = Shown(client.get("/letters/"))
    assert page.subjects == ["today"]
    assert (page.value("created_from"), page.value("created_to")) == ("2026-11-20", "2026-11-20")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-18", "2026-11-19"), ("11/18/2026", "11/19/2026"), ("11/18/2026", "2026-11-19"), ("11/18/26", "")],
)
def test_days_are_picked_or_typed(client, first, last):
    for days in range(4):
        make_letters(1, newest=NOW - timedelta(days=days), subject=f"{days}")
    page = Shown(client.get("/letters/", {"created_from": first, "created_to": last}))
    if first.endswith("/26"):
        assert "Created: enter a date as MM/DD/YYYY" in page.message_text
    else:
        assert page.subjects == ["1", "2"]


def test_a_range_turned_round_is_turned_back_and_says_so(client):
    make_letters(1, newest=NOW - timedelta(days=1))
    page = Shown(client.get("/letters/?created_from=2026-11-20&created_to=2026-11-18"))
    assert "The dates were the wrong way round" in page.message_text
    assert len(page.subjects) == 1
    assert (page.value("created_from"), page.value("created_to")) == ("2026-11-18", "2026-11-20")


def test_a_range_that_reaches_too_far_back_is_cut_and_says_so(client):
    page = Shown(client.get("/letters/?created_from=2026-01-01&created_to=2026-11-20"))
    assert page.message_text == "Only the last 30 days can be shown here, from 10/21/2026."
    assert page.value("created_from") == "2026-10-21"


def test_a_range_wholly_before_the_first_day_shows_nothing(client):
    make_letters(1, newest=NOW - timedelta(days=60))
    page = Shown(client.get("/letters/?created_from=2026-09-01&created_to=2026-09-30"))
    assert page.subjects == []
    assert "Only the last 30 days" in page.message_text
    assert Shown(client.get(page.href("grid-sort-pages"))).subjects == []


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-02-30", "13/13/2026", "0001-01-01", "9999-12-31", "2026-11-20T10:00", "-", "/", "1" * 300, "٢"],
)
def test_a_date_that_is_none_is_told(client, text):
    make_letters(1, newest=NOW)
    page = Shown(client.get("/letters/", {"created_from": text, "created_to": "2026-11-20"}))
    assert "Created: enter a date as MM/DD/YYYY" in page.message_text
    assert page.subjects == []


def test_a_range_may_be_open_to_one_side(client):
    for days in range(4):
        make_letters(1, newest=NOW - timedelta(days=days), subject=f"{days}")
    assert Shown(client.get("/letters/?created_from=2026-11-19")).subjects == ["0", "1"]
    assert Shown(client.get("/letters/?created_to=2026-11-18")).subjects == ["2", "3"]


def test_quick_links_keep_the_other_filters(client):
    page = Shown(client.get("/letters/?status=lost&sort=pages"))
    links = {link.text: link.get("href") for link in page.root.xpath("//ul[@class='grid-quick']//a")}
    days = {
        "today": "created_from=2026-11-20&created_to=2026-11-20",
        "yesterday": "created_from=2026-11-19&created_to=2026-11-19",
        "last 7 days": "created_from=2026-11-14&created_to=2026-11-20",
        "last 30 days": "created_from=2026-10-22&created_to=2026-11-20",
    }
    assert links.keys() == days.keys()
    for words, query in days.items():
        assert query in links[words]
        assert "status=lost" in links[words]
        assert "sort=pages" in links[words]


@pytest.mark.parametrize(
    ("day", "hours", "first"),
    [
        (date(2026, 11, 1), 25, datetime(2026, 11, 1, 5, tzinfo=UTC)),  # clocks go back
        (date(2026, 3, 8), 23, datetime(2026, 3, 8, 6, tzinfo=UTC)),  # clocks go forward
        (date(2026, 11, 20), 24, datetime(2026, 11, 20, 6, tzinfo=UTC)),
    ],
)
def test_a_day_is_the_districts_day(day, hours, first):
    bounds = DateRange(day, day).bounds("posted_at")
    assert bounds.low == first
    assert bounds.high.astimezone(UTC) - bounds.low.astimezone(UTC) == timedelta(hours=hours)


def test_a_day_whose_midnight_does_not_exist_begins_at_the_jump():
    with timezone.override("America/Havana"):
        bounds = DateRange(date(2026, 3, 8), date(2026, 3, 8)).bounds("posted_at")
    assert bounds.low.astimezone(UTC) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert bounds.high.astimezone(UTC) == datetime(2026, 3, 9, 4, tzinfo=UTC)


def test_late_in_the_evening_today_is_still_the_districts_today(client):
    evening = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # 10:30 PM on 11/20
    make_letters(1, newest=evening)
    with time_machine.travel(evening + timedelta(minutes=5), tick=False):
        assert Shown(client.get("/letters/")).value("created_from") == "2026-11-20"
        assert len(Shown(client.get("/letters/")).subjects) == 1


def test_the_hour_that_comes_twice_is_listed_in_order(client):
    for minute in range(0, 150, 30):
        make_letters(
            1, newest=datetime(2026, 11, 1, 5, 30, tzinfo=UTC) + timedelta(minutes=minute), subject=f"{minute}"
        )
    page = Shown(client.get("/letters/?created_from=2026-11-01&created_to=2026-11-01&sort=posted_at"))
    assert page.subjects == ["0", "30", "60", "90", "120"]
    assert page.column(2) == [
        "11/01/2026 12:30 AM",
        "11/01/2026 1:00 AM",
        "11/01/2026 1:30 AM",
        "11/01/2026 1:00 AM",
        "11/01/2026 1:30 AM",
    ]
    zones = [title.split()[0] for title in page.root.xpath("//tbody//time/@title")]
    assert zones == ["CDT", "CDT", "CDT", "CST", "CST"]


def test_days_read_as_nothing_are_nothing():
    assert read_day("") is None
