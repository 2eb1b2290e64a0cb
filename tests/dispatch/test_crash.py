"""Workers killed at every step, and a provider that fails. The tests judge by what the provider received."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from dispatch.gateways import Answer, HandOff
from dispatch.models import Claim, InboxMessage, Pace
from dispatch.services import sending
from dispatch.services.claims import claim_next, mark_handed
from dispatch.services.recording import record_answer, record_answers
from dispatch.services.recovery import recover, release_stale
from dispatch.services.retry import retry_deliveries
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services import message_status
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.totals import recount
from messenger_logs.tasks import finish_cancels
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import database_url, dispatch_all, status_of, statuses
from tests.dispatch.stub import Provider, StubGateway, answers, hangs_up, in_the_database, voice_gateway
from tests.examples import pairs
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
STEPS = ["claiming", "claimed", "connected", "sent", "answered", "recorded"]


def run_worker_that_dies(mode: Mode, step: str) -> None:
    environment = os.environ | {"DATABASE_URL": database_url(), "DIE_AT": step}
    worker = [sys.executable, "-m", "tests.dispatch.worker", mode.value]
    process = subprocess.run(worker, cwd=django_settings.BASE_DIR, env=environment, capture_output=True, timeout=60)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def assert_whole(message: SentMessage) -> None:
    """Check that no claim is open, and that the totals equal a recount."""
    assert not Claim.objects.exclude(state="settled").exists()
    kept = totals_of(message)
    recount(message_id=message.pk)
    assert totals_of(message).modes == kept.modes


@pytest.mark.parametrize("step", STEPS)
def test_an_email_is_sent_once_whenever_its_worker_is_killed(provider: Provider, due_message: Due, step: str) -> None:
    message = due_message(Mode.EMAIL, 7)
    start_due()
    run_worker_that_dies(Mode.EMAIL, step)

    dispatch_all()

    assert provider.deliveries == set(Delivery.objects.values_list("pk", flat=True)), "nothing is lost"
    assert set(provider.attempts.values()) == {1}, "nothing is sent twice"
    assert statuses(message) == {"sent": 7}
    assert status_of(message) == "sent"
    assert_whole(message)


@pytest.mark.parametrize(("step", "mode"), pairs(STEPS, [Mode.VOICE, Mode.TEXT]))
def test_nobody_is_called_twice_whenever_a_worker_is_killed(
    provider: Provider, due_message: Due, mode: Mode, step: str
) -> None:
    message = due_message(mode, 7)
    start_due()
    run_worker_that_dies(mode, step)

    dispatch_all()

    in_doubt = set(
        Delivery.objects.filter(status="vendor_received", detail="Status unknown").values_list("pk", flat=True)
    )
    # From the request to the provider until its answer is recorded, nobody can know what it has.
    assert len(in_doubt) == (3 if step in {"connected", "sent", "answered"} else 0)
    assert provider.deliveries | in_doubt == set(Delivery.objects.values_list("pk", flat=True)), "nothing is lost"
    assert set(provider.attempts.values()) == {1}, "nobody is tried twice"
    assert totals_of(message).modes[mode].received == len(in_doubt), "counted so"
    assert status_of(message) == "sent"
    assert_whole(message)


def test_what_a_killed_worker_had_claimed_is_canceled_with_its_message(
    provider: Provider, due_message: Due, make_user
) -> None:
    message = due_message(Mode.EMAIL, 7)
    start_due()
    run_worker_that_dies(Mode.EMAIL, "claimed")
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    message.refresh_from_db()
    assert message.cancel_completed_at, "nothing had begun to leave, so nobody waits for the dead worker"
    assert statuses(message) == {"canceled": 7}

    recover()

    assert statuses(message) == {"canceled": 7}
    figures = cancel_figures(message.pk)
    assert (figures.never_started, figures.left) == (7, 0)
    assert not provider.received
    assert_whole(message)


def test_a_worker_that_dies_before_it_marks_what_it_gave_back_leaves_nothing_waiting(
    provider: Provider, due_message: Due, make_user, monkeypatch
) -> None:
    message = due_message(Mode.EMAIL, 7)
    start_due()
    by = make_user()

    class CanceledMeanwhile(StubGateway):
        async def hand_off(self, hand_off: HandOff) -> Answer:
            await in_the_database(cancel)
            return await super().hand_off(hand_off)

    def cancel() -> None:
        cancel_message(message_id=message.pk, by=by)
        complete_cancel(message_id=message.pk)

    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    provider.before.append(answers(429))
    with monkeypatch.context() as dying:
        dying.setattr("dispatch.services.recording.complete_cancel", _die)
        with pytest.raises(SystemExit):
            sending.hand_over(claim, CanceledMeanwhile(Mode.EMAIL))
    assert statuses(message) == {"canceled": 4, "waiting": 3}

    SentMessage.objects.update(cancel_asked_at=timezone.now() - timedelta(minutes=2))
    finish_cancels()

    assert statuses(message) == {"canceled": 7}
    message.refresh_from_db()
    assert message.cancel_completed_at
    assert message.dispatch_finished_at
    assert not provider.received
    assert_whole(message)


def _die(**named: object) -> None:
    raise SystemExit


def test_a_claim_that_cannot_be_settled_keeps_no_other_waiting(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    message = due_message(Mode.EMAIL, 6)
    start_due()
    first, other = (claim_next(Mode.EMAIL, batch=3) for _ in range(2))

    def fail_for_the_first(claim: Claim, *args, **named) -> bool:
        assert claim != first
        return record_answer(claim, *args, **named)

    monkeypatch.setattr("dispatch.services.recording.record_answer", fail_for_the_first)
    assert recover() == 1
    assert Claim.objects.get(state="settled") == other
    assert Counter(message.deliveries.values_list("claim", flat=True)) == {first.pk: 3, None: 3}


@pytest.mark.parametrize("mode", [Mode.EMAIL, Mode.VOICE])
@pytest.mark.parametrize(
    ("when", "fault", "taken"),
    [
        ("before", answers(429), False),
        ("before", answers(500), None),
        ("after", answers(500), None),
        ("before", hangs_up, None),
        ("after", hangs_up, None),
    ],
    ids=["429", "500, not taken", "500, taken", "no answer, not taken", "no answer, taken"],
)
def test_a_provider_that_fails_gets_nothing_twice(
    provider: Provider, due_message: Due, settings, monkeypatch, mode: Mode, when: str, fault, taken: bool | None
) -> None:
    monkeypatch.setattr("dispatch.services.sending.pause", lambda *args, **named: None)
    message = due_message(mode, 7)
    getattr(provider, when).append(fault)

    dispatch_all()

    in_doubt = set(Delivery.objects.filter(detail="Status unknown").values_list("pk", flat=True))
    assert set(provider.attempts.values()) == {1}
    assert provider.deliveries | in_doubt == set(Delivery.objects.values_list("pk", flat=True))
    assert len(in_doubt) == (3 if mode is Mode.VOICE and taken is None else 0)
    assert status_of(message) == "sent"
    assert_whole(message)


def test_an_answer_that_comes_after_the_claim_was_settled_still_counts(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 3)
    # While the worker waits for its answer, recovery treats the claim as stale.
    settled = threading.Event()
    provider.after.append(lambda request: settled.wait(PATIENCE))
    monkeypatch.setattr(StubGateway, "timeout", PATIENCE)

    def run() -> None:
        send_due(Mode.VOICE)
        connection.close()

    start_due()
    worker = threading.Thread(target=run)
    worker.start()
    wait_until(lambda: provider.deliveries)
    recover()
    assert statuses(message) == {"vendor_received": 3}
    settled.set()
    worker.join()

    assert statuses(message) == {"not_confirmed": 3}
    assert set(provider.attempts.values()) == {1}
    assert_whole(message)


def test_an_answer_that_comes_twice_counts_once(provider: Provider, due_message: Due, monkeypatch) -> None:
    monkeypatch.setattr(sending, "record_answers", lambda *args: (record_answers(*args), record_answers(*args)))
    message = due_message(Mode.VOICE, 3)

    dispatch_all()

    assert statuses(message) == {"not_confirmed": 3}
    assert totals_of(message).modes[Mode.VOICE].attempts == 3
    assert_whole(message)


def test_a_provider_that_cannot_be_reached_is_asked_again_later(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    message = due_message(Mode.EMAIL, 4)
    monkeypatch.setenv("STUB_PROVIDER", "http://127.0.0.1:1")

    assert dispatch_all() == 0
    assert statuses(message) == {"waiting": 4}
    monkeypatch.setenv("STUB_PROVIDER", provider.url)
    assert dispatch_all() == 0, "it waits as long as the provider was thought to need"

    Pace.objects.update(paused_until=None)
    assert dispatch_all() == 4
    assert statuses(message) == {"sent": 4}


def test_what_is_sent_again_while_the_last_report_comes_in_is_not_forgotten(
    provider: Provider, due_message: Due, make_user, monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 6)
    start_due()
    provider.after.append(hangs_up)
    doubtful = claim_next(Mode.VOICE, batch=3)
    assert doubtful
    sending.hand_over(doubtful, voice_gateway())
    recover()
    last = claim_next(Mode.VOICE, batch=3)
    assert last
    by = make_user()

    def press() -> None:
        retry_deliveries(message_id=message.pk, deliveries=doubtful.deliveries, by=by)
        connection.close()

    person = threading.Thread(target=press)

    class JustThen(dict[str, Any]):
        """The status is decided, and not written yet."""

        def __getitem__(self, status):
            if not person.ident:
                person.start()
                person.join(1)
            return super().__getitem__(status)

    monkeypatch.setattr(message_status, "_FOLLOWS", JustThen(message_status._FOLLOWS))
    sending.hand_over(last, voice_gateway())
    person.join()

    dispatch_all()

    assert set(provider.attempts.values()) == {1}
    assert len(provider.received) == 9, "three of them twice, as somebody wanted it"
    assert statuses(message) == {"not_confirmed": 6}
    assert status_of(message) == "sent"


def test_an_inbox_is_looked_up_and_filled_once(provider: Provider, due_message: Due, monkeypatch) -> None:
    def die(*args) -> None:
        raise SystemExit

    message = due_message(Mode.INBOX, 4, bodies={"inbox": "Hello {{student.firstName}}"})
    monkeypatch.setattr(sending, "record_answers", die)
    start_due()
    with pytest.raises(SystemExit):
        send_due(Mode.INBOX)
    monkeypatch.setattr(sending, "record_answers", record_answers)

    dispatch_all()

    assert statuses(message) == {"sent": 4}
    assert InboxMessage.objects.count() == 4


def test_a_slow_worker_leaves_alone_what_was_given_back(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.VOICE, 3)
    start_due()
    claim = claim_next(Mode.VOICE, batch=3)
    assert claim
    recover()
    assert statuses(message) == {"waiting": 3}

    assert sending.hand_over(claim, voice_gateway()) == 0

    assert not provider.received
    assert dispatch_all() == 3
    assert set(provider.attempts.values()) == {1}


def test_what_is_being_handed_over_is_not_given_back(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.VOICE, 3)
    start_due()
    claim = claim_next(Mode.VOICE, batch=3)
    assert claim
    assert mark_handed(claim)
    assert not release_stale(claim)
    assert statuses(message) == {"in_progress": 3}
