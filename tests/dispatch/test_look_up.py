"""A hand-over of e-mail without an answer: what the ledger knows already is not asked for."""

from collections.abc import Callable

import pytest

from dispatch.models import Claim
from dispatch.services.claims import claim_next, mark_handed
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import status_of, statuses
from tests.dispatch.stub import Provider

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.fixture
def unanswered(provider: Provider, due_message: Due, settings) -> SentMessage:
    """An e-mail to three people without an answer, and a provider that nobody can ask."""
    message = due_message(Mode.EMAIL, 3)
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    assert mark_handed(claim)
    settings.GATEWAYS = settings.GATEWAYS | {"email": None}
    return message


@pytest.mark.parametrize("outcome", ["accepted", "delivered", "failed-permanent", "suppressed"])
def test_an_outcome_proves_that_the_provider_took_the_email(unanswered: SentMessage, outcome: str) -> None:
    unanswered.deliveries.update(email_outcome=outcome)
    assert recover() == 1
    assert statuses(unanswered) == {"sent": 3}
    assert set(unanswered.deliveries.values_list("email_outcome", "attempt_count")) == {(outcome, 1)}
    assert status_of(unanswered) == "sent"
    kept = totals_of(unanswered)
    recount(message_id=unanswered.pk)
    assert totals_of(unanswered).modes == kept.modes


def test_what_has_no_outcome_is_still_looked_up(unanswered: SentMessage, provider: Provider, settings) -> None:
    known = unanswered.deliveries.earliest("pk")
    unanswered.deliveries.filter(pk=known.pk).update(email_outcome="delivered")
    assert recover() == 0
    assert statuses(unanswered) == {"sent": 1, "in_progress": 2}
    assert len(Claim.objects.get().deliveries) == 2

    settings.GATEWAYS = settings.GATEWAYS | {"email": "tests.dispatch.stub.email_gateway"}
    assert recover() == 1
    assert statuses(unanswered) == {"sent": 1, "waiting": 2}, "the provider never got these"
