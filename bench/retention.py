"""bin/bench retention lets recipients age, then drops a month of events, in another process while pages are asked.

It compares the times of the pages with those that they take without it.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from statistics import median

from django.db import connection
from django.test.utils import override_settings

from accounts.models import User
from bench.databases import own_database
from bench.events import fill as fill_events
from bench.events import make_district
from bench.measure import print_table, seconds
from bench.messages import fill, vacuum
from bench.pages import ADDRESSES, asking
from mailgun_sync.services.months import Month, make_months, months
from messenger_logs.models import Recipient, SentMessage
from messenger_logs.services.totals import recount
from retention.choices import Kind
from retention.models import RetentionPeriod
from retention.services.aging import drop_unless_held, retain
from retention.services.steps import Steps

DAYS = 45
# A page without its list of events shows what this is about.
PAGES = ["Sent Message Log", "Sent Message Log 2.0", "Recipients", "Recipient Log", "Message", "Home"]
EVENT_PAGES = ["Mailgun Message Log", "Home", "Message"]
Times = dict[str, list[float]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench retention", description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--recipients", type=int, default=1_000_000, help="of one message; the others have some more")
    parser.add_argument("--events", type=int, default=1_000_000, help="of the month that is dropped")
    parser.add_argument("--rounds", type=int, default=30, help="how often each page is asked while nothing ages")
    parser.add_argument("--seconds", type=int, default=0, help="how long it ages at most; 0: until it is done")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        stack.enter_context(own_database("retention"))
        stack.enter_context(override_settings(ALLOWED_HOSTS=["testserver"]))
        make_rows(options)
        pages = {name: asking(name) for name in PAGES if name in ADDRESSES}
        without = ask(pages, rounds=options.rounds)
        began = time.monotonic()
        aging = start(_age, options.seconds)
        beside = ask(pages, rounds=options.rounds, while_alive=aging)
        aging.join()
        print_rates(time.monotonic() - began)
        print_pages("Pages while recipients age", without, beside)
        drop_events(options)


def drop_events(options: argparse.Namespace) -> None:
    """Drop a month that is over, and ask for the pages that read events meanwhile."""
    month = make_month(options.events)
    pages = {name: asking(name) for name in EVENT_PAGES}
    without = ask(pages, rounds=options.rounds)
    took = multiprocessing.get_context("fork").SimpleQueue()
    dropping = start(_drop, month, took)
    beside = ask(pages, rounds=options.rounds, while_alive=dropping)
    dropping.join()
    print(f"\n{options.events:,} events of a month dropped in {took.get():.2f} s.")
    print_pages("Pages while a month of events is dropped", without, beside)


def make_month(events: int) -> Month:
    old = datetime.now(UTC) - timedelta(days=500)
    make_months(since=old)
    month = next(month for month in months() if month.begin and month.begin <= old < month.end)
    assert month.begin
    fill_events(make_district(), rows=events, begin=month.begin, end=month.end)
    return month


def make_rows(options: argparse.Namespace) -> None:
    """All messages are older than the period. Each recipient of the large one has one or two devices."""
    end = datetime.now(UTC) - timedelta(days=DAYS + 1)
    devices = 2 * options.recipients
    fill(messages=options.messages, deliveries=devices + 10 * options.messages, large=devices, end=end)
    SentMessage.objects.filter(status="in_progress").update(status="sent")
    for message in SentMessage.objects.order_by("-pk")[:60]:
        recount(message_id=message.pk)
    User.objects.get_or_create(username="bench", defaults={"is_superuser": True})
    RetentionPeriod.objects.create(kind=Kind.PEOPLE, days=DAYS)
    vacuum()


def ask(pages: Mapping[str, Callable[[], object]], *, rounds: int, while_alive: BaseProcess | None = None) -> Times:
    """Ask for the pages in turns, at least so often, and as long as the other process lives."""
    for page in pages.values():
        page()
    times: Times = {name: [] for name in pages}
    while min(map(len, times.values())) < rounds or (while_alive and while_alive.is_alive()):
        for name, page in pages.items():
            times[name].append(seconds(page))
    return times


def start(work: Callable[..., None], *arguments: object) -> BaseProcess:
    """Do this in a process of its own, as a worker does it."""
    connection.close()
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    return process


def _age(limit: int) -> None:
    retain(until=time.monotonic() + limit if limit else None)
    connection.close()


def _drop(month: Month, took: "SimpleQueue[float]") -> None:
    time.sleep(1)  # pages are asked before, meanwhile and afterwards
    steps = Steps(pause=False)
    took.put(seconds(lambda: steps(drop_unless_held, month)))
    time.sleep(1)
    connection.close()


def print_rates(took: float) -> None:
    removed = Recipient.objects.filter(removed=True).count()
    left = Recipient.objects.filter(removed=False).count()
    print(f"\n{removed:,} recipients aged in {took:,.0f} s ({removed / took:,.0f} a second); {left:,} are left.")


def print_pages(title: str, without: Times, beside: Times) -> None:
    rows = [[name, *_cells(without[name], beside[name])] for name in without]
    print_table(
        f"{title}; milliseconds",
        ["page", "median without", "median with", "slowest without", "slowest with", "ratio of the medians"],
        rows,
    )
    worst = max(median(beside[name]) - median(without[name]) for name in without)
    slowest = max(max(beside[name]) - max(without[name]) for name in without)
    print(
        f"\nA page takes at most {1000 * worst:,.0f} ms more in the median, {1000 * slowest:,.0f} ms in the worst case."
    )


def _cells(without: list[float], beside: list[float]) -> list[str]:
    figures = (median(without), median(beside), max(without), max(beside))
    return [*(f"{1000 * figure:.1f}" for figure in figures), f"{median(beside) / median(without):.2f}"]


if __name__ == "__main__":
    main()
