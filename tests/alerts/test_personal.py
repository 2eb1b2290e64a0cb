"""Nothing personal is in any alert, whatever is wrong: a district of marked names in which everything goes wrong."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from alerts.models import Alert, AlertDelivery
from alerts.services import sending
from alerts.services.looking import look
from health.models import Heartbeat
from health.services.heartbeats import BEAT
from health.troubles import all_troubles
from mailgun_sync.choices import RunKind, RunOutcome
from mailgun_sync.models import SendingDomain, SyncGap, SyncRun
from messenger_logs.choices import DeliveryStatus, MessageStatus, MessageType
from messenger_logs.models import MessageModeTotals, MessageTotals
from tests.alerts.conftest import make_channel
from tests.alerts.stand_ins import Webhook
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MARK = "zzmarkzz"
# What has to be wrong, so that the test looks at it.
KEYS = ["dispatch.", "dispatch.in_doubt.", "health.", "messages.emergency.", "messages.failures.", "sync."]


@pytest.fixture
def troubled(settings) -> None:
    """A district in which each sort of trouble is there, and whose every text has the mark."""
    settings.MAILGUN_DOMAINS = ["mg.example.org"]
    long_ago = timezone.now() - timedelta(hours=4)
    texts = {"subject": MARK, "sender_name": MARK, "bodies": {"text": MARK}}
    running = {"status": MessageStatus.IN_PROGRESS, "dispatched_here": True, "scheduled_at": long_ago, **texts}
    emergency = make_message(engine="v2", message_type=MessageType.EMERGENCY, **running)
    person = make_recipient(emergency, name=MARK, student_name=MARK)
    make_delivery(person, mode="text", status="waiting", address="+16125550143")
    make_delivery(
        person, mode="voice", status=DeliveryStatus.VENDOR_RECEIVED, detail="Status unknown", address="+16125550143"
    )
    failing = make_message(**running | {"status": MessageStatus.SENT})
    totals, _ = MessageTotals.objects.get_or_create(message=failing)
    counts = {"devices": 100, "error": 90, "pending": 0}
    MessageModeTotals.objects.update_or_create(totals=totals, mode="email", defaults=counts)
    domain = SendingDomain.objects.create(name="mg.example.org", settled_through=long_ago, last_error=MARK)
    for minutes in (60, 30):
        at = timezone.now() - timedelta(minutes=minutes)
        run = {"outcome": RunOutcome.FAILED, "kind": RunKind.SYNC, "started_at": at, "error": MARK}
        SyncRun.objects.create(domain=domain, **run)
    SyncGap.objects.create(domain=domain, begin=long_ago, end=long_ago + timedelta(hours=1))
    Heartbeat.objects.update_or_create(part=BEAT, defaults={"beaten_at": long_ago})


def test_nothing_that_is_sent_or_stored_has_the_mark(troubled: None, webhook: Webhook, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    hooks = [make_channel(url=webhook.url, format=each) for each in ("slack", "teams", "json")]
    channels = [make_channel(remind_hours=1), *hooks]
    now = timezone.now()
    for later, troubles in ((0, all_troubles), (3700, all_troubles), (3800, lambda _: []), (3900, lambda _: [])):
        assert look(now=now + timedelta(seconds=later), troubles=troubles)
        for channel in channels:
            sending.send_due(channel_id=channel.pk, until=time.monotonic() + 30)
    found = list(Alert.objects.values_list("key", flat=True))
    assert [part for part in KEYS if not any(key.startswith(part) for key in found)] == [], found
    assert set(AlertDelivery.objects.values_list("kind", flat=True)) == {"fired", "reminder", "cleared"}
    sent = json.dumps([webhook.received, [str(each.message()) for each in mail.outbox]])
    stored = json.dumps([list(Alert.objects.values()), list(AlertDelivery.objects.values())], default=str)
    for everything in (sent, stored):
        assert len(everything) > 2_000
        assert MARK not in everything
        assert "6125550143" not in everything
