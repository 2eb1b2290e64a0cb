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
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Server = subprocess.Popen[bytes]
# A site in one process, which a kill ends at once.
SITE = """
import sys
from wsgiref.simple_server import make_server
from config.wsgi import application
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def serve(port: int) -> Iterator[Callable[[], Server]]:
    servers = []

    def start() -> Server:
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "MAILGUN_DOMAINS": "mg.harrison.example",
            "MAILGUN_WEBHOOK_SIGNING_KEY": KEY,
            "LOCK_SECONDS": "60",
        }
        server = subprocess.Popen([sys.executable, "-c", SITE, str(port)], cwd=settings.BASE_DIR, env=environment)
        servers.append(server)
        wait_until(lambda: _listens(port))
        return server

    yield start
    for server in servers:
        server.kill()
        server.wait()


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


def test_killed_at_each_step_it_is_told_again(serve: Callable[[], Server], port: int, sandbox: Sandbox) -> None:
    domain = SendingDomain.objects.create(name=sandbox.domain)
    delivery = make_delivery(make_recipient(make_message()), address="mai@example.com")
    recount(message_id=delivery.message_id)
    sandbox.webhooks.start(f"http://127.0.0.1:{port}{ADDRESS}", KEY)
    sandbox.webhooks.pace = 1 / 3600
    for number, lock in enumerate(STEPS.values()):
        _kill_at(lock, serve, sandbox, delivery)
        assert MailgunEvent.objects.count() == TakenWebhook.objects.count() == number
        server = serve()
        wait_until(lambda told=number + 1: MailgunEvent.objects.count() == told)
        _kill(server)
    assert TakenWebhook.objects.count() == len(STEPS)
    count = SourceCount.objects.get(domain=domain)
    assert (count.calls, count.events_new) == (len(STEPS), len(STEPS))
    assert Delivery.objects.get().email_outcome == "delivered"
    assert {call.status for call in sandbox.webhooks.calls} == {0, 200}


def _kill_at(lock: str, serve: Callable[[], Server], sandbox: Sandbox, delivery: Delivery) -> None:
    server = serve()
    Delivery.objects.update(email_outcome="", email_reason="")
    with holding(lock):
        variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
        sandbox.add(recipient=delivery.address, user_variables=variables)
        wait_until(waiting_for_a_lock)
        _kill(server)
    wait_until(lambda: not waiting_for_a_lock())


def _kill(server: Server) -> None:
    server.send_signal(signal.SIGKILL)
    server.wait(PATIENCE)
