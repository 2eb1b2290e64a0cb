"""The Messenger home page: the card of upcoming messages and the last 14 days at a glance."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.choices import Mode
from messenger_logs.dashboard import Series, dashboard
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.web.sent_message_log_2.conftest import CHICAGO, LOG, NOON, TYPES, Add, MakeUser, SignIn, page_text
from web.message_urls import message_url

pytestmark = pytest.mark.django_db

TODAY = NOON.date()
UPCOMING = Tool.UPCOMING_MESSAGES


@pytest.fixture
def send(add: Add) -> Callable[..., SentMessage]:
    """A message with one delivery for each of these modes and statuses, counted."""

    def send(*deliveries: tuple[str, str], **fields: Any) -> SentMessage:
        message = add(**fields)
        for mode, status in deliveries:
            make_delivery(make_recipient(message), mode=mode, status=status)
        recount(message_id=message.pk)
        return message

    return send


def totals(messages: Any = None) -> dict[str, int]:
    found = dashboard(SentMessage.objects.all() if messages is None else messages)
    return {series.name: series.total for series in found.series}


def home(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 200
    return response.text


def card(html: str, heading: str) -> str:
    return html.partition(f'aria-labelledby="{heading}"')[2].partition("</section>")[0]


# The last 14 days


def test_messages_deliveries_by_mode_and_failures_of_each_day(send: Any) -> None:
    send(("email", "sent"), ("email", "failed"), ("voice", "busy"), ("text", "delivered"), ("inbox", "sent"))
    send(("voice", "failed"), ("voice", "confirmed"), at=NOON - timedelta(days=3))

    found = dashboard(SentMessage.objects.all())

    assert found.days == [TODAY - timedelta(days=ago) for ago in range(13, -1, -1)]
    assert [(series.label, series.total) for series in found.series] == [
        ("Messages", 2),
        ("Inbox", 1),
        ("Email", 2),
        ("Voice", 3),
        ("Text", 1),
        ("Failed deliveries", 2),
        ("People not reached", 3),
    ]
    by_day = dict(found.rows)
    assert by_day[TODAY] == [1, 1, 2, 1, 1, 1, 2]
    assert by_day[TODAY - timedelta(days=3)] == [1, 0, 0, 2, 0, 1, 1]
    assert by_day[TODAY - timedelta(days=1)] == [0] * 7


def test_canceled_deliveries_and_those_that_were_not_tried_are_no_deliveries_and_no_failures(send: Any) -> None:
    send(("text", "canceled"), ("text", "opt_out"), ("text", "sent"))
    assert totals()["text"] == 1
    assert totals()["failed"] == 0


@pytest.mark.parametrize(("status", "counts"), [("waiting", 0), ("canceled", 0), ("canceled_ip", 1), ("error", 1)])
def test_what_has_not_gone_out_is_not_counted(send: Any, status: str, counts: int) -> None:
    send(status=status)
    assert totals()["messages"] == counts


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (datetime(2026, 11, 7, 0, 0, tzinfo=CHICAGO), 1),
        (datetime(2026, 11, 6, 23, 59, 59, tzinfo=CHICAGO), 0),
        (datetime(2026, 11, 21, 5, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 21, 6, 0, tzinfo=UTC), 0),
    ],
)
def test_days_are_those_of_the_district(send: Any, at: datetime, counts: int) -> None:
    send(at=at)
    assert totals()["messages"] == counts


def test_the_day_with_25_hours_is_one_day(send: Any) -> None:
    first = datetime(2026, 11, 1, 0, 0, tzinfo=CHICAGO)
    send(at=first)
    send(at=first.astimezone(UTC) + timedelta(hours=24, minutes=59))
    found = dashboard(SentMessage.objects.all(), today=date(2026, 11, 2))
    assert found.messages.counts[date(2026, 11, 1)] == 2
    assert found.messages.counts[date(2026, 11, 2)] == 0


def test_nothing_is_read_from_the_deliveries(send: Any, django_assert_num_queries: Any) -> None:
    send(("email", "sent"), ("voice", "failed"))
    with django_assert_num_queries(3) as queries:
        dashboard(SentMessage.objects.all())
    assert not any("messenger_logs_delivery" in query["sql"] for query in queries)


def test_bars_are_drawn_to_the_scale_of_their_own_figure() -> None:
    days = [TODAY - timedelta(days=1), TODAY]
    bars = list(Series("text", "Text", {days[0]: 50, days[1]: 100}).bars)
    assert [(bar.height, bar.y) for bar in bars] == [(15.0, 15.0), (30.0, 0.0)]
    few, none = Series("text", "Text", {days[0]: 1_000_000, days[1]: 1}), Series("text", "Text", dict.fromkeys(days, 0))
    assert [bar.height for bar in few.bars] == [30.0, 1.0]
    assert [bar.height for bar in none.bars] == [0.0, 0.0]


def test_the_picture_is_also_said_in_words_and_as_a_table(make_user: MakeUser, signed_in: SignIn, send: Any) -> None:
    user = make_user(Tool.SENT_MESSAGE_LOG, Tool.REACH)
    send(*[("email", "sent")] * 9, ("email", "failed"), sender=user, engine="classic")

    part = card(home(signed_in(user)), "last-days-heading")

    assert f'href="{reverse("web:reach")}?sent_from=2026-11-07&amp;sent_to=2026-11-20"' in part
    assert "last-days-reasons" not in part, "without the right to Mailgun's log"
    said = page_text(part)
    assert "1 message of those you may see went out, with 10 deliveries; 1 of them failed (10.0 %)." in said
    assert "From 11/07/2026 to today" in said
    assert "most on 11/20: 10" in said
    assert part.count('<svg class="bars ') == 7
    assert "0 Delivered" in said
    assert "9 Not known yet" in said
    assert "style=" not in part
    table = part.partition("<table")[2]
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', table) == [
        "Day",
        "Messages",
        *Mode.labels,
        "Failed deliveries",
        "People not reached",
    ]
    assert page_text(table.partition("<tbody>")[2].partition("</tr>")[0]) == "Fri 11/20/2026 1 0 10 0 0 1 1"
    assert table.count('<th scope="row">') == 14


def test_without_messages_it_says_so(make_user: MakeUser, signed_in: SignIn) -> None:
    assert "No message of those you may see went out since 11/07/2026." in page_text(
        card(home(signed_in(make_user(Tool.SENT_MESSAGE_LOG))), "last-days-heading")
    )


class TestOnlyWhatOneMaySee:
    @pytest.fixture(autouse=True)
    def messages(self, send: Any, make_user: MakeUser) -> User:
        owner = make_user(username="owner")
        send(("email", "sent"), sender=owner, engine="classic")
        send(("email", "sent"), sender=owner, engine="olr")
        send(("email", "sent"), sender=owner, message_type="Messenger 2.0 - General")
        send(("email", "sent"), sender=owner, message_type="Messenger 2.0 - Emergency")
        return owner

    @pytest.mark.parametrize(
        ("rights", "own", "of_others"),
        [
            ([], 0, 0),
            ([Tool.SENT_MESSAGE_LOG], 2, 0),
            ([Tool.ADMIN_SENT_MESSAGE_LOG], 2, 2),
            ([LOG], 0, 0),
            ([LOG, (LOG, Right.MY_MESSAGES)], 0, 0),
            ([LOG, (LOG, Right.MY_MESSAGES), (LOG, Right.TYPE_GENERAL)], 1, 0),
            ([LOG, (LOG, Right.ALL_MESSAGES), (LOG, Right.TYPE_EMERGENCY)], 1, 1),
            ([LOG, (LOG, Right.ALL_MESSAGES), *((LOG, right) for right in TYPES)], 2, 2),
            ([Tool.ADMIN_SENT_MESSAGE_LOG, LOG, (LOG, Right.MY_MESSAGES), (LOG, Right.TYPE_GENERAL)], 3, 2),
            ([Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG], 0, 0),
        ],
    )
    def test_by_the_rights_on_the_logs(
        self, make_user: MakeUser, messages: User, rights: Any, own: int, of_others: int
    ) -> None:
        other = make_user(*rights)
        found = totals(SentMessage.objects.in_logs_of(other))
        assert (found["messages"], found["email"]) == (of_others, of_others)
        SentMessage.objects.update(sender=other)
        found = totals(SentMessage.objects.in_logs_of(other))
        assert (found["messages"], found["email"]) == (own, own)

    def test_without_any_log_there_is_no_picture(self, make_user: MakeUser, signed_in: SignIn) -> None:
        assert "last-days" not in home(signed_in(make_user(UPCOMING)))


# Upcoming Messages


def test_the_card_shows_the_next_and_the_last_that_have_begun(make_user: MakeUser, signed_in: SignIn, add: Add) -> None:
    user = make_user(UPCOMING)
    for status in ["waiting", "in_progress"]:
        for number in range(1, 7):
            at = NOON + timedelta(hours=number)
            add(f"{status} {number}", sender=user, status=status, scheduled_at=at, listed_from=at)
    add("of somebody else", status="waiting")

    part = card(home(signed_in(user)), "upcoming-heading")

    scheduled, running = part.partition("<h3>In Progress</h3>")[::2]
    assert "<h3>Scheduled</h3>" in scheduled
    assert re.findall(r">(waiting \d)<", scheduled) == [f"waiting {number}" for number in range(1, 6)]
    assert re.findall(r">(in_progress \d)<", running) == [f"in_progress {number}" for number in range(6, 1, -1)]
    assert "of somebody else" not in part
    assert 'href="/messenger/upcoming-messages/"' in scheduled
    assert 'href="/messenger/upcoming-messages/?tab=in_progress"' in running
    first = SentMessage.objects.get(subject="waiting 1")
    assert f'href="/messenger/upcoming-messages/{first.pk}/"' in scheduled


def test_the_card_shows_everybodys_to_those_who_may(make_user: MakeUser, signed_in: SignIn, add: Add) -> None:
    add("of somebody else", status="waiting")
    part = card(home(signed_in(make_user(UPCOMING, (UPCOMING, Right.VIEW_CANCEL_ALL)))), "upcoming-heading")
    assert "of somebody else" in part
    assert 'href="/messenger/upcoming-messages/?whose=all"' in part
    assert 'href="/messenger/upcoming-messages/?tab=in_progress&amp;whose=all"' in part


def test_the_card_says_when_nothing_is_upcoming(make_user: MakeUser, signed_in: SignIn) -> None:
    part = page_text(card(home(signed_in(make_user(UPCOMING))), "upcoming-heading"))
    assert "No message is scheduled." in part
    assert "No message is going out now." in part


def test_without_the_right_there_is_no_card(make_user: MakeUser, signed_in: SignIn) -> None:
    assert "Upcoming Messages" not in home(signed_in(make_user(Tool.SENT_MESSAGE_LOG)))


def test_the_page_takes_a_constant_number_of_queries(
    make_user: MakeUser,
    signed_in: SignIn,
    send: Any,
    django_assert_max_num_queries: Any,
    django_assert_num_queries: Any,
) -> None:
    user = make_user(UPCOMING, LOG, *((LOG, right) for right in TYPES), (LOG, Right.ALL_MESSAGES))
    client = signed_in(user)
    send(("email", "sent"), sender=user, status="in_progress")
    with django_assert_max_num_queries(11) as few:
        home(client)
    for number in range(10):
        send(("email", "sent"), ("voice", "busy"), sender=user, status="in_progress", at=NOON - timedelta(days=number))
    with django_assert_num_queries(len(few)):
        home(client)


# The last emergency


def test_the_last_emergency_says_how_many_it_did_not_reach_and_leads_to_them(
    send: Any, make_user: MakeUser, signed_in: SignIn
) -> None:
    rights = [(Tool.SENT_MESSAGE_LOG_2, right) for right in (Right.READ, Right.ALL_MESSAGES, Right.TYPE_EMERGENCY)]
    client = signed_in(make_user(*rights))
    assert "last-emergency-heading" not in home(client)
    send(("voice", "busy"), message_type="Messenger 2.0 - Emergency", at=NOON - timedelta(days=3))
    last = send(
        ("voice", "busy"),
        ("voice", "failed"),
        ("voice", "confirmed"),
        ("email", "sent"),
        message_type="Messenger 2.0 - Emergency",
        at=NOON - timedelta(days=2),
    )
    send(("voice", "busy"), message_type="Messenger 2.0 - Emergency", drill=True, at=NOON - timedelta(days=1))
    send(("voice", "busy"), message_type="Messenger 2.0 - Emergency", status="waiting")
    send(("voice", "busy"), message_type="Messenger 2.0 - General")
    shown = page_text(card(home(client), "last-emergency-heading"))
    assert "2 of 4 people were not reached" in shown
    assert "It was handed over for 1 more, but not confirmed." in shown
    assert message_url(LOG, last.pk, "unreached") in home(client)
    own = signed_in(make_user(*rights[::2], (Tool.SENT_MESSAGE_LOG_2, Right.MY_MESSAGES)))
    assert "last-emergency-heading" not in home(own), "of own messages alone"
