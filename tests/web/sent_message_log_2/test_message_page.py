"""The message page of Sent Message Log 2.0."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from messenger_logs.choices import Mode
from messenger_logs.models import Calendar, SentMessage
from messenger_logs.services.totals import recount
from messenger_logs.statuses import STATUSES
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_recipient, make_school
from tests.web.sent_message_log_2.conftest import NOON, Add, page_text, show

pytestmark = pytest.mark.django_db

Show = Callable[[SentMessage], str]
PAGE = "web:sent_message_log_2_message"


@pytest.fixture
def show_message(mine: Client) -> Show:
    def show_message(message: SentMessage) -> str:
        recount(message_id=message.pk)
        return show(mine, PAGE, message.pk)

    return show_message


def facts(html: str, heading: str = "") -> dict[str, str]:
    """The label/value pairs below a heading, or all of them."""
    part = html.partition(f">{heading}</h2>")[2].partition("</section>")[0] if heading else html
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", part, re.DOTALL)
    return {page_text(label): page_text(value) for label, value in pairs}


def figures(html: str) -> dict[str, list[str]]:
    """The delivery information: mode → its figures."""
    table = html.partition("Deliveries of each mode</caption>")[2].partition("<tbody>")[2].partition("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[1:]]
    return {page_text(row[0]): [page_text(cell) for cell in row[1:]] for row in rows}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("sent", "SENT"),
        ("canceled", "CANCELED"),
        ("canceled_ip", "CANCELED"),
        ("error", "ERROR"),
        ("no_recipients", "NO RECIPIENTS"),
        ("waiting", "SCHEDULED"),
        ("in_progress", "IN PROGRESS"),
    ],
)
def test_message_status(show_message: Show, me: User, add: Add, status: str, word: str) -> None:
    assert word in facts(show_message(add(sender=me, status=status)))["Message Status"]


@pytest.mark.slow
def test_general_filter_criteria(show_message: Show, me: User, add: Add) -> None:
    message = add(
        sender=me,
        modes=["email", "voice"],
        criteria=[
            ["Recipients", "Guardians, Staff"],
            ["Preferred Language", "Hmong"],
            ["School Year", "26-27"],
            ["Active Students Only", "Yes"],
            ["Grade", "09, 10"],
        ],
    )
    message.calendars.add(Calendar.objects.create(school=make_school(), name="26-27 High", school_year="2026-27"))
    make_delivery(make_recipient(message, person_id="1", student_name="Ann"))
    make_recipient(message, person_id="1", student_name="Ben")
    make_delivery(make_recipient(message, person_id="2"), address="", status="no_device")

    html = show_message(message)

    assert facts(html, "General Filter Criteria") == {
        "District": "Harrison School District",
        "Calendar": "26-27 High",
        "Message Type": "Messenger 2.0 - General",
        "Delivery Mode": "Email, Voice",
        "Recipients": "Guardians, Staff",
        "Total Recipient Count": "2",
        "Recipients with No Device": "1",
        "Preferred Language": "Hmong",
    }
    assert facts(html, "Tool Specific Filter Criteria") == {
        "School Year": "26-27",
        "Active Students Only": "Yes",
        "Grade": "09, 10",
    }


def test_the_criteria_that_count_people_lead_to_as_many_people(
    show_message: Show, mine: Client, me: User, add: Add
) -> None:
    message = add(sender=me, modes=["email", "voice"])
    for person in ("1", "2", "3"):
        recipient = make_recipient(message, person_id=person)
        make_delivery(recipient)
        make_delivery(recipient, mode=Mode.VOICE, address="+17635550100")
    for person in ("4", "5"):
        make_delivery(make_recipient(message, person_id=person), address="", status="no_device")

    html = show_message(message)

    for label, people in (("Total Recipient Count", 5), ("Recipients with No Device", 2)):
        cell = html.partition(f"<dt>{label}</dt>")[2].partition("</dd>")[0]
        link = re.search(r'<a [^>]*href="([^"]+)">([^<]+)</a>', cell)
        assert link, label
        assert link[2] == str(people)
        listed = Shown(mine.get(unescape(link[1])))
        assert len(set(listed.column(1))) == people, label


def test_criteria_that_were_not_recorded(show_message: Show, me: User, add: Add) -> None:
    message = add(sender=me)
    message.calendars.add(Calendar.objects.create(school=make_school(), name="x", school_year="2026-27"))

    html = show_message(message)

    general = facts(html, "General Filter Criteria")
    assert (general["Recipients"], general["Preferred Language"]) == ("not recorded", "any")
    assert facts(html, "Tool Specific Filter Criteria") == {
        "School Year": "2026-27",
        "Active Students Only": "not recorded",
    }


@pytest.mark.slow
def test_delivery_information_of_each_mode(show_message: Show, me: User, add: Add) -> None:
    begun = NOON - timedelta(hours=1)
    message = add(
        sender=me,
        modes=["voice", "email"],
        dispatch_started_at=begun,
        dispatch_finished_at=begun + timedelta(hours=1, minutes=2, seconds=5),
    )

    def call(minutes: int, **fields: Any) -> None:
        at = begun + timedelta(minutes=minutes)
        make_delivery(make_recipient(message), mode="voice", first_attempt_at=at, **fields)

    call(1, status="confirmed", attempt_count=1)
    call(2, status="confirmed", attempt_count=3)
    call(5, status="busy", attempt_count=4)
    call(4, status="failed", attempt_count=4)
    make_delivery(make_recipient(message), mode="voice", status="canceled")
    make_delivery(make_recipient(message), mode="email", status="sent", attempt_count=1, first_attempt_at=begun)

    html = show_message(message)

    table = html.partition("Deliveries of each mode</caption>")[2].partition("</table>")[0]
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', table) == [
        "Delivery Mode",
        "Total Devices",
        "Total Attempts",
        "Total Successful",
        "Busy, No Answer",
        "Total Error",
        "Total Canceled",
        "Not Done Yet",
        "First Attempt Duration",
    ]
    assert figures(html) == {
        "Email": ["1", "1", "1", "0", "0", "0", "0", "0 s"],
        "Voice": ["5", "12", "2", "1", "1", "1", "0", "5 min"],
    }
    assert facts(html)["Total Message Duration"] == "1 h 2 min 5 s"


@pytest.mark.slow
def test_each_number_of_the_delivery_information_opens_so_many_rows(
    show_message: Show, mine: Client, me: User, add: Add
) -> None:
    message = add(sender=me, modes=list(Mode))
    for mode, statuses in STATUSES.items():
        for status in statuses:
            address = {"address": ""} if status == "no_device" else {}
            first = make_delivery(make_recipient(message), mode=mode, status=status, **address)
            if first.address:
                make_delivery(make_recipient(message), mode=mode, status=status, address=first.address)
    make_delivery(make_recipient(message), mode="email", email_outcome="failed-permanent")

    table = show_message(message).partition("Deliveries of each mode</caption>")[2].partition("</table>")[0]

    numbers = re.findall(r'<a [^>]*href="([^"]+)">([\d,]+)</a>', table)
    assert len(numbers) == len(Mode) * 6
    for address, number in numbers:
        assert str(len(Shown(mine.get(unescape(address))).column(1))) == number, address
    assert len({number for _, number in numbers}) > 4


@pytest.mark.slow
def test_durations_that_are_not_known_yet(show_message: Show, me: User, add: Add) -> None:
    message = add(sender=me, status="waiting")
    make_delivery(make_recipient(message), status="waiting")

    html = show_message(message)

    assert figures(html)["Email"] == ["1", "0", "0", "0", "0", "0", "1", "—"]
    assert facts(html)["Total Message Duration"] == "—"


@pytest.mark.slow
def test_message_details(show_message: Show, me: User, add: Add) -> None:
    message = add(
        "Bus 7 is late",
        sender=me,
        bodies={"text": "Bus 7 <late>, {{student.firstName}}", "email": "<p>Bus 7</p>"},
        reply_to="office@example.org",
        attachments=[{"name": "route.pdf", "size": 2048}],
    )

    html = show_message(message)

    found = facts(html)
    assert "Bus 7 is late" in html
    assert found["Created By"] == "Vang, Mai, 11/20/2026 11:00 AM"
    assert found["Date"] == "11/20/2026 11:00 AM"
    assert found["Message ID"] == str(message.pk)
    assert found["Reply To Email"] == "office@example.org"
    assert found["Attachments"].startswith("route.pdf")
    assert "Bus 7 &lt;late&gt;, student.firstName" in html
    address = reverse("web:sent_message_log_2_message_body", args=[message.pk, "email"])
    assert re.search(rf'<iframe[^>]*src="{address}"[^>]* sandbox', html)
    assert "<p>Bus 7</p>" not in html


@pytest.mark.slow
def test_recipients(mine: Client, me: User, add: Add) -> None:
    message = add(sender=me)
    make_delivery(make_recipient(message, name="Vang, Pa", student_name="Vang, Tou"), status="failed")
    other = add(sender=me)
    make_delivery(make_recipient(other, name="Somebody Else"))

    address = reverse("web:sent_message_log_2_message_recipients", args=[message.pk])
    assert f'href="{address}"' in show(mine, PAGE, message.pk)
    html = mine.get(address).text
    assert "Vang, Pa" in html
    assert "Vang, Tou" in html
    assert "Somebody Else" not in html


def test_a_classic_message_has_no_page_here(mine: Client, me: User, add: Add) -> None:
    message = add(sender=me, engine="classic")
    assert mine.get(reverse(PAGE, args=[message.pk])).status_code == 404


@pytest.mark.slow
def test_it_refreshes_while_it_runs_and_not_afterwards(mine: Client, me: User, add: Add) -> None:
    running, sent = add(sender=me, status="in_progress"), add(sender=me)
    address = reverse(PAGE, args=[running.pk])

    assert "data-live" in show(mine, PAGE, running.pk)
    assert "data-live" not in show(mine, PAGE, sent.pk)
    fragment = mine.get(address, headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "Delivery Information" in fragment
    assert "as of" in page_text(fragment)


@pytest.mark.slow
def test_a_view_is_recorded_once_and_not_with_each_refresh(mine: Client, me: User, add: Add) -> None:
    message = add("Snow day", sender=me, status="in_progress")
    show(mine, PAGE, message.pk)
    mine.get(reverse(PAGE, args=[message.pk]), headers={"HX-Request": "true"})

    event = AuditEvent.objects.get(action="message.viewed")
    assert (event.who_id, event.target) == (me.pk, f"Message {message.pk}")


@pytest.mark.slow
def test_queries_do_not_grow_with_recipients(
    mine: Client, me: User, add: Add, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    message = add(sender=me, modes=["email", "voice", "text", "inbox"])
    make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    show(mine, PAGE, message.pk)  # the first look also writes its row of the audit trail
    with django_assert_max_num_queries(15) as few:
        show(mine, PAGE, message.pk)
    for mode in ["email", "voice", "text", "inbox"]:
        for _ in range(5):
            make_delivery(make_recipient(message), mode=mode)
    recount(message_id=message.pk)
    with django_assert_num_queries(len(few)):
        show(mine, PAGE, message.pk)


@pytest.mark.parametrize("number", ["0", "999999", str(2**63 - 1), str(2**63), "9" * 30])
def test_a_message_that_does_not_exist(mine: Client, number: str) -> None:
    assert mine.get(f"/messenger/sent-message-log-2/{number}/").status_code == 404
