"""System Health: the verdict comes first, then the last day, then the details; the parts that change refresh."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import GroupScope, User
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool
from dispatch.models import Pace
from dispatch.status import mode_statuses
from health.models import Figure, Heartbeat
from health.services.heartbeats import queue_part
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from messenger_logs.choices import Mode
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from web.health_verdict import troubles_for
from web.last_day import last_day

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def mailgun(settings) -> SendingDomain:
    settings.MAILGUN_DOMAINS = ["mg.example.org"]
    return SendingDomain.objects.create(name="mg.example.org")


@pytest.fixture
def reader(make_user, signed_in) -> Client:
    return signed_in(make_user(Tool.MAILGUN_SYNC))


def show(client: Client, query: str = "", **options) -> str:
    return client.get(reverse("web:system_health") + query, **options).text


def verdict_on(html: str) -> str:
    """Return the page from its verdict on."""
    return html.partition('<div id="health-verdict"')[2].partition(">")[2]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace(" .", ".")


def test_a_site_that_runs_says_so_in_its_first_line(reader: Client, all_run: None) -> None:
    text = show(reader)
    first, _, rest = words(verdict_on(text)).partition("As of")
    assert first.strip() == "✓ Everything works."
    assert "Last 24 hours" in rest
    assert text.count(" open>") == 0, "the details are folded"


def test_the_worst_comes_first_with_its_time_and_what_to_do(
    reader: Client, all_run: None, mailgun: SendingDomain, time_machine
) -> None:
    time_machine.move_to(NOW, tick=False)
    SendingDomain.objects.update(settled_through=NOW - timedelta(hours=5))
    Heartbeat.objects.update(beaten_at=NOW)
    Heartbeat.objects.filter(part=queue_part("dispatch")).update(beaten_at=NOW - timedelta(minutes=2))
    text = words(verdict_on(show(reader)).partition("As of")[0])
    urgent, rest = text.split("▲")
    assert urgent.startswith("✕ Does not work Workers of dispatch: No message goes out. No worker takes tasks of")
    assert "Since 11/20/2026 10:28 AM. What to do: Start a celery worker" in urgent
    assert rest.startswith(" Needs a look Sync of mg.example.org: The events are complete only up to")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "paused", "late", "opened"),
    [
        ("", False, False, set()),
        ("", True, False, {"sending"}),
        ("", False, True, {"events"}),
        ("?part=events", False, False, {"events"}),
        ('?part="><script>', False, False, set()),
    ],
)
def test_what_is_ill_or_asked_for_is_unfolded(
    reader: Client, all_run: None, mailgun: SendingDomain, query: str, paused: bool, late: bool, opened: set[str]
) -> None:
    now = datetime.now(UTC)
    SendingDomain.objects.update(settled_through=now - timedelta(hours=5 if late else 1))
    if paused:
        Pace.objects.create(mode=Mode.INBOX, paused_until=now + timedelta(minutes=5), words="It is full.")
    assert set(re.findall(r'id="(\w+)" open>', show(reader, query))) == opened


@pytest.mark.slow
def test_htmx_gets_the_parts_that_change_each_for_its_place(
    reader: Client, all_run: None, mailgun: SendingDomain
) -> None:
    page, fragment = show(reader), show(reader, headers=HTMX)
    places = re.findall(r'<div id="([\w-]+)" hx-swap-oob="innerHTML">', fragment)
    assert places == ["dispatch-state", "sync-state"]
    assert all(f'<div id="{place}">' in page for place in places)
    assert "hx-swap-oob" not in page
    assert "<html" not in fragment
    assert "Last 24 hours" not in fragment
    assert "Quarantine" not in fragment


@pytest.mark.slow
def test_without_mailgun_there_is_no_part_about_its_events(reader: Client, all_run: None, settings) -> None:
    settings.MAILGUN_API_KEY, settings.MAILGUN_DOMAINS = "", []
    text = show(reader)
    assert 'id="events"' not in text
    assert "Nothing comes from Mailgun here." in text
    assert "sync-state" not in show(reader, headers=HTMX)


@pytest.mark.slow
def test_figures_of_the_district_are_for_those_who_have_the_tool_for_all_schools(
    make_user, signed_in, all_run: None, settings
) -> None:
    settings.GATEWAYS = dict.fromkeys(Mode.values, "dispatch.gateways.inbox.gateway")
    message = make_message(dispatched_here=True, modes=[Mode.TEXT])
    make_delivery(make_recipient(message), mode=Mode.TEXT, status="vendor_received", detail="Status unknown")
    Pace.objects.create(mode=Mode.INBOX, paused_until=datetime.now(UTC) + timedelta(minutes=5), words="It is full.")
    district, school = make_user(Tool.MAILGUN_SYNC), make_user(Tool.MAILGUN_SYNC)
    GroupScope.objects.create(group=school.groups.get(), reach=ScopeReach.MEMBERS)
    shown = {
        who: [
            one.key
            for one in troubles_for(User.objects.get(pk=who.pk), datetime.now(UTC), mode_statuses(datetime.now(UTC)))
        ]
        for who in (district, school)
    }
    assert shown == {
        district: ["dispatch.paused.inbox", "dispatch.in_doubt.text"],
        school: ["dispatch.paused.inbox"],
    }
    assert "Last 24 hours" in show(signed_in(district))
    assert "Last 24 hours" not in show(signed_in(school))


@pytest.mark.parametrize(("name", "part"), [("mailgun_sync", "events"), ("dispatch_status", "sending")])
def test_the_old_addresses_lead_to_their_part(reader: Client, name: str, part: str) -> None:
    address = reverse(f"web:{name}")
    assert reader.get(address)["Location"] == f"/messenger-administration/system-health/?part={part}#{part}"


@pytest.mark.slow
def test_who_presses_a_button_comes_back_to_the_buttons(make_user, signed_in, mailgun: SendingDomain) -> None:
    client = signed_in(make_user(Tool.MAILGUN_SYNC, (Tool.MAILGUN_SYNC, Right.WRITE)))
    response = client.post(reverse("web:pause_sync", args=[mailgun.pk]), follow=True)
    assert '<details class="health-part" id="events" open>' in response.text


def test_the_last_day_has_every_hour_of_it(mailgun: SendingDomain) -> None:
    hour = NOW.replace(minute=0)
    written = [
        (0, "text", "success", 5),
        (0, "text", "success", 1),
        (0, "text", "pending", 1),
        (0, "text", "error", 1),
        (23, "email", "success", 7),
        (24, "email", "success", 100),
    ]
    Figure.objects.bulk_create(
        Figure(hour=hour - timedelta(hours=ago), name="hand_overs", part=part, result=result, count=count)
        for ago, part, result, count in written
    )
    for ago in (0, 60, 89, 60 * 24):
        MailgunEvent.objects.create(
            domain=mailgun, event="delivered", event_id=str(ago), occurred_at=NOW - timedelta(minutes=ago), raw="{}"
        )
    for ago, outcome in ((5, "succeeded"), (61, "failed"), (62, "interrupted"), (60 * 24, "failed")):
        SyncRun.objects.create(domain=mailgun, kind="sync", outcome=outcome, started_at=NOW - timedelta(minutes=ago))
    day = last_day(NOW)
    assert [lane.label for lane in day.lanes] == ["Mailgun sync", "Inbox", "Email", "Voice", "Text", "Mailgun events"]
    assert [part.word for part in day.figures][:4] == [
        "Mailgun sync: runs",
        "Mailgun sync: failed",
        "Inbox: handed over",
        "Inbox: errors",
    ]
    assert len(day.columns) == 24
    newest, before, *_, oldest = day.rows
    assert (newest[0].title, newest[1]) == ("Fri 11/20/2026 10:00 AM", [1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1])
    assert before[1][:2] == [0, 2]
    assert (oldest[0].title, oldest[1]) == ("Thu 11/19/2026 11:00 AM", [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0])
    assert [lane.bars.total for lane in day.lanes] == [3, 0, 7, 0, 8, 3]


def test_the_page_is_not_for_others(make_user, signed_in) -> None:
    rights = [tool for tool in Tool if tool is not Tool.MAILGUN_SYNC and Right.READ in tool.rights]
    user: User = make_user(*rights)
    for name in ("system_health", "mailgun_sync", "dispatch_status"):
        assert signed_in(user).get(reverse(f"web:{name}")).status_code == 403
