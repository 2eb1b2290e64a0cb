"""A web server that is killed at each step of a webhook: Mailgun calls again, and no event is lost or doubled."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from mailgun_sync.models import MailgunEvent, SendingDomain, SourceCount, TakenWebhook
from messenger_logs.models import Delivery
from messenger_logs.services.totals import recount
from sandbox.server import Sandbox
from tests.mailgun_sync.test_crash import database_url, holding, waiting_for_a_lock
from tests.mailgun_sync.webhooks import ADDRESS, KEY
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# A site that serves in a child. When that is killed, another child serves: the program is loaded only once.
SITE = """
import os, sys
from wsgiref.simple_server import make_server
from config.wsgi import application
while True:
    child = os.fork()
    if not child:
        make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def serve(port: int) -> Iterator[Callable[[], int]]:
    """Wait for the next child. Returns its process id."""
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "MAILGUN_DOMAINS": "mg.harrison.example",
        "MAILGUN_WEBHOOK_SIGNING_KEY": KEY,
        "LOCK_SECONDS": "60",
    }
    site = subprocess.Popen(
        [sys.executable, "-c", SITE, str(port)],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lines = site.stdout
    assert lines

    def next_child() -> int:
        child = int(lines.readline())
        wait_until(lambda: _listens(port))
        return child

    yield next_child
    os.killpg(site.pid, signal.SIGKILL)
    site.communicate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# What another session holds, so that the call stops just before that step.
STEPS = {
    "before the token": "LOCK TABLE mailgun_sync_takenwebhook IN SHARE MODE",
    "before the event": "LOCK TABLE mailgun_sync_mailgunevent IN SHARE MODE",
    "before the outcome": "SELECT FROM messenger_logs_messagetotals FOR UPDATE",
    "before the commit": "LOCK TABLE mailgun_sync_sourcecount IN SHARE MODE",
}


def test_killed_at_each_step_it_is_told_again(serve: Callable[[], int], port: int, sandbox: Sandbox) -> None:
    domain = SendingDomain.objects.create(name=sandbox.domain)
    delivery = make_delivery(make_recipient(make_message()), address="mai@example.com")
    recount(message_id=delivery.message_id)
    sandbox.webhooks.start(f"http://127.0.0.1:{port}{ADDRESS}", KEY)
    sandbox.webhooks.pace = 1 / 3600
    child = serve()
    for number, lock in enumerate(STEPS.values()):
        _kill_at(lock, child, sandbox, delivery)
        assert MailgunEvent.objects.count() == TakenWebhook.objects.count() == number
        child = serve()
        wait_until(lambda told=number + 1: MailgunEvent.objects.count() == told)
    assert TakenWebhook.objects.count() == len(STEPS)
    count = SourceCount.objects.get(domain=domain)
    assert (count.calls, count.events_new) == (len(STEPS), len(STEPS))
    assert Delivery.objects.get().email_outcome == "delivered"
    assert {call.status for call in sandbox.webhooks.calls} == {0, 200}


def _kill_at(lock: str, child: int, sandbox: Sandbox, delivery: Delivery) -> None:
    Delivery.objects.update(email_outcome="", email_reason="")
    with holding(lock):
        variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
        sandbox.add(recipient=delivery.address, user_variables=variables)
        wait_until(waiting_for_a_lock)
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: not waiting_for_a_lock())
