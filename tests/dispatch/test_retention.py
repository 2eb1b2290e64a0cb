from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from dispatch.models import Claim
from dispatch.services.claims import claim_next
from dispatch.services.retention import delete_expired
from dispatch.services.scheduling import start_due
from messenger_logs.choices import Mode
from messenger_logs.models import DeviceAttempt, SentMessage
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.stub import Provider

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.mark.slow
def test_settled_claims_go_after_their_time_and_the_ledger_stays(
    provider: Provider, due_message: Due, settings: Settings
) -> None:
    settings.CLAIM_RETENTION_DAYS = 7
    message = due_message(Mode.EMAIL, 12)
    dispatch_all()
    Claim.objects.filter(pk__in=Claim.objects.values_list("pk", flat=True)[:3]).update(
        settled_at=timezone.now() - timedelta(days=7, minutes=1)
    )

    assert delete_expired(batch=2) == 3

    assert Claim.objects.count() == 1
    assert statuses(message) == {"sent": 12}
    assert DeviceAttempt.objects.count() == 12


def test_a_claim_that_is_open_stays_however_old_it_is(provider: Provider, due_message: Due) -> None:
    due_message(Mode.EMAIL, 3)
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    assert delete_expired(now=timezone.now() + timedelta(days=9999)) == 0
    assert Claim.objects.get() == claim
