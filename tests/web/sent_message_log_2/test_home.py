"""The Messenger home page: what goes out now, what needs somebody, and the last 14 days."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GroupScope, User
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool
from dispatch.models import Pace
from messenger_logs.choices import Mode
from messenger_logs.dashboard import dashboard
from messenger_logs.models import ContactToFix, ReachTotals, School, SentMessage
from messenger_logs.reach import SUMS, People
from messenger_logs.services.totals import recount
from messenger_logs.status_labels import REACH
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.messenger_logs.reach.people import snow_day
from tests.web.html import table_body
from tests.web.sent_message_log_2.conftest import CHICAGO, LOG, NOON, TYPES, Add, MakeUser, SignIn, page_text
from web.going_out import going_out
from web.message_urls import message_url
from web.needs import Need, needs_of

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
    ]
    earlier = TODAY - timedelta(days=3)
    assert [series.counts[TODAY] for series in found.series] == [1, 1, 2, 1, 1, 1]
    assert [series.counts[earlier] for series in found.series] == [1, 0, 0, 2, 0, 1]
    assert (found.people[TODAY].unreached, found.people[earlier].unreached) == (2, 1)
    assert found.people[TODAY - timedelta(days=1)] == People()
    assert found.everybody.total == 7


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


@pytest.mark.slow
def test_the_picture_is_also_said_in_words_and_as_a_table(make_user: MakeUser, signed_in: SignIn, send: Any) -> None:
    user = make_user(Tool.SENT_MESSAGE_LOG, Tool.REACH)
    send(*[("email", "sent")] * 9, ("email", "failed"), sender=user, engine="classic")

    part = card(home(signed_in(user)), "last-days-heading")

    assert f'href="{reverse("web:reach")}?sent_from=2026-11-07&amp;sent_to=2026-11-20"' in part
    assert "last-days-reasons" not in part, "without the right to Mailgun's log"
    assert f'href="{reverse("web:reach")}?sent_from=2026-10-01&amp;sent_to=2026-10-31"' in part, "last month, at once"
    said = page_text(part)
    assert "1 message of those you may see went out, with 10 deliveries; 1 of them failed (10.0 %)." in said
    assert "From 11/07/2026 to today" in said
    assert "People of the messages of each day: 0 Reached, 9 Handed over, not confirmed, 1 Not reached" in part
    assert "Most on Fri 11/20/2026: 10." in part
    assert "0 Delivered" in said
    assert "9 Not known yet" in said
    assert "style=" not in part
    table = part.partition("<table")[2]
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', table) == [
        "Day",
        *(status.word for status in REACH.values()),
        "Messages",
        *Mode.labels,
        "Failed deliveries",
    ]
    newest = table_body(table).partition("</tr>")[0]
    assert page_text(newest) == "Fri 11/20/2026 0 9 1 0 0 1 0 10 0 0 1"
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

    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_without_any_log_there_is_no_picture(self, make_user: MakeUser, signed_in: SignIn) -> None:
        assert "last-days" not in home(signed_in(make_user(UPCOMING)))


# What goes out


def upcoming_message(add: Add, subject: str, **fields: Any) -> SentMessage:
    at = fields.pop("at", NOON)
    return add(subject, scheduled_at=at, listed_from=at, **fields)


def test_it_names_the_last_that_have_begun_with_their_percent_and_the_next(make_user: MakeUser, add: Add) -> None:
    user = make_user(UPCOMING)
    for status in ["waiting", "in_progress"]:
        for number in range(1, 6):
            at = NOON + timedelta(hours=number)
            message = upcoming_message(add, f"{status} {number}", sender=user, status=status, at=at)
    for delivery in ("sent", "sent", "waiting"):
        make_delivery(make_recipient(message), mode="email", status=delivery)
    recount(message_id=message.pk)
    upcoming_message(add, "of somebody else", status="in_progress")

    found = going_out(User.objects.get(pk=user.pk))

    assert [(one.message.subject, one.percent) for one in found.now] == [
        ("in_progress 5", 66),
        ("in_progress 4", 0),
        ("in_progress 3", 0),
    ]
    assert found.more
    assert [one.subject for one in found.next] == ["waiting 1", "waiting 2", "waiting 3"]
    assert found.now[0].url == f"/messenger/upcoming-messages/{message.pk}/"
    assert (found.next_url, found.now_url) == (
        "/messenger/upcoming-messages/",
        "/messenger/upcoming-messages/?tab=in_progress",
    )


def test_everybodys_are_named_to_those_who_may_see_them(make_user: MakeUser, add: Add) -> None:
    upcoming_message(add, "of somebody else", status="waiting")
    found = going_out(make_user(UPCOMING, (UPCOMING, Right.VIEW_CANCEL_ALL)))
    assert [one.subject for one in found.next] == ["of somebody else"]
    assert found.next_url == "/messenger/upcoming-messages/?whose=all"
    assert found.now_url == "/messenger/upcoming-messages/?tab=in_progress&whose=all"


def test_without_upcoming_messages_a_log_names_what_goes_out_and_nothing_is_said_of_the_next(
    make_user: MakeUser, add: Add
) -> None:
    user = make_user(Tool.SENT_MESSAGE_LOG)
    message = add("Own", sender=user, status="in_progress", engine="classic")
    add("Other", status="in_progress", engine="classic")
    add("Own, of 2.0", sender=user, status="in_progress")
    add("Later", sender=user, status="waiting", engine="classic")
    found = going_out(User.objects.get(pk=user.pk))
    assert [(one.message.pk, one.url) for one in found.now] == [
        (message.pk, message_url(Tool.SENT_MESSAGE_LOG, message.pk))
    ]
    assert (found.next, found.upcoming, found.more) == ([], False, False)


@pytest.mark.slow
def test_the_part_that_changes_comes_alone_and_has_as_many_places_as_before(
    make_user: MakeUser, signed_in: SignIn, add: Add
) -> None:
    user = make_user(UPCOMING, Tool.SENT_MESSAGE_LOG)
    client = signed_in(user)
    upcoming_message(add, "Snow & ice", sender=user, status="in_progress")
    fragment = client.get("/", headers={"HX-Request": "true"}).text
    assert fragment.lstrip().startswith('<div id="home-now"')
    assert "Snow &amp; ice" in fragment
    assert "No message is scheduled." in fragment
    assert '<progress max="100" value="0" aria-label="Done of Snow &amp; ice">' in fragment
    assert "last-days" not in fragment
    assert fragment.strip() in home(client).replace(as_of(home(client)), as_of(fragment))


def as_of(html: str) -> str:
    return html.partition('<p class="as-of">')[2].partition("</p>")[0]


@pytest.mark.slow
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
    with django_assert_max_num_queries(26) as few:
        home(client)
    for number in range(10):
        send(("email", "sent"), ("voice", "busy"), sender=user, status="in_progress", at=NOON - timedelta(days=number))
    with django_assert_num_queries(len(few)):
        home(client)


# What needs somebody

EMERGENCY_RIGHTS = [(LOG, right) for right in (Right.READ, Right.ALL_MESSAGES, Right.TYPE_EMERGENCY)]


def lines(user: User) -> dict[str, Need]:
    return {need.name: need for need in needs_of(User.objects.get(pk=user.pk))}


@pytest.mark.slow
def test_the_last_emergency_says_how_many_it_did_not_reach_and_leads_to_them(send: Any, make_user: MakeUser) -> None:
    user = make_user(*EMERGENCY_RIGHTS)
    assert lines(user)["emergency"].words == "No emergency message went out so far."
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
    need = lines(user)["emergency"]
    assert need.words == "2 of 4 people were not reached"
    assert need.more.endswith(" Not confirmed: 1.")
    assert need.url == message_url(LOG, last.pk, "unreached")
    own = make_user(*EMERGENCY_RIGHTS[::2], (LOG, Right.MY_MESSAGES))
    assert lines(own)["emergency"].words == "No emergency message went out so far.", "of own messages alone"
    assert "emergency" not in lines(make_user(LOG, (LOG, Right.ALL_MESSAGES), (LOG, Right.TYPE_GENERAL)))


def test_people_of_the_last_emergency_are_those_of_the_users_schools(make_user: MakeUser) -> None:
    snow_day(engine="v2", message_type="Messenger 2.0 - Emergency")
    user = make_user(*EMERGENCY_RIGHTS)
    everybody = lines(user)["emergency"].words
    GroupScope.objects.create(group=user.groups.get(), reach=ScopeReach.MEMBERS)
    user.schools.add(School.objects.get(name="South"))
    assert everybody == "3 of 6 people were not reached"
    south = ReachTotals.objects.filter(school__name="South", mode="").aggregate(**SUMS)
    people = People.of(south)
    assert lines(user)["emergency"].words == f"{people.unreached} of {people.total} people were not reached"
    assert people.total == 2


def test_open_contacts_are_counted_for_whom_they_are(make_user: MakeUser) -> None:
    administrator, own = make_user(Tool.ADMIN_CONTACTS_TO_FIX), make_user(Tool.CONTACTS_TO_FIX)
    assert lines(administrator)["contacts"].words == "No address or number has to be fixed."
    # The database derives the state of a contact from what was done about it.
    for number, handled in enumerate(["", "", "told", "fixed"]):
        ContactToFix.objects.create(
            address=f"{number}@example.com",
            mode="email",
            problem="bounced",
            since=NOON,
            failed_at=NOON,
            handled_as=handled,
            handled_at=NOON + timedelta(hours=1) if handled else None,
        )
    need = lines(administrator)["contacts"]
    assert need.words == "2 addresses and numbers fail for good"
    assert need.url == "/messenger-administration/contacts-to-fix/?which=open"
    assert lines(own)["contacts"].words == "No address or number has to be fixed.", "behind them is nobody of its own"


@pytest.mark.slow
def test_in_doubt_is_told_to_those_who_may_send_again(send: Any, make_user: MakeUser) -> None:
    upcoming = (UPCOMING, Right.WRITE), UPCOMING
    user, reader = make_user(*upcoming), make_user(UPCOMING)
    assert lines(user)["in-doubt"].words == "No call or text is in doubt."
    message = send(("text", "sent"), sender=user, dispatched_here=True)
    for mode, status in (("text", "vendor_received"), ("voice", "vendor_received")):
        make_delivery(make_recipient(message), mode=mode, status=status, detail="Status unknown")
    other = send(sender=reader, dispatched_here=True)
    make_delivery(make_recipient(other), mode="text", status="vendor_received", detail="Status unknown")
    old = send(sender=user, dispatched_here=True, at=NOON - timedelta(days=8))
    make_delivery(make_recipient(old), mode="text", status="vendor_received", detail="Status unknown")
    need = lines(user)["in-doubt"]
    assert need.words == "2 calls and texts are in doubt"
    assert need.url == message_url(UPCOMING, message.pk, "retry")
    assert "in-doubt" not in lines(reader)


@pytest.mark.slow
def test_the_verdict_on_the_site_is_for_those_who_have_system_health(make_user: MakeUser, all_run: None) -> None:
    user = make_user(Tool.MAILGUN_SYNC)
    assert [(need.words, need.status.tone) for need in lines(user).values()] == [("Everything works.", "good")]
    Pace.objects.create(mode=Mode.INBOX, paused_until=timezone.now() + timedelta(minutes=5), words="It is full.")
    need = lines(user)["health"]
    assert need.status.tone == "bad"
    assert "It is full" in need.words
    assert need.url == reverse("web:system_health")
    assert lines(make_user(Tool.SENT_MESSAGE_LOG)) == {}


def test_who_has_nothing_to_decide_reads_where_the_tools_are(make_user: MakeUser, signed_in: SignIn) -> None:
    text = home(signed_in(make_user(Tool.AUDIT_TRAIL)))
    assert "Nothing waits for you here." in text
    assert "home-now" not in text
