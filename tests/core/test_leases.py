"""A lease: so many at a time, free after the work, free soon after a process that died, whatever the clock does."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from core.leases import end_leases, lease
from core.models import Lease
from tests.wait import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(work: Callable[[], object]) -> Callable[[], object]:
    """Return the work for a thread, whose connection ends with it."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    return run


def is_free(name: str, slots: int = 1) -> bool:
    with lease(name, slots) as free:
        return free


def test_it_is_free_after_the_work_and_after_an_error() -> None:
    with lease("a"):
        assert not is_free("a")
        assert is_free("b"), "another work"
    with pytest.raises(ZeroDivisionError), lease("a"):
        _ = 1 / 0
    assert is_free("a")
    assert not Lease.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 3, 7])
def test_many_who_come_at_once_get_as_many_as_there_are(slots: int) -> None:
    begin, over = Barrier(8), Event()
    got: list[bool] = []

    def come() -> None:
        connection.ensure_connection()
        begin.wait(PATIENCE)
        with lease("a", slots) as free:
            got.append(free)
            over.wait(PATIENCE)

    with ThreadPoolExecutor(8) as pool:
        try:
            ended = [pool.submit(in_thread(come)) for _ in range(8)]
            wait_until(lambda: len(got) == 8)
        finally:
            over.set()
        for one in ended:
            one.result(PATIENCE)
    assert got.count(True) == slots
    assert not Lease.objects.exists()


@pytest.mark.slow
def test_a_work_that_takes_longer_keeps_its_lease(settings: Settings) -> None:
    settings.LEASE_SECONDS = 0.6
    with lease("a"):
        begun = Lease.objects.get().until
        wait_until(lambda: Lease.objects.get().until > begun + timedelta(seconds=1))
        assert not is_free("a")


def test_one_that_was_taken_away_is_not_renewed_and_ends_that_of_nobody_else(settings: Settings) -> None:
    settings.LEASE_SECONDS = 0.3
    with lease("a"):
        assert end_leases("a")
        assert not end_leases("a")
        settings.LEASE_SECONDS = 60
        second = lease("a")
        assert second.__enter__()
    assert not is_free("a"), "the first one has not freed the lease of the second"
    second.__exit__(None, None, None)
    assert is_free("a")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_leaves_no_lease_behind(hours: int) -> None:
    """Of the database: an hour after a jump forward, or back, nobody waits an hour for a process that died."""
    with lease("a"):
        Lease.objects.update(until=Now() + timedelta(hours=hours))
        assert is_free("a")


@pytest.mark.slow
def test_it_is_free_soon_after_its_process_was_killed(settings: Settings) -> None:
    code = "import django; django.setup(); from core.leases import lease; from signal import pause\n"
    code += "with lease('a'): print('holds', flush=True); pause()"
    url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "LEASE_SECONDS": "2", "PYTHONPATH": str(django_settings.BASE_DIR)}
    settings.LEASE_SECONDS = 2
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"holds\n"
        renewed = Lease.objects.get().until
        wait_until(lambda: Lease.objects.get().until > renewed)
        assert not is_free("a")
        process.send_signal(signal.SIGKILL)
    assert not is_free("a"), "it is not known yet that the process died"
    wait_until(lambda: is_free("a"), seconds=10)
