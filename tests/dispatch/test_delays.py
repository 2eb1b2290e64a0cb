"""Due messages that do not go out: the message page says why, and System Health shows the reason for each mode."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from html import unescape

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.tools import Right, Tool
from dispatch.models import Claim, OpenCall, Pace
from dispatch.services.claims import claim_next, mark_handed
from dispatch.services.rate_limit import pause, spend
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from dispatch.tasks import hand_over_due, tick
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.conftest import dispatch_all
from tests.dispatch.stub import Provider, StubGateway

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]
EMERGENCY = {"engine": "v2", "message_type": "Messenger 2.0 - Emergency"}
# On a Friday of the district, which is six hours behind.
NIGHT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)


@pytest.fixture
def at_night(settings: Settings) -> Iterator[time_machine.Traveller]:
    settings.TIME_ZONE = "America/Chicago"
    settings.VOICE_HOURS = (time(8), time(21))
    with time_machine.travel(NIGHT, tick=False) as clock:
        yield clock


@pytest.fixture
def reader(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    log_2 = [(Tool.SENT_MESSAGE_LOG_2, right) for right in Tool.SENT_MESSAGE_LOG_2.rights]
    return signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, *log_2, (Tool.SENT_MESSAGE_LOG_2, Right.READ)))


def shown_delays(client: Client, message: SentMessage) -> list[str]:
    name = "web:sent_message_log_2_message" if message.engine == "v2" else "web:admin_sent_message_log_message"
    answers = [
        client.get(reverse(name, args=[message.pk]), headers=headers) for headers in ({}, {"HX-Request": "true"})
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    page, fragment = (re.findall(r'<p class="held-up">(.*?)</p>', one.content.decode()) for one in answers)
    assert page == fragment
    return [unescape(sentence) for sentence in page]


@pytest.mark.slow
def test_a_message_that_goes_out_says_nothing(provider: Provider, due_message: Due, reader: Client) -> None:
    message = due_message(Mode.EMAIL)
    assert shown_delays(reader, message) == []
    dispatch_all()
    assert shown_delays(reader, message) == []


@pytest.mark.parametrize("kind", [{}, EMERGENCY], ids=["classic", "2.0"])
def test_a_mode_without_a_provider_says_so(
    due_message: Due, reader: Client, settings: Settings, kind: dict[str, str]
) -> None:
    settings.GATEWAYS = {}
    message = due_message(Mode.TEXT, **kind)
    start_due()
    assert shown_delays(reader, message) == ["Text: nothing is set up to send texts."]


@pytest.mark.slow
def test_what_is_not_due_or_not_sent_here_is_not_held_up(due_message: Due, reader: Client, settings: Settings) -> None:
    settings.GATEWAYS = {}
    tomorrow = timezone.now() + timedelta(days=1)
    for fields in ({"scheduled_at": tomorrow}, {"email_start_at": tomorrow}, {"dispatched_here": False}):
        assert shown_delays(reader, due_message(Mode.EMAIL, **fields)) == []


@pytest.mark.slow
def test_a_provider_that_asks_for_patience_is_quoted(
    provider: Provider, due_message: Due, reader: Client, at_night: time_machine.Traveller
) -> None:
    message = due_message(Mode.EMAIL)
    start_due()
    pause(Mode.EMAIL, after=timedelta(minutes=1), words="Mailgun asks for patience (429).")
    assert shown_delays(reader, message) == ["Email: paused until 10:31 PM. Mailgun asks for patience (429)."]
    at_night.shift(timedelta(minutes=2))
    assert shown_delays(reader, message) == []


@pytest.mark.slow
def test_calls_wait_for_the_morning_but_not_in_an_emergency(
    provider: Provider, due_message: Due, reader: Client, at_night: time_machine.Traveller
) -> None:
    message, emergency = due_message(Mode.VOICE), due_message(Mode.VOICE, **EMERGENCY)
    start_due()
    sentence = "Voice: waiting until 8:00 AM tomorrow, when calls are allowed."
    assert shown_delays(reader, message) == [sentence]
    send_due(Mode.VOICE)
    assert shown_delays(reader, message) == [sentence]
    assert shown_delays(reader, emergency) == []
    at_night.shift(timedelta(hours=2))
    assert shown_delays(reader, message) == ["Voice: waiting until 8:00 AM, when calls are allowed."]


@pytest.mark.slow
def test_who_is_tried_again_is_announced(
    provider: Provider,
    due_message: Due,
    reader: Client,
    monkeypatch: pytest.MonkeyPatch,
    at_night: time_machine.Traveller,
) -> None:
    at_night.shift(timedelta(hours=12))
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    message = due_message(Mode.VOICE, 1)
    dispatch_all()
    assert shown_delays(reader, message) == ["Voice: who was not reached is tried again from 10:45 AM on."]


def test_a_dispatcher_that_does_not_run_is_noticed(provider: Provider, due_message: Due, reader: Client) -> None:
    message = due_message(Mode.EMAIL, scheduled_at=timezone.now() - timedelta(minutes=3))
    assert shown_delays(reader, message) == ["Email: due, but the dispatcher has not begun with it."]


# System Health


@pytest.fixture
def status(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Callable[[], dict[str, list[str]]]:
    client = signed_in(make_user(Tool.MAILGUN_SYNC))

    def show() -> dict[str, list[str]]:
        """The cells of each mode, without the explanations."""
        text = client.get(reverse("web:system_health")).content.decode()
        body = text.partition('id="modes-heading"')[2].partition("<tbody>")[2]
        rows = re.findall(r"<tr.*?>(.*?)</tr>", body, re.DOTALL)
        cells = [
            [
                " ".join(re.sub(r"<[^>]+>", " ", cell).split())
                for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)
            ]
            for row in rows
        ]
        return {first: rest for first, *rest in cells}

    return show


@pytest.mark.slow
def test_it_shows_what_each_mode_has_to_do(
    provider: Provider, due_message: Due, settings: Settings, status: Callable[[], dict[str, list[str]]]
) -> None:
    settings.ITEMS_A_MINUTE = {"email": 1200}
    due_message(Mode.EMAIL, 7)
    ringing, doubtful = due_message(Mode.VOICE, 2), due_message(Mode.TEXT, 4)
    start_due()
    assert claim_next(Mode.EMAIL, batch=3)
    send_due(Mode.VOICE)
    OpenCall.objects.create(delivery=ringing.deliveries.first(), attempt=1, message=ringing, mode=Mode.VOICE)
    doubtful.deliveries.update(status="vendor_received", detail="Status unknown", code=None)

    shown = status()

    assert shown["Email"][1:3] == ["1,200 a minute", "4"]
    assert shown["Email"][4].startswith("1 the oldest since")
    assert shown["Voice"][1:] == ["no limit", "0", "0", "0", "1", "0"]
    assert shown["Text"][2:] == ["0", "0", "0", "0", "4"]


@pytest.mark.slow
def test_it_shows_what_holds_a_mode_up(
    provider: Provider,
    due_message: Due,
    settings: Settings,
    at_night: time_machine.Traveller,
    status: Callable[[], dict[str, list[str]]],
) -> None:
    settings.GATEWAYS = settings.GATEWAYS | {"text": None}
    pause(Mode.EMAIL, after=timedelta(minutes=5), words="Mailgun did not accept the API key (401).")

    shown = status()

    assert "Ready" in shown["Inbox"][0]
    assert "Paused" in shown["Email"][0]
    assert "Until 10:35 PM. Mailgun did not accept the API key (401)." in shown["Email"][0]
    assert "Calls are allowed again at 8:00 AM tomorrow" in shown["Voice"][0]
    assert "Not set up" in shown["Text"][0]
    assert "Nothing is set up to send texts." in shown["Text"][0]


A_WHILE = timedelta(minutes=2)


@pytest.mark.slow
@pytest.mark.parametrize("running", [False, True], ids=["not begun", "begun"])
def test_a_mode_that_nobody_hands_over_hangs(
    provider: Provider, due_message: Due, status: Callable[[], dict[str, list[str]]], running: bool
) -> None:
    due_message(Mode.INBOX, 2, scheduled_at=timezone.now() - A_WHILE)
    if running:
        start_due()
    shown = status()
    assert "Hangs" in shown["Inbox"][0]
    assert "Nothing has gone out for a minute, although it is due" in shown["Inbox"][0]
    assert "Ready" in shown["Email"][0]


@contextmanager
def nothing_can_be_claimed(code: str) -> Iterator[None]:
    """PostgreSQL answers to each claim with an error of this code."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_claim() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;"
            " CREATE TRIGGER refuse BEFORE INSERT ON dispatch_claim FOR EACH ROW EXECUTE FUNCTION refuse_claim()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON dispatch_claim; DROP FUNCTION refuse_claim()")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("53100", "The disk of the database is full."),
        ("53300", "The database cannot be reached right now."),
        ("23514", "Unexpected error (IntegrityError); the server's log has the details."),
    ],
    ids=["disk full", "no connection left", "a fault of this program"],
)
def test_a_mode_that_nobody_can_claim_says_why(
    provider: Provider, due_message: Due, status: Callable[[], dict[str, list[str]]], code: str, words: str
) -> None:
    due_message(Mode.INBOX, 2, scheduled_at=timezone.now() - A_WHILE)
    start_due()
    with nothing_can_be_claimed(code), pytest.raises(DatabaseError):
        hand_over_due(Mode.INBOX)

    shown = status()
    assert "Hangs" in shown["Inbox"][0]
    assert unescape(shown["Inbox"][0]).endswith(f"although it is due. {words}")

    hand_over_due(Mode.INBOX)
    assert "Ready" in status()["Inbox"][0]


