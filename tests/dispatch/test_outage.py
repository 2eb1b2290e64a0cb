"""Beat and the broker are away for an hour: nothing is lost, and everything due goes out once when they return.

The tests kill a real worker, a real beat and their own broker, and judge by what the provider received. They do not
wait for the hour: they move the due time of the messages an hour back.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db.models import Max
from django.utils import timezone

from config.celery import app
from devtools.engines import WHEELS, find_valkey
from devtools.processes import spawn, tail
from dispatch.models import Claim
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from tests.dispatch.conftest import database_url, statuses
from tests.dispatch.stub import URL, Provider, Request
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
# More than two workers can hand over in the second that their tasks go on without a broker.
MANY, SECONDS_A_REQUEST = 150, 0.1


class Broker:
    """A Valkey for this test alone. It keeps its data as in production."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "appendonly": "yes", "save": ""}
        command = [find_valkey(WHEELS), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self.process = spawn(command, log=self.folder / "valkey.log")
        wait_until(self.answers)

    def answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        return False

    def kill(self) -> None:
        kill(self.process)
        assert not self.answers()

    def forget(self) -> None:
        shutil.rmtree(self.folder / "appendonlydir")


class Celery:
    """A worker and a beat, as in production."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.dispatch.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": broker.url,
            "DISPATCH_SECONDS": "1",
            "VOICE_HOURS": "00:00-23:59",
        }
        self.processes = [self.run("worker", "--concurrency=2")]
        self.start_beat()

    def run(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "celery", "--app=config", *arguments, "--loglevel=info"]
        return spawn(command, log=self.folder / f"{arguments[0]}.log", env=self.environment)

    def start_beat(self) -> None:
        self.beat = self.run("beat", f"--schedule={self.folder / 'schedule'}", "--pidfile=")
        self.processes.append(self.beat)

    def logs(self) -> str:
        logs = "\n".join(tail(self.folder / f"{name}.log", 30) for name in ("worker", "beat"))
        return "\n".join(line[:300] for line in logs.splitlines())


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a path that is short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="outage-", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def broker(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder)
    yield broker
    kill(broker.process)


@pytest.fixture
def celery(folder: Path, broker: Broker, provider: Provider) -> Iterator[Celery]:
    assert os.environ[URL] == provider.url
    celery = Celery(folder, broker)
    yield celery
    print(celery.logs())  # where the test failed, pytest shows it
    for process in celery.processes:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all its children with SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def become_due(*messages: SentMessage) -> None:
    """Move the due time of messages to an hour ago."""
    then = timezone.now() - timedelta(hours=1)
    SentMessage.objects.filter(pk__in=[message.pk for message in messages]).update(scheduled_at=then)


def finished() -> bool:
    open_claims = Claim.objects.exclude(state="settled")
    return not (SentMessage.objects.filter(dispatch_finished_at=None).exists() or open_claims.exists())


def assert_each_went_out_once(provider: Provider) -> None:
    carried = Delivery.objects.exclude(mode=Mode.INBOX)
    assert provider.deliveries == set(carried.values_list("pk", flat=True)), "nothing is lost"
    assert set(provider.attempts.values()) == {1}, "nothing goes out twice"
    assert set(SentMessage.objects.values_list("status", flat=True)) == {"sent"}
    assert set(Delivery.objects.values_list("outcome", flat=True)) == {"success"}
    assert Delivery.objects.aggregate(most=Max("attempt_count"))["most"] == 1


@pytest.fixture
def later(due_message: Due) -> list[SentMessage]:
    """Make a message of each mode that is due later."""
    tomorrow = timezone.now() + timedelta(days=1)
    return [due_message(mode, 7, scheduled_at=tomorrow) for mode in Mode]


def test_what_becomes_due_without_beat_goes_out_once_when_it_returns(
    provider: Provider, due_message: Due, later: list[SentMessage], celery: Celery
) -> None:
    first = due_message(Mode.TEXT, 4)
    wait_until(lambda: statuses(first) == {"sent": 4})

    kill(celery.beat)
    become_due(*later)
    celery.start_beat()

    wait_until(finished)
    assert_each_went_out_once(provider)


@pytest.mark.parametrize("with_its_data", [True, False], ids=["with its data", "without its data"])
def test_a_broker_that_dies_in_the_middle_of_a_message_loses_and_repeats_nothing(
    provider: Provider, due_message: Due, later: list[SentMessage], broker: Broker, celery: Celery, with_its_data: bool
) -> None:
    dead = threading.Event()

    def slow(request: Request) -> None:
        time.sleep(SECONDS_A_REQUEST)
        # Requests that are under way get their answer only after the broker is gone.
        if len(provider.deliveries) > MANY / 10:
            dead.wait(PATIENCE)

    provider.after += [slow] * MANY
    running = due_message(Mode.EMAIL, MANY)
    wait_until(lambda: len(provider.deliveries) > MANY / 10)

    broker.kill()
    dead.set()
    become_due(*later)
    # Tasks that were running go on until their time is up.
    wait_until(lambda: not Claim.objects.exclude(state="settled").exists())
    assert 0 < len(provider.deliveries) < MANY, "it was in the middle"
    if not with_its_data:
        broker.forget()
    broker.start()

    wait_until(finished)
    assert statuses(running) == {"sent": MANY}
    assert_each_went_out_once(provider)


def test_a_worker_waits_for_its_broker_however_long_that_is_away() -> None:
    assert app.conf.broker_connection_max_retries is None
