"""A worker stalls between its claim and its hand-over, and the message is canceled meanwhile: nothing leaves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from dispatch.gateways import gateway_for
from dispatch.models import Claim, InboxMessage, Pace
from dispatch.services.claims import claim_next, lock_running
from dispatch.services.scheduling import restrict_calls, start_due
from dispatch.services.sending import hand_over
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import Redial, SentMessage, TextConsent
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.stub import Provider, StubGateway

Due = Callable[..., SentMessage]
MakeUser = Callable[..., User]


def claimed(mode: Mode, batch: int = 1000) -> Claim:
    claim = claim_next(mode, batch=batch)
    assert claim
    return claim


def hand(claim: Claim) -> int:
    gateway = gateway_for(Mode(claim.mode))
    assert gateway
    return hand_over(claim, gateway)


@pytest.mark.django_db
@pytest.mark.parametrize("marked", [False, True], ids=["rows not marked yet", "rows marked"])
@pytest.mark.parametrize("mode", list(Mode))
def test_what_was_claimed_before_a_cancel_does_not_leave_after_it(
    provider: Provider, due_message: Due, make_user: MakeUser, mode: Mode, marked: bool
) -> None:
    message = due_message(mode, 9)
    start_due()
    claim = claimed(mode, batch=5)

    answer = cancel_message(message_id=message.pk, by=make_user())
    assert answer.figures.by_name == {"left": 0, "hung_up": 0, "never_started": 9, "not_tried": 0}
    if marked:
        complete_cancel(message_id=message.pk)
    assert hand(claim) == 0
    complete_cancel(message_id=message.pk)

    assert not provider.requests
    assert not InboxMessage.objects.exists()
    assert statuses(message) == {"canceled": 9}
    assert cancel_figures(message.pk).by_name == answer.figures.by_name
    claim.refresh_from_db()
    assert claim.state == "settled"
    message.refresh_from_db()
    assert message.cancel_completed_at
    kept = totals_of(message)
    recount(message_id=message.pk)
    assert totals_of(message).modes == kept.modes


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_handed_over_before_a_cancel_counts_as_left(
    provider: Provider, due_message: Due, make_user: MakeUser
) -> None:
    message = due_message(Mode.EMAIL, 9)
    start_due()
    first, second = claimed(Mode.EMAIL, batch=3), claimed(Mode.EMAIL, batch=3)
    assert hand(first) == 3
    answer = cancel_message(message_id=message.pk, by=make_user())
    assert hand(second) == 0
    complete_cancel(message_id=message.pk)
    assert statuses(message) == {"sent": 3, "canceled": 6}
    assert (answer.figures.left, answer.figures.never_started) == (3, 6)
    assert cancel_figures(message.pk).by_name == answer.figures.by_name


@pytest.mark.slow
@pytest.mark.django_db
def test_a_redial_in_hand_is_not_made_after_a_cancel(
    provider: Provider, due_message: Due, make_user: MakeUser, monkeypatch
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    Redial.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    claim = claimed(Mode.VOICE)
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    message.refresh_from_db()
    assert message.cancel_completed_at, "nothing is under way"
    assert not Redial.objects.exists()
    assert hand(claim) == 0

    assert set(provider.attempts.values()) == {1}
    assert statuses(message) == {"busy": 2}
    claim.refresh_from_db()
    assert claim.state == "settled"


@pytest.mark.django_db
def test_a_number_that_opts_out_after_a_cancel_was_never_started(
    provider: Provider, due_message: Due, make_user: MakeUser
) -> None:
    message = due_message(Mode.TEXT, 3)
    start_due()
    claim = claimed(Mode.TEXT)
    answer = cancel_message(message_id=message.pk, by=make_user())
    number = message.deliveries.earliest("pk").address
    TextConsent.objects.create(number=number, opted_out=True, said_at=timezone.now())
    hand(claim)
    complete_cancel(message_id=message.pk)
    assert statuses(message) == {"canceled": 3}
    assert cancel_figures(message.pk).by_name == answer.figures.by_name


@pytest.mark.slow
@pytest.mark.django_db
def test_a_claim_that_may_not_leave_costs_the_mode_nothing_of_its_pace(
    provider: Provider, due_message: Due, make_user: MakeUser, settings
) -> None:
    settings.ITEMS_A_MINUTE = {"email": 60}
    message = due_message(Mode.EMAIL, 500)
    start_due()
    claim = claimed(Mode.EMAIL)
    cancel_message(message_id=message.pk, by=make_user())
    hand(claim)
    assert Pace.objects.get(mode="email").room == pytest.approx(10, abs=1)


@pytest.mark.django_db
def test_a_claimed_call_is_not_marked_as_restricted(
    provider: Provider, due_message: Due, hours: None, clock, settings
) -> None:
    message = due_message(Mode.VOICE, 3)
    start_due()
    claim = claimed(Mode.VOICE, batch=2)
    clock.shift(timedelta(hours=5))
    restrict_calls()
    assert statuses(message) == {"waiting": 2, "restricted": 1}
    assert hand(claim) == 2
    assert statuses(message) == {"not_confirmed": 2, "restricted": 1}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_cancel_waits_for_a_hand_over_that_begins_and_counts_it(
    provider: Provider, due_message: Due, make_user: MakeUser
) -> None:
    message, by = due_message(Mode.EMAIL, 6), make_user()
    start_due()
    claim = claimed(Mode.EMAIL, batch=3)

    def cancel() -> int:
        try:
            return cancel_message(message_id=message.pk, by=by).figures.left
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert lock_running(message.pk)
            answer = pool.submit(cancel)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.3)
            # As mark_handed does, in the same transaction.
            message.deliveries.filter(claim=claim.pk).update(status="in_progress", claim=None)
        assert answer.result(timeout=10) == 3
