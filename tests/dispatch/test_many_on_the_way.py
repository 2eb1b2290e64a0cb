"""Many requests on the way: cancels, emergencies, kills, and a provider that has too much to do or answers slowly."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from dispatch.choices import ModeState
from dispatch.gateways import Answer, BusyError, HandOff
from dispatch.models import Claim, Pace
from dispatch.services import sending
from dispatch.services.claims import mark_handed
from dispatch.services.rate_limit import at_once, slow_down, spend, take
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from dispatch.status import mode_statuses
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.tasks import stop_the_rest
from sandbox.server import Sandbox
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.stub import Provider, Request, StubGateway
from tests.dispatch.test_crash import assert_whole, run_worker_that_dies
from tests.examples import often
from tests.queue import note_queued
from tests.wait import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Due = Callable[..., SentMessage]
AT_ONCE = 4


@pytest.fixture
def many(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The stub takes one item in a request, and several requests at a time."""
    monkeypatch.setattr(StubGateway, "batch", 1)
    monkeypatch.setattr(StubGateway, "at_once", AT_ONCE)
    return provider


@contextmanager
def worker(mode: Mode) -> Iterator[threading.Thread]:
    """Hand over what is due, in a session of its own."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            send_due(mode)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join()
    assert not failed


@pytest.mark.slow
def test_no_request_begins_after_a_cancel_has_committed(
    many: Provider, due_message: Due, make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, by = random.Random(13), make_user()
    note_queued(monkeypatch, stop_the_rest)
    began: dict[int, float] = {}
    held = threading.Event()
    begin = HandOff.begin_request

    async def note(hand_off: HandOff) -> None:
        await begin(hand_off)
        began[hand_off.items[0].delivery_id] = time.time()

    def mark_and_wait(claim: Claim) -> set[int]:
        marked = mark_handed(claim)
        if held.is_set():
            time.sleep(chance.random() * 0.1)  # a worker that is held when nothing has left yet
        return marked

    monkeypatch.setattr(HandOff, "begin_request", note)
    monkeypatch.setattr(sending, "mark_handed", mark_and_wait)
    in_the_middle = refused = 0
    for _ in range(often(150, of=6)):
        message = due_message(Mode.TEXT, 10)
        start_due()
        (held.set if chance.random() < 0.5 else held.clear)()
        with worker(Mode.TEXT), worker(Mode.TEXT):
            seen = chance.randrange(6)
            before = many.requests
            wait_until(lambda before=before, seen=seen: many.requests - before >= seen, every=0.001)
            with transaction.atomic():
                answer = cancel_message(message_id=message.pk, by=by)
                canceled_at = database_clock()
            complete_cancel(message_id=message.pk)
        rows = set(message.deliveries.values_list("pk", flat=True))
        left = {item["delivery"]: item["at"] for item in many.received if item["delivery"] in rows}
        assert all(began[pk] <= canceled_at for pk in left), "by the clock of the database"
        # Its thread may have to wait for the processor.
        assert all(at <= canceled_at + 1 for at in left.values()), "by the provider's clock"
        figures = cancel_figures(message.pk)
        assert figures.devices == 10
        assert (figures.left, figures.never_started) == (len(left), 10 - len(left))
        assert message.deliveries.filter(status="canceled").count() == 10 - len(left)
        in_the_middle += 0 < len(left) < 10
        refused += answer.figures.left - figures.left
        assert_whole(message)
    assert set(many.attempts.values()) == {1}
    assert in_the_middle


def database_clock() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def slow(request: Request) -> None:
    time.sleep(0.05)


@pytest.mark.slow
def test_an_emergency_overtakes_a_message_that_is_going_out(many: Provider, due_message: Due) -> None:
    many.after = [slow] * 100
    due_message(Mode.TEXT, 40)
    start_due()
    with worker(Mode.TEXT):
        wait_until(lambda: many.requests > AT_ONCE)
        emergency = due_message(Mode.TEXT, 6, message_type="Messenger 2.0 - Emergency", engine="v2")
        start_due()
        before = many.requests
    urgent = set(emergency.deliveries.values_list("pk", flat=True))
    places = [place for place, item in enumerate(many.received) if item["delivery"] in urgent]
    assert len(places) == 6
    assert places[0] <= before + 2 * AT_ONCE, "only what was claimed already went out before it"
    assert places[-1] < len(many.received) - AT_ONCE, "the other message waited"
    assert set(many.attempts.values()) == {1}


@pytest.mark.slow
def test_a_killed_worker_leaves_no_more_in_doubt_than_was_on_the_way(
    many: Provider, due_message: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BATCH", "1")
    monkeypatch.setenv("STUB_AT_ONCE", str(AT_ONCE))
    message = due_message(Mode.TEXT, 12)
    start_due()
    run_worker_that_dies(Mode.TEXT, "sent")
    dispatch_all(Mode.TEXT)
    doubtful = message.deliveries.filter(status="vendor_received", detail="Status unknown")
    assert 1 <= doubtful.count() <= AT_ONCE
    everybody = set(message.deliveries.values_list("pk", flat=True))
    assert many.deliveries | set(doubtful.values_list("pk", flat=True)) == everybody
    assert set(many.attempts.values()) == {1}
    assert_whole(message)


@pytest.mark.slow
def test_a_provider_that_asks_for_patience_gets_fewer_requests_and_later_all_again(
    many: Provider, due_message: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = iter([True])

    class Busy(StubGateway):
        async def hand_off(self, hand_off: HandOff) -> Answer:
            if next(asks, False):
                raise BusyError("The stub asks for patience (429).", timedelta(0), status=429, asked=False)
            return await super().hand_off(hand_off)

    monkeypatch.setattr("tests.dispatch.stub.text_gateway", lambda: Busy(Mode.TEXT))
    message = due_message(Mode.TEXT, AT_ONCE)
    start_due()
    send_due(Mode.TEXT)
    assert statuses(message) == {"sent": AT_ONCE - 1, "waiting": 1}, "what was refused waits"
    assert at_once(Mode.TEXT, AT_ONCE) == AT_ONCE // 2
    status = next(one for one in mode_statuses(timezone.now()) if one.mode is Mode.TEXT)
    assert status.state is ModeState.SLOWED
    assert "The provider answers with 429." in status.reason
    assert "2 of 4 requests" in status.reason

    send_due(Mode.TEXT)
    assert statuses(message) == {"sent": AT_ONCE}
    Pace.objects.update(slowed_at=timezone.now() - timedelta(minutes=3))
    status = next(one for one in mode_statuses(timezone.now()) if one.mode is Mode.TEXT)
    assert status.state is ModeState.WORKS


@pytest.mark.slow
def test_the_requests_on_the_way_are_halved_once_for_all_of_them_and_grow_with_time(clock) -> None:
    def busy(began: datetime) -> bool:
        return slow_down(Mode.TEXT, most=128, words="Busy.", since=began)

    began = timezone.now()
    clock.shift(timedelta(seconds=1))
    assert at_once(Mode.TEXT, 128) == 128
    assert [busy(began) for _ in range(3)] == [True] * 3
    assert at_once(Mode.TEXT, 128) == 64
    for _ in range(6):
        clock.shift(timedelta(milliseconds=100))
        assert busy(timezone.now())
    assert at_once(Mode.TEXT, 128) == 1
    assert not busy(timezone.now()), "now only a pause helps"
    grown = []
    for _ in range(4):
        clock.shift(timedelta(seconds=30))
        grown.append(at_once(Mode.TEXT, 128))
    assert grown == [33, 65, 97, 128]
    clock.shift(timedelta(days=-1))
    assert at_once(Mode.TEXT, 128) == 128, "a clock that was put back slows nothing down"


@pytest.mark.slow
def test_no_more_is_taken_from_the_pace_than_there_is(settings) -> None:
    settings.ITEMS_A_MINUTE = {"text": 60, "email": 60}
    assert take(Mode.VOICE, 100, batch=1) == 100, "there is no limit"
    began = time.monotonic()
    taken = [take(Mode.TEXT, 7, batch=1) for _ in range(3)]
    assert taken[:1] == [7]
    assert 10 <= sum(taken) <= 11 + time.monotonic() - began
    assert [take(Mode.EMAIL, 1000, batch=1000) for _ in range(2)] == [1000, 0], "a batch may go as a whole"
    spend(Mode.TEXT, -5)
    assert take(Mode.TEXT, 5, batch=1) == 5


@pytest.mark.slow
def test_an_answer_that_drips_costs_its_own_request_and_no_other(sandbox: Sandbox, due_message: Due, settings) -> None:
    settings.GATEWAYS = {"text": "dispatch.gateways.voxology.text_gateway"}
    settings.VOXOLOGY_API_BASE, settings.VOXOLOGY_API_KEY = f"{sandbox.url}/v1", sandbox.api_key
    settings.VOXOLOGY_TEXT_NUMBER = "+16125550100"
    settings.DISPATCH_CONCURRENCY, settings.PROVIDER_TIMEOUT_SECONDS = 2, 5
    settings.STALE_CLAIM_SECONDS = 0
    sandbox.fail("drip", path="/Messages", seconds=0.5)
    message = due_message(Mode.TEXT, 12)
    start_due()
    handed = send_due(Mode.TEXT, until=time.monotonic() + 1)
    assert handed > 2, "the turn used the time in which it waited for the slow answer"
    assert statuses(message)["in_progress"] == 1
    handed += send_due(Mode.TEXT)
    assert handed == 11
    recover()
    assert message.deliveries.filter(detail="Status unknown", code=None).count() == 1, "it is in doubt, and no other"