def test_a_tick_that_fails_is_the_reason_for_every_mode(
    provider: Provider, due_message: Due, status: Callable[[], dict[str, list[str]]]
) -> None:
    for mode in (Mode.INBOX, Mode.TEXT):
        due_message(mode, 2, scheduled_at=timezone.now() - A_WHILE)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messenger_logs_sentmessage RENAME TO elsewhere")
    with pytest.raises(DatabaseError), transaction.atomic():
        tick()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO messenger_logs_sentmessage")

    shown = status()
    for mode in ("Inbox", "Text"):
        assert "Unexpected error (ProgrammingError)" in shown[mode][0]


@pytest.mark.slow
def test_a_mode_whose_provider_does_not_answer_hangs(
    provider: Provider, due_message: Due, status: Callable[[], dict[str, list[str]]]
) -> None:
    due_message(Mode.TEXT, 7)
    start_due()
    claim = claim_next(Mode.TEXT, batch=1)
    assert claim
    mark_handed(claim)
    assert "Ready" in status()["Text"][0]
    Claim.objects.update(claimed_at=timezone.now() - A_WHILE, handed_at=timezone.now() - A_WHILE)
    assert "No answer came to what was claimed at" in status()["Text"][0]
    assert claim_next(Mode.TEXT, batch=1)
    assert "Ready" in status()["Text"][0], "another process goes on"


