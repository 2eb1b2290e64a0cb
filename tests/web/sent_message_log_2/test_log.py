"""Sent Message Log 2.0: what it lists, to whom, and what it can be filtered by."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services import hashed_search
from accounts.tools import Right
from messenger_logs.models import Calendar, SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_recipient, make_school
from tests.web.html import before_table_body, table_body
from tests.web.sent_message_log_2.conftest import CHICAGO, LOG, NOON, Add, SignIn, headings, page_text, show, subjects

pytestmark = pytest.mark.django_db

PATH = "/messenger/sent-message-log-2/"


def exported_rows(client: Client, **query: str) -> list[dict[str, str]]:
    response = client.get(PATH, {"export": "csv", **query})
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def options(html: str, name: str) -> list[str]:
    select = re.search(rf'<select name="{name}".*?</select>', html, re.DOTALL)
    assert select
    return [page_text(option) for option in re.findall(r"<option.*?</option>", select[0], re.DOTALL)]


# What it lists


def test_the_columns(mine: Client, add: Add) -> None:
    assert headings(show(mine)) == [
        "Date",
        "Calendars",
        "Subject",
        "Created By",
        "Type",
        "Delivery Mode",
        "Attachment",
        "Status",
    ]


@pytest.mark.slow
def test_a_row(mine: Client, me: User, add: Add) -> None:
    message = add("Snow day", sender=me, modes=["text", "inbox"], attachments=[{"name": "map.pdf", "size": 10}])
    high = Calendar.objects.create(school=make_school(), name="26-27 Harrison High", school_year="2026-27")
    middle = Calendar.objects.create(school=make_school("Middle"), name="26-27 Middle", school_year="2026-27")
    message.calendars.set([high, middle])

    assert exported_rows(mine) == [
        {
            "Date": "11/20/2026 11:00 AM",
            "Calendars": "26-27 Harrison High, 26-27 Middle",
            "Subject": "Snow day",
            "Created By": "Vang, Mai",
            "Type": "Messenger 2.0 - General",
            "Delivery Mode": "Inbox, Text",
            "Attachment": "Yes",
            "Status": "SENT",
            "People": "",
            "People Reached": "",
            "E-mail Provider Says": "",
        }
    ]
    assert f'href="{reverse("web:sent_message_log_2_message", args=[message.pk])}"' in show(mine)


@pytest.mark.slow
def test_of_many_calendars_the_first_are_named_and_all_exported(mine: Client, me: User, add: Add) -> None:
    message = add("Snow day", sender=me)
    school = make_school()
    names = [f"26-27 Calendar {letter}" for letter in "ABCDE"]
    message.calendars.set([Calendar.objects.create(school=school, name=name, school_year="2026-27") for name in names])

    assert "26-27 Calendar A, 26-27 Calendar B, 26-27 Calendar C and 2 more" in page_text(show(mine))
    assert exported_rows(mine)[0]["Calendars"] == ", ".join(names)


def test_it_loads_at_once_newest_first_whatever_the_day(mine: Client, me: User, add: Add) -> None:
    add("last year", sender=me, at=NOON - timedelta(days=400))
    add("today", sender=me)
    add("last month", sender=me, at=NOON - timedelta(days=30))

    assert subjects(show(mine)) == ["today", "last month", "last year"]


@pytest.mark.slow
def test_only_messages_of_the_2_0_engine_and_text_opt_ins(mine: Client, me: User, add: Add) -> None:
    add("new", sender=me)
    add("opted in", sender=me, message_type="Text Opt In")
    add("classic", sender=me, engine="classic", message_type="Behavior")
    add("registration", sender=me, engine="olr", message_type="OLR")

    assert sorted(subjects(show(mine))) == ["new", "opted in"]


def test_a_message_of_a_scheduler_tool_is_not_listed_before_its_start(mine: Client, me: User, add: Add) -> None:
    later = NOON + timedelta(hours=1)
    add("from a template", sender=me, scheduled_at=later, listed_from=NOON, status="waiting")
    add("from a scheduler", sender=me, scheduled_at=later, listed_from=later, status="waiting")

    assert subjects(show(mine)) == ["from a template"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "word", "explanation"),
    [
        ("sent", "SENT", "Handed to the providers"),
        ("canceled", "CANCELED", "Stopped by somebody"),
        ("canceled_ip", "CANCELED", "Stopped by somebody"),
        ("error", "ERROR", "took nothing of it"),
        ("no_recipients", "NO RECIPIENTS", "none of them has a device"),
        ("waiting", "SCHEDULED", "has not begun"),
        ("in_progress", "IN PROGRESS", "going out now"),
    ],
)
def test_statuses_and_their_explanations(
    mine: Client, me: User, add: Add, status: str, word: str, explanation: str
) -> None:
    add(sender=me, status=status)

    assert [row["Status"] for row in exported_rows(mine)] == [word]
    html = show(mine)
    assert word in page_text(table_body(html))
    assert explanation in before_table_body(html)


@pytest.mark.slow
def test_a_running_message_says_how_far_it_is(mine: Client, me: User, add: Add) -> None:
    message = add(sender=me, status="in_progress")
    for status in ["sent", "sent", "sent", "waiting"]:
        make_delivery(make_recipient(message), status=status)
    recount(message_id=message.pk)

    assert "IN PROGRESS 75 %" in page_text(show(mine))


@pytest.mark.slow
@pytest.mark.parametrize("column", ["date", "subject", "sender_name", "message_type", "status"])
def test_columns_sort(mine: Client, me: User, add: Add, column: str) -> None:
    first, second = datetime(2026, 11, 1, tzinfo=CHICAGO), datetime(2026, 11, 2, tzinfo=CHICAGO)
    add("a", sender=me, sender_name="A", message_type="Messenger 2.0 - Emergency", status="canceled", at=first)
    add("b", sender=me, sender_name="B", message_type="Text Opt Out", status="sent", at=second)

    assert subjects(show(mine, sort=column)) == ["a", "b"]
    assert subjects(show(mine, sort=f"-{column}")) == ["b", "a"]


# Who sees what


class TestMyAndAll:
    @pytest.fixture(autouse=True)
    def messages(self, me: User, reader: Any, add: Add) -> None:
        add("of mine", sender=me)
        add("of others", sender=reader(username="other"))
        add("of nobody any more", sender=None)

    def buttons(self, html: str) -> list[str]:
        nav = re.search(r'<nav class="grid-switch".*?</nav>', html, re.DOTALL)
        return re.findall(r"<a[^>]*>([^<]+)</a>", nav[0]) if nav else []

    def chosen(self, html: str) -> list[str]:
        return re.findall(r'aria-current="true">((?:My|All) Messages)<', html)

    def test_my_messages_is_the_default_for_those_who_have_both(self, mine: Client) -> None:
        html = show(mine)
        assert self.buttons(html) == ["My Messages", "All Messages"]
        assert self.chosen(html) == ["My Messages"]
        assert subjects(html) == ["of mine"]

    @pytest.mark.slow
    def test_all_messages(self, mine: Client) -> None:
        html = show(mine, whose="all")
        assert self.chosen(html) == ["All Messages"]
        assert sorted(subjects(html)) == ["of mine", "of nobody any more", "of others"]

    def test_the_buttons_keep_the_filters(self, mine: Client) -> None:
        html = show(mine, subject="of", whose="all")
        assert f'href="{PATH}?subject=of"' in html
        assert '<input type="hidden" name="whose" value="all"' in html

    @pytest.mark.slow
    @pytest.mark.parametrize("query", [{}, {"whose": "all"}, {"whose": ""}])
    def test_with_my_messages_alone(self, reader: Any, signed_in: SignIn, add: Add, query: dict[str, str]) -> None:
        user = reader(Right.MY_MESSAGES)
        add("of this user", sender=user)
        html = show(signed_in(user), **query)
        assert self.buttons(html) == []
        assert subjects(html) == ["of this user"]
        assert [row["Subject"] for row in exported_rows(signed_in(user), **query)] == ["of this user"]

    def test_with_all_messages_alone(self, reader: Any, signed_in: SignIn) -> None:
        html = show(signed_in(reader(Right.ALL_MESSAGES)))
        assert self.buttons(html) == []
        assert sorted(subjects(html)) == ["of mine", "of nobody any more", "of others"]

    def test_with_neither(self, reader: Any, signed_in: SignIn, add: Add) -> None:
        user = reader()
        add("of this user", sender=user)
        html = show(signed_in(user), whose="all")
        assert subjects(html) == []
        assert "Ask for the tool right My Messages or All Messages" in html

    @pytest.mark.slow
    def test_the_drop_down_of_creators_tells_of_nobody_else(self, reader: Any, signed_in: SignIn, mine: Client) -> None:
        assert options(show(mine), "sender_name") == ["all", "Vang, Mai"]
        assert options(show(mine, whose="all"), "sender_name") == ["all", "Administrator, System", "other", "Vang, Mai"]
        user = reader(Right.MY_MESSAGES)
        assert options(show(signed_in(user)), "sender_name") == ["all"]


RIGHT_OF_TYPE = {
    "Messenger 2.0 - General": Right.TYPE_GENERAL,
    "Messenger 2.0 - Priority": Right.TYPE_PRIORITY,
    "Messenger 2.0 - Emergency": Right.TYPE_EMERGENCY,
    "Text Opt In": Right.TYPE_TEXT_OPT,
    "Text Opt Out": Right.TYPE_TEXT_OPT,
}


class TestMessageTypes:
    @pytest.fixture(autouse=True)
    def messages(self, add: Add) -> dict[str, SentMessage]:
        return {kind: add(kind, message_type=kind) for kind in RIGHT_OF_TYPE}

    @pytest.mark.slow
    @pytest.mark.parametrize("right", sorted(set(RIGHT_OF_TYPE.values()), key=lambda right: right.name))
    def test_each_right_shows_the_rows_of_its_types_and_no_other(
        self, reader: Any, signed_in: SignIn, messages: dict[str, SentMessage], right: Right
    ) -> None:
        client = signed_in(reader(Right.ALL_MESSAGES, types=(right,)))
        allowed = sorted(kind for kind, needed in RIGHT_OF_TYPE.items() if needed is right)

        html = show(client)
        assert sorted(subjects(html)) == allowed
        assert sorted(options(html, "message_type")) == [*allowed, "all"]
        assert sorted(row["Subject"] for row in exported_rows(client)) == allowed
        for kind, message in messages.items():
            number = str(message.pk)
            assert subjects(show(client, message_id=number)) == ([kind] if kind in allowed else [])
            for page in ["sent_message_log_2_message", "sent_message_log_2_message_recipients"]:
                address = reverse(f"web:{page}", args=[number])
                assert client.get(address).status_code == (200 if kind in allowed else 404)

    def test_a_type_that_one_may_not_see_cannot_be_asked_for(self, reader: Any, signed_in: SignIn) -> None:
        client = signed_in(reader(Right.ALL_MESSAGES, types=(Right.TYPE_GENERAL,)))
        html = show(client, message_type="Messenger 2.0 - Emergency")
        assert "Message Type: choose one of the list" in html
        assert subjects(html) == []

    @pytest.mark.slow
    def test_without_any_type_the_page_says_so(self, reader: Any, signed_in: SignIn) -> None:
        html = show(signed_in(reader(Right.ALL_MESSAGES, types=())))
        assert subjects(html) == []
        assert "may not see messages of any type yet" in html


@pytest.mark.slow
def test_other_peoples_messages_are_not_there_by_id(reader: Any, signed_in: SignIn, add: Add) -> None:
    message = make_body(add("of others", sender=reader(username="other")))
    client = signed_in(reader(Right.MY_MESSAGES))
    for part, args in [("", []), ("_recipients", []), ("_body", ["email"])]:
        assert client.get(reverse(f"web:sent_message_log_2_message{part}", args=[message.pk, *args])).status_code == 404
    assert subjects(show(client, message_id=str(message.pk))) == []
    assert exported_rows(client, sender_name="other") == []


def make_body(message: SentMessage) -> SentMessage:
    message.bodies = {"email": "secret"}
    message.save()
    return message


# Filters


class TestFilters:
    @pytest.fixture(autouse=True)
    def messages(self, me: User, add: Add) -> dict[str, SentMessage]:
        school = make_school()
        calendars = [Calendar.objects.create(school=school, name=name, school_year=name) for name in ("25-26", "26-27")]
        snow = add("Snow day", sender=me, modes=["voice", "text"], external_id="campaign-7")
        lunch = add(
            "Lunch menu",
            sender=me,
            sender_name="Lee, Tou",
            message_type="Messenger 2.0 - Priority",
            modes=["email"],
            attachments=[{"name": "menu.pdf", "size": 1}],
            at=NOON - timedelta(days=2),
        )
        snow.calendars.set(calendars)
        lunch.calendars.set(calendars[:1])
        return {"snow": snow, "lunch": lunch}

    def test_labels_and_buttons(self, mine: Client) -> None:
        html = show(mine)
        labels = re.findall(r"<label[^>]*>(?:Filter by )?([^<]+)</label>", html.partition('id="grid"')[2])
        assert set(labels) == {
            "Message ID",
            "Start Date",
            "End Date",
            "Calendar",
            "Subject",
            "Created By",
            "Message Type",
            "Delivery Mode",
            "Attachment",
            "Rows",
        }
        assert ">Apply Filters</button>" in html
        assert re.search(rf'href="{PATH}"[^>]*>Reset Filters</a>', html)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"message_id": "campaign-7"}, ["Snow day"]),
            ({"message_id": "campaign"}, []),
            ({"subject": "LUNCH"}, ["Lunch menu"]),
            ({"sender_name": "Lee, Tou"}, ["Lunch menu"]),
            ({"message_type": "Messenger 2.0 - Priority"}, ["Lunch menu"]),
            ({"message_type": "Text Opt In"}, []),
            ({"modes": "voice"}, ["Snow day"]),
            ({"modes": "text"}, ["Snow day"]),
            ({"modes": "email"}, ["Lunch menu"]),
            ({"modes": "inbox"}, []),
            ({"attachments": "with"}, ["Lunch menu"]),
            ({"attachments": "without"}, ["Snow day"]),
            ({"sent_from": "2026-11-18", "sent_to": "2026-11-18"}, ["Lunch menu"]),
            ({"sent_from": "11/18/2026", "sent_to": "11/20/2026"}, ["Snow day", "Lunch menu"]),
            ({"sent_from": "11/18/2026"}, ["Lunch menu"]),
            ({"sent_to": "2026-11-20"}, ["Snow day"]),
            ({"sent_from": "2026-11-19"}, []),
        ],
    )
    def test_each_filter(self, mine: Client, query: dict[str, str], found: list[str]) -> None:
        assert subjects(show(mine, **query)) == found
        assert [row["Subject"] for row in exported_rows(mine, **query)] == found

    @pytest.mark.slow
    def test_message_id(self, mine: Client, messages: dict[str, SentMessage]) -> None:
        assert subjects(show(mine, message_id=str(messages["lunch"].pk))) == ["Lunch menu"]

    @pytest.mark.slow
    def test_calendar(self, mine: Client) -> None:
        html = show(mine)
        assert options(html, "calendars") == ["all", "26-27", "25-26"]
        newer, older = Calendar.objects.values_list("pk", flat=True)
        assert subjects(show(mine, calendars=str(newer))) == ["Snow day"]
        assert subjects(show(mine, calendars=str(older))) == ["Snow day", "Lunch menu"]

    def test_the_choices(self, mine: Client) -> None:
        html = show(mine)
        assert options(html, "modes") == ["all", "Inbox", "Email", "Voice", "Text"]
        assert options(html, "attachments") == ["All Messages", "With Attachment", "No Attachment"]
        assert options(html, "sender_name") == ["all", "Lee, Tou", "Vang, Mai"]
        assert options(html, "message_type") == [
            "all",
            "Messenger 2.0 - General",
            "Messenger 2.0 - Priority",
            "Messenger 2.0 - Emergency",
            "Text Opt In",
            "Text Opt Out",
        ]

    def test_the_address_bar_holds_the_filters(self, mine: Client) -> None:
        answer = mine.post(PATH, {"subject": "snow", "modes": "text", "sent_from": "2026-11-20", "whose": "all"})
        assert answer["Location"] == f"{PATH}?whose=all&sent_from=2026-11-20&subject=snow&modes=text"
        assert subjects(mine.get(answer["Location"]).text) == ["Snow day"]

    def test_a_single_day_is_shown_in_both_inputs(self, mine: Client) -> None:
        html = show(mine, sent_from="11/18/2026")
        assert html.count('value="2026-11-18"') == 2
        assert "on 11/18/2026" in html

    def test_a_range_turned_round_is_turned_back(self, mine: Client) -> None:
        html = show(mine, sent_from="2026-11-20", sent_to="2026-11-18")
        assert "The dates were the wrong way round" in html
        assert subjects(html) == ["Snow day", "Lunch menu"]

    @pytest.mark.parametrize(
        ("query", "complaint"),
        [
            ({"sent_from": "13/45/2026"}, "Date: enter a date as MM/DD/YYYY"),
            ({"calendars": "999999"}, "Calendar: choose one of the list."),
            ({"calendars": "x"}, "Calendar: choose one of the list."),
            ({"modes": "fax"}, "Delivery Mode: choose one of the list."),
            ({"attachments": "maybe"}, "Attachment: choose one of the list."),
            ({"whose": "theirs"}, "Whose messages: choose one of the list."),
            ({"message_type": "Behavior"}, "Message Type: choose one of the list."),
            ({"subject": "x" * 201}, "Subject: enter 200 characters at most."),
            ({"message_id": "\x00"}, "Message ID: one of its characters cannot be searched for."),
            ({"sort": "bodies"}, "cannot be sorted that way"),
        ],
    )
    def test_what_is_no_filter_is_said_and_shows_nothing_else(
        self, mine: Client, query: dict[str, str], complaint: str
    ) -> None:
        html = show(mine, **query)
        assert complaint in html
        if "sort" not in query:
            assert subjects(html) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("number", ["-1", "9" * 30, "²", "0x10", "1.5", "' OR 1=1"])
    def test_an_odd_message_id_finds_nothing(self, mine: Client, number: str) -> None:
        assert subjects(show(mine, message_id=number)) == []


# Time


# The last two have 23 hours and 25 hours.
@pytest.mark.slow
@pytest.mark.parametrize("day", ["2026-11-19", "2026-03-08", "2025-11-02"])
def test_a_day_ends_at_the_districts_midnight(mine: Client, me: User, add: Add, day: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=CHICAGO)
    next_midnight = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=CHICAGO)
    moment = timedelta(microseconds=1)
    add("first", sender=me, at=midnight)
    add("last", sender=me, at=next_midnight - moment)
    add("before", sender=me, at=(midnight.astimezone(UTC) - moment))
    add("after", sender=me, at=next_midnight)

    assert subjects(show(mine, sent_from=day)) == ["last", "first"]


@pytest.mark.slow
def test_days_are_those_of_the_districts_zone_wherever_that_is(mine: Client, me: User, add: Add, settings: Any) -> None:
    add(sender=me, at=datetime(2026, 11, 19, 11, 30, tzinfo=UTC))

    assert subjects(show(mine, sent_from="2026-11-19")) == ["Snow day"]
    settings.TIME_ZONE = "Pacific/Auckland"
    assert subjects(show(mine, sent_from="2026-11-19")) == []
    assert [row["Date"] for row in exported_rows(mine, sent_from="2026-11-20")] == ["11/20/2026 12:30 AM"]


@pytest.mark.slow
def test_the_hour_that_comes_twice_is_told_apart_by_its_zone(mine: Client, me: User, add: Add) -> None:
    add("summer time", sender=me, at=datetime(2025, 11, 2, 1, 30, fold=0, tzinfo=CHICAGO))
    add("winter time", sender=me, at=datetime(2025, 11, 2, 1, 30, fold=1, tzinfo=CHICAGO))

    html = show(mine, sent_from="2025-11-02")
    assert subjects(html) == ["winter time", "summer time"]
    assert re.findall(r'title="(C.T) ', html) == ["CST", "CDT"]


# What it costs, and what is recorded


@pytest.mark.slow
def test_queries_do_not_grow_with_rows(
    mine: Client, me: User, add: Add, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    calendar = Calendar.objects.create(school=make_school(), name="26-27", school_year="2026-27")

    def messages(number: int) -> None:
        for _ in range(number):
            message = add(sender=me, status="in_progress")
            message.calendars.add(calendar)
            make_delivery(make_recipient(message))
            recount(message_id=message.pk)

    messages(2)
    with django_assert_max_num_queries(25) as few:
        show(mine)
    messages(20)
    with django_assert_num_queries(len(few)):
        show(mine)


def test_an_export_is_recorded(mine: Client, me: User, add: Add) -> None:
    add(sender=me)
    exported_rows(mine, subject="snow")
    event = AuditEvent.objects.get(action="export.sent_message_log_2")
    assert event.who_id == me.pk
    assert event.details["filters"] == {}
    assert event.details["searched"] == [hashed_search("snow")], "a subject may name a person"


@pytest.mark.slow
def test_nothing_is_canceled_here(mine: Client, me: User, add: Add) -> None:
    message = add(sender=me, status="in_progress")
    assert "ancel" not in page_text(table_body(show(mine)))
    html = show(mine, "web:sent_message_log_2_message", message.pk)
    assert not re.search(r"<button[^>]*>[^<]*ancel", html)
    assert mine.post(reverse("web:sent_message_log_2_message", args=[message.pk])).status_code == 405


def test_the_tool_right_opens_it(make_user: Any, signed_in: SignIn) -> None:
    assert signed_in(make_user()).get(PATH).status_code == 403
    assert signed_in(make_user(LOG)).get(PATH).status_code == 200
