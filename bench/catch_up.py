"""bin/bench catch_up compares a long catch-up from a slow provider in parallel slices of time with one slice.

The provider is the stand-in, over HTTP and in its own process. Its events are in the hours of school days, so some
slices have many events and some have none.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from django.test import override_settings

from bench.databases import own_database
from bench.events import DOMAIN, empty, evenly, events, make_district
from bench.measure import print_table, seconds
from mailgun_sync.choices import RunOutcome
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from mailgun_sync.services.sync import OVERLAP, sync_domain

DAYS = 3
SCHOOL_DAY = timedelta(hours=10)
KEY = "key-bench"
BATCH = 5000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench catch_up", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument(
        "--events-of-one", type=int, help="the number of newest events for the single slice, instead of all of them"
    )
    parser.add_argument("--latency", type=float, default=0.15, help="seconds that the provider takes for each page")
    parser.add_argument("--slices", type=int, default=4)
    measure(parser.parse_args(arguments))


def measure(options: argparse.Namespace) -> None:
    times = school_days(options.events, datetime.now(UTC) - timedelta(days=DAYS))
    made = list(events(options.events, times=times))
    count_of_one = min(options.events_of_one or options.events, options.events)
    with own_database("catch_up"), provider(made, options.latency) as settings, override_settings(**settings):
        several = catch_up(made, slices=options.slices)
        one = catch_up(made[-count_of_one:], slices=1)
    print_table(
        f"Catching up with {options.events:,} events at {options.latency * 1000:.0f} ms a page"
        + (f" (one slice: with {count_of_one:,} of them)" if count_of_one < options.events else ""),
        ["slices", "events", "seconds", "pages", "pages a second", "ratio"],
        [one.row(one), several.row(one)],
    )


def school_days(count: int, begin: datetime) -> Callable[[int], float]:
    """Return a function that gives the nth of `count` times, in the first hours of each day from `begin` on."""
    times = evenly(count, begin, begin + DAYS * SCHOOL_DAY)
    night = (timedelta(days=1) - SCHOOL_DAY).total_seconds()
    return lambda number: times(number) + night * (number * DAYS // count)


@dataclass(frozen=True)
class CatchUp:
    slices: int
    events: int
    pages: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    def row(self, one: "CatchUp") -> list[str]:
        pages = [f"{self.pages:,}", f"{self.pages / self.seconds:.1f}"]
        return [str(self.slices), f"{self.events:,}", f"{self.seconds:.1f}", *pages, f"{self.rate / one.rate:.1f}"]


Made = Sequence[tuple[str, float, str]]


def catch_up(made: Made, *, slices: int) -> CatchUp:
    """Sync an empty database that is settled up to the first of these events, and check that it gets all of them."""
    empty()
    settled = datetime.fromtimestamp(made[0][1], UTC) + OVERLAP
    domain = make_district().domain
    SendingDomain.objects.filter(pk=domain.pk).update(covered_from=settled, settled_through=settled)
    with override_settings(MAILGUN_SLICES=slices):
        took = seconds(lambda: sync_domain(domain_id=domain.pk))
    run = SyncRun.objects.latest("pk")
    assert run.outcome == RunOutcome.SUCCEEDED, run.error
    assert sorted(MailgunEvent.objects.values_list("event_id", flat=True)) == sorted(id for id, _, _ in made)
    return CatchUp(slices, len(made), run.pages, took)


@contextmanager
def provider(made: Made, latency: float) -> Iterator[dict[str, str]]:
    """Run the stand-in with these events, and give the settings for the sync."""
    command = [sys.executable, "-m", "sandbox", "--port=0", f"--api-key={KEY}", f"--domains={DOMAIN}", "--per-day=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            # "Stand-in e-mail provider at http://127.0.0.1:43567 for …"
            url = process.stdout.readline().split(" at ")[1].split()[0]
            for at in range(0, len(made), BATCH):
                raw = [{"id": id, "timestamp": moment, "text": text} for id, moment, text in made[at : at + BATCH]]
                requests.post(f"{url}/sandbox/events", json={"raw": raw}, timeout=60).raise_for_status()
            requests.post(f"{url}/sandbox/settings", json={"latency": latency}, timeout=60).raise_for_status()
            yield {"MAILGUN_API_BASE": url, "MAILGUN_API_KEY": KEY}
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