@pytest.mark.slow
def test_results_of_calls_that_nobody_fetches_are_named(
    provider: Provider, due_message: Due, status: Callable[[], dict[str, list[str]]]
) -> None:
    message = due_message(Mode.VOICE, 1)
    late = timezone.now() - A_WHILE
    OpenCall.objects.create(
        delivery=message.deliveries.get(), attempt=1, message=message, mode=Mode.VOICE, poll_at=late
    )
    assert "Hangs" in status()["Voice"][0]
    assert "Results of calls come late" in status()["Voice"][0]


@pytest.mark.slow
def test_a_mode_that_rests_for_its_pace_does_not_hang(
    provider: Provider, due_message: Due, settings: Settings, status: Callable[[], dict[str, list[str]]]
) -> None:
    settings.ITEMS_A_MINUTE = {"email": 1}
    due_message(Mode.EMAIL, 7, scheduled_at=timezone.now() - A_WHILE)
    start_due()
    spend(Mode.EMAIL, 10)
    assert "Ready" in status()["Email"][0]


@pytest.mark.slow
def test_it_costs_the_same_number_of_queries_however_much_there_is(
    provider: Provider,
    due_message: Due,
    status: Callable[[], dict[str, list[str]]],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        for mode in Mode:
            due_message(mode, 2)
    start_due()
    while claim_next(Mode.EMAIL, batch=1):
        pass
    assert Claim.objects.count() == 10
    Pace.objects.create(mode=Mode.EMAIL)
    with django_assert_max_num_queries(50):
        status()
