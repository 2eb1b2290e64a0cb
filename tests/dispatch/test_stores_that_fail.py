"""A broker that freezes and a database that ends its sessions, while a real worker hands over."""

import time
from collections.abc import Callable

import pytest
from django.db import connection

from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.conftest import statuses
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import Provider, Request
from tests.dispatch.test_outage import MANY, SECONDS_A_REQUEST, assert_each_went_out_once, become_due, finished
from tests.dispatch.test_outage import celery as celery
from tests.dispatch.test_outage import later as later
from tests.examples import some
from tests.valkey import Valkey
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]


@pytest.mark.parametrize("moment", some(["while it hands over", "while it waits"]))
def test_a_broker_that_freezes_and_comes_back_loses_and_repeats_nothing(
    provider: Provider, due_message: Due, later: list[SentMessage], broker: Valkey, celery: Celery, moment: str
) -> None:
    first = due_message(Mode.TEXT, 4)
    wait_until(lambda: statuses(first) == {"sent": 4})
    if moment == "while it waits":
        time.sleep(2)

    broker.freeze()
    become_due(*later)
    time.sleep(3)  # beat and worker run into their time limits
    assert not finished()
    broker.thaw()

    wait_until(finished)
    assert_each_went_out_once(provider)


@pytest.fixture
def quick_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for it before the worker."""
    monkeypatch.setenv("STALE_CLAIM_SECONDS", "3")


def test_a_database_that_ends_all_sessions_loses_and_repeats_nothing(
    quick_recovery: None, provider: Provider, due_message: Due, celery: Celery
) -> None:
    """A restart of PostgreSQL does so, at any moment of the work."""

    def slow(request: Request) -> None:
        time.sleep(SECONDS_A_REQUEST)

    provider.after += [slow] * MANY
    running = due_message(Mode.EMAIL, MANY)
    for part in (10, 5, 3):
        wait_until(lambda part=part: len(provider.deliveries) > MANY / part)
        end_other_sessions()

    wait_until(finished)
    assert statuses(running) == {"sent": MANY}
    assert_each_went_out_once(provider)


def end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        assert cursor.fetchone()[0] > 0
