"""Cancels against workers: after a cancel has committed, nothing is handed over. The provider's record shows it."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import User
from dispatch.models import Claim
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.totals import recount
from messenger_logs.tasks import stop_the_rest
from messenger_logs.totals import totals_of
from tests.dispatch.stub import Provider, StubGateway
from tests.examples import often
from tests.queue import note_queued
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROUNDS, WORKERS, DEVICES = often(200, of=25), 4, 6


@contextmanager
def workers(count: int) -> Iterator[threading.Event]:
    """Run `count` workers, each with its own database session. They look for mail while the event is set."""
    awake, stop, failed = threading.Event(), threading.Event(), []

    def run() -> None:
        try:
            while awake.wait() and not stop.is_set():
                if not send_due(Mode.EMAIL):
                    time.sleep(0.005)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield awake
    finally:
        stop.set()
        awake.set()
        for thread in threads:
            thread.join()
    assert not failed


def handed(message: SentMessage) -> set[int]:
    """Return all deliveries that are not waiting any more and not canceled, as a new session sees them."""
    return set(
        Delivery.objects.filter(message=message)
        .exclude(status__in=["waiting", "canceled"])
        .values_list("pk", flat=True)
    )


def test_nothing_is_handed_over_after_a_cancel_in_random_interleavings(
    provider: Provider, due_message: Callable[..., SentMessage], make_user: Callable[..., User], monkeypatch
) -> None:
    chance = random.Random(4)
    monkeypatch.setattr(StubGateway, "batch", 1)
    note_queued(monkeypatch, stop_the_rest)
    by = make_user()
    in_the_middle = 0
    with workers(WORKERS) as awake:
        for number in range(ROUNDS):
            message = due_message(Mode.EMAIL, DEVICES)
            begun, before = chance.random() < 0.9, provider.requests
            if begun:
                start_due()
            awake.set()
            # Cancel at a random point: after `seen` requests to the provider, and then a moment later.
            seen = chance.randrange(DEVICES - 1) if begun else 0
            wait_until(lambda before=before, seen=seen: provider.requests - before >= seen, every=0.002)
            time.sleep(chance.random() * 0.005)

            answer = cancel_message(message_id=message.pk, by=by)
            left = handed(message)
            complete_cancel(message_id=message.pk)

            wait_until(lambda message=message: is_settled(message), every=0.002)
            awake.clear()
            message.refresh_from_db()
            if message.cancel_asked_at is None:
                assert message.status == "sent", "it was finished before the cancel"
                continue
            received = provider.deliveries & set(message.deliveries.values_list("pk", flat=True))
            canceled = set(message.deliveries.filter(status="canceled").values_list("pk", flat=True))
            assert received <= left, "what the provider got had been handed over when the cancel was committed"
            stopped = left - received  # it was marked, and its request had not begun
            assert not received & canceled
            figures = cancel_figures(message.pk)
            assert (figures.never_started, figures.left) == (len(canceled), len(received))
            assert figures.devices == DEVICES
            assert answer.figures.devices == DEVICES
            assert figures.never_started == answer.figures.never_started + len(stopped)
            assert figures.left == answer.figures.left - len(stopped)
            in_the_middle += 0 < figures.never_started < DEVICES
            if number % 10 == 0:
                assert_recount_changes_nothing(message)
    assert set(provider.attempts.values()) == {1}, "nobody got anything twice"
    assert in_the_middle > ROUNDS / 10, "the cancels came while the workers were at it"


def assert_recount_changes_nothing(message: SentMessage) -> None:
    kept = totals_of(message)
    recount(message_id=message.pk)
    assert totals_of(message).modes == kept.modes


def is_settled(message: SentMessage) -> bool:
    """Whether no worker has anything of it, and none is about to cancel what it has given back."""
    claims = Claim.objects.filter(message=message).exclude(state="settled")
    return not claims.exists() and not message.deliveries.filter(status="waiting").exists()
