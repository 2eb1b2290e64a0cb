"""A row that another transaction has locked is not handed over: a cancel would not see that it left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from dispatch.gateways import gateway_for
from dispatch.models import Claim
from dispatch.services import sending
from dispatch.services.claims import claim_next, mark_handed
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Redial, SentMessage
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.stub import Provider, StubGateway
from tests.wait import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

Due = Callable[..., SentMessage]


def hand_over_while_locked(claim: Claim, locked: list[int], monkeypatch: pytest.MonkeyPatch) -> int:
    """Hand a claim over in a session of its own. This session holds locks of deliveries until they are marked."""
    marked = Event()

    def mark(claim: Claim) -> set[int]:
        try:
            return mark_handed(claim)
        finally:
            marked.set()

    def work() -> int:
        try:
            gateway = gateway_for(Mode(claim.mode))
            assert gateway
            return hand_over(claim, gateway)
        finally:
            connection.close()

    monkeypatch.setattr(sending, "mark_handed", mark)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Delivery.objects.filter(pk__in=locked).select_for_update(no_key=True))
            at_work = pool.submit(work)
            assert marked.wait(PATIENCE)
        return at_work.result()


@pytest.mark.slow
@pytest.mark.parametrize("locked", [1, 3], ids=["one of them", "all of them"])
def test_a_delivery_that_somebody_has_locked_waits_for_its_next_turn(
    provider: Provider, due_message: Due, locked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = due_message(Mode.EMAIL, 3)
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    held = claim.deliveries[:locked]

    assert hand_over_while_locked(claim, held, monkeypatch) == 3 - locked
    assert provider.deliveries == set(claim.deliveries) - set(held)
    assert statuses(message).get("waiting", 0) == locked
    claim.refresh_from_db()
    assert claim.state == "settled"

    assert dispatch_all(Mode.EMAIL) == locked
    assert statuses(message) == {"sent": 3}
    assert set(provider.attempts.values()) == {1}


@pytest.mark.slow
def test_a_redial_is_handed_over_although_its_delivery_does_not_wait(
    provider: Provider, due_message: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    Redial.objects.update(due_at=message.scheduled_at)
    assert dispatch_all(Mode.VOICE) == 2
    assert provider.requests == 2
    assert set(provider.attempts.values()) == {1}
    assert len(provider.attempts) == 4
