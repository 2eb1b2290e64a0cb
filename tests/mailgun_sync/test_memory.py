"""A sync that gets pages of 200 MB reads a part of each, and its process stays small."""

import subprocess
import time
from datetime import datetime, timedelta

import psutil
import pytest

from mailgun_sync.models import SendingDomain
from sandbox.server import Sandbox
from tests.mailgun_sync.test_crash import Start, assert_whole, finish
from tests.mailgun_sync.test_crash import ids as ids
from tests.mailgun_sync.test_crash import start as start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MEGABYTE = 1024**2
# What is read of an answer (providers.http.MOST_BYTES), twice, and room for chance. A page has more than that.
MOST_MORE, PAGE = 60, 200


def peak_of(process: "subprocess.Popen[str]") -> float:
    """Look at a process until it ends. Returns the most memory (megabytes) that it had."""
    peak, seen = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, seen.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.01)
    return peak / MEGABYTE


def test_pages_of_200_megabytes_cost_no_more_memory_than_what_is_read_of_them(
    start: Start, mailgun: Sandbox, domain: SendingDomain, ids: list[str], now: datetime
) -> None:
    large = mailgun.fail("large", path="/events", megabytes=PAGE, times=3)
    process = start()
    with_large_pages = peak_of(process)
    out, err = process.communicate()
    assert "more than 16,777,216 bytes" in out + err
    assert large.times is not None
    assert large.times < 3, "some of them were sent"

    mailgun.clear_faults()
    SendingDomain.objects.update(settled_through=now - timedelta(minutes=31))  # the same events again
    process = start()
    usual = peak_of(process)
    finish(process)
    assert_whole(ids)

    assert with_large_pages < usual + MOST_MORE
