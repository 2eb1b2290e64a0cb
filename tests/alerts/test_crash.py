"""A process that is killed while it sends: nothing comes twice, and what may have been sent says so."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from alerts.models import AlertDelivery
from alerts.services import sending
from tests.alerts.conftest import Clock, make_channel, trouble
from tests.alerts.stand_ins import Webhook
from tests.mailgun_sync.test_crash import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# The program is loaded once. For each place where it dies, a child of its own sends, and kills itself there.
SENDER = """
import os, signal, sys, time
import django
django.setup()
from alerts.services import sending

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

send = sending.send
for place in ("in the claim", "before", "after"):
    child = os.fork()
    if not child:
        if place == "in the claim":
            sending.F = die
        elif place == "before":
            sending.send = die
        else:
            sending.send = lambda *arguments: die(send(*arguments))
        sending.send_due(channel_id=int(sys.argv[1]), until=time.monotonic() + 30)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(place, os.WTERMSIG(status), flush=True)
    sys.stdin.readline()
"""


def test_a_sender_that_is_killed_leaves_nothing_lost_or_doubled(webhook: Webhook) -> None:
    channel, clock = make_channel(url=webhook.url), Clock()
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ALERT_PRIVATE_WEBHOOKS": "true",
    }
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", SENDER, str(channel.pk)]
    clock.look(trouble("a"))
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, **pipes) as sender:
        seen = []
        for _ in range(3):
            place, _, died = sender.stdout.readline().strip().rpartition(" ")
            assert int(died) == signal.SIGKILL
            seen.append((place, list(AlertDelivery.objects.order_by("pk").values_list("state", flat=True))))
            # The next child has something of its own to send.
            clock.look(*map(trouble, "abc"[: len(seen) + 1]))
            sender.stdin.write("\n")
            sender.stdin.flush()
    assert seen == [
        ("in the claim", ["waiting"]),
        # The first one was claimed, and so was the one that fired since.
        ("before", ["sending", "sending"]),
        ("after", ["sending", "sending", "sending"]),
    ]
    told = [notice["key"] for got in webhook.received for notice in got["notices"]]
    assert told == ["c"]

    sending.settle_old(now=timezone.now() + sending.SILENT_AFTER - timedelta(seconds=30))
    assert not AlertDelivery.objects.filter(state="in_doubt").exists(), "it may be at work still"
    sending.settle_old(now=timezone.now() + sending.SILENT_AFTER)
    assert set(AlertDelivery.objects.values_list("state", flat=True)) == {"in_doubt"}
    assert "ended before" in AlertDelivery.objects.first().error
    assert sending.send_due(channel_id=channel.pk, until=time.monotonic() + 30) == 0
    assert len(webhook.received) == 1, "nothing is repeated"


def test_two_senders_do_not_send_the_same(webhook: Webhook) -> None:
    """One sender is inside its request when another one comes."""
    channel, clock = make_channel(url=webhook.url), Clock()
    clock.look(trouble("a"))
    begun = sending.send
    came = []

    def send(*arguments):
        came.append(sending.send_due(channel_id=channel.pk, until=time.monotonic() + 30))
        return begun(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "send", send)
        assert sending.send_due(channel_id=channel.pk, until=time.monotonic() + 30) == 1
    assert (came, len(webhook.received)) == ([0], 1)
