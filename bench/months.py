"""bin/bench months compares the events in a part for each month with the same events in one table."""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from bench.databases import own_database
from bench.events import DOMAIN, as_pages, evenly, events, fill, make_district
from bench.grid import SEARCHES, by_key, key_before, visible_events
from bench.measure import Comparison, print_table, seconds
from mailgun_sync.choices import GroupBy
from mailgun_sync.client import read_page
from mailgun_sync.freshness import freshness_notices
from mailgun_sync.groups import EventGroups
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.months import make_months
from web.listings.mailgun_message_log import RecipientFilter

MONTHS = 14
# The version in which all events are in one table.
ONE_TABLE = "0013_school_of_an_event"
PAGES = 20
"""Of 300 events each: about what a sync of an hour reads."""


@dataclass(frozen=True)
class Layout:
    """A database, and the actions that are measured in it."""

    session: BaseDatabaseWrapper
    actions: dict[str, Callable[[], object]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench months", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help=f"events, evenly over {MONTHS} months")
    parser.add_argument("--page", type=int, default=1000, help="the page far down that is measured beside page 1")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    with (
        own_database("months"),
        one_table() as other,
        override_settings(ALLOWED_HOSTS=["testserver"], MAILGUN_DOMAINS=[DOMAIN]),
    ):
        by_month = Layout(connections["default"], prepare(options))
        with using(other):
            single = Layout(other, prepare(options))
        found = compare(by_month, single, rounds=options.rounds)
        rows = MailgunEvent.objects.count()
    print_table(
        f"{rows:,} events of {MONTHS} months; milliseconds, medians of {options.rounds}",
        ["", "by month", "one table", "ratio", "processors: by month", "one table", "ratio"],
        [[name, *one.cells()] for name, one in found.items()],
    )


@contextmanager
def one_table() -> Iterator[BaseDatabaseWrapper]:
    """A second database, as empty as the first one, in which the events are in one table."""
    name = str(connection.settings_dict["NAME"])
    connection.close()
    other = connections["default"].copy()
    other.settings_dict["NAME"] = f"{name}_one_table"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}_one_table"')
        cursor.execute(f'CREATE DATABASE "{name}_one_table" TEMPLATE "{name}"')
    try:
        with using(other):
            call_command("migrate", "mailgun_sync", ONE_TABLE, verbosity=0)
        yield other
    finally:
        other.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}_one_table"')


@contextmanager
def using(session: BaseDatabaseWrapper) -> Iterator[None]:
    usual = connections["default"]
    connections["default"] = session
    try:
        yield
    finally:
        connections["default"] = usual


def prepare(options: argparse.Namespace) -> dict[str, Callable[[], object]]:
    """Store the events, and return what is measured."""
    now = datetime.now(UTC)
    begin = now - timedelta(days=MONTHS * 30.4)
    if is_by_month():
        make_months(since=begin)
    fill(make_district(), rows=options.rows, begin=begin, end=now - timedelta(hours=6))
    User.objects.get_or_create(username="bench", is_superuser=True)
    far = min(options.page, options.rows // MONTHS // 50 - 1)
    key = key_before(far)
    week = visible_events().filter(occurred_at__gte=now - timedelta(days=7))
    return {
        "page 1": lambda: by_key(None),
        f"page {far:,}": lambda: by_key(key),
        **{f"search: {name}": search(text) for name, text in SEARCHES.items()},
        "groups of a week": lambda: EventGroups(week, GroupBy.REASON).page(sort="events", descending=True, size=50),
        "events of a day": lambda: MailgunEvent.objects.all().of_day(timezone.localdate(now)).count(),
        "an event by its id": lambda: MailgunEvent.objects.filter(pk=key.pk).first(),
        "how fresh they are": lambda: freshness_notices(now, first=None, last=None),
        f"storing {300 * PAGES:,} new events": ingest(now),
        "whole page 1, with sign-in and HTML": whole_page(),
    }


def is_by_month() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [MailgunEvent._meta.db_table])
        return bool(cursor.fetchone()[0])


def search(text: str) -> Callable[[], object]:
    return lambda: by_key(None, RecipientFilter().filter(visible_events(), text))


def ingest(now: datetime) -> Callable[[], object]:
    """Each call stores events that are new."""
    times = evenly(300 * PAGES, now - timedelta(hours=6), now)
    seeds = count(1)

    def store() -> None:
        pages = as_pages([text for _, _, text in events(300 * PAGES, times=times, seed=next(seeds))])
        domain = SendingDomain.objects.get(name=DOMAIN).pk
        for page in pages:
            found, _ = read_page(page)
            with page_transaction():
                store_events(domain_id=domain, events=found or [])

    return store


def whole_page() -> Callable[[], object]:
    client = Client()
    client.force_login(User.objects.get(username="bench"))
    address = reverse("web:admin_mailgun_message_log")
    return lambda: client.get(address).content


@dataclass(frozen=True)
class Found:
    """Seconds on the clock, and of processors: what others do on the machine changes these less."""

    clock: Comparison = field(default_factory=Comparison)
    processor: Comparison = field(default_factory=Comparison)

    def cells(self) -> list[str]:
        return [
            text
            for one in (self.clock, self.processor)
            for text in (
                f"{1000 * one.median_ours:,.1f}",
                f"{1000 * one.median_naive:,.1f}",
                f"{one.median_ours / one.median_naive:.2f}",
            )
        ]


def compare(ours: Layout, other: Layout, *, rounds: int) -> dict[str, Found]:
    found = {}
    for name in ours.actions:
        found[name] = one = Found()
        for round_ in range(rounds + 1):
            mine = measure(ours.actions[name])
            with using(other.session):
                theirs = measure(other.actions[name])
            if round_:  # afterwards the data of both is in memory
                for kind, my, their in zip((one.clock, one.processor), mine, theirs, strict=True):
                    kind.ours.append(my)
                    kind.naive.append(their)
    return found


def measure(action: Callable[[], object]) -> tuple[float, float]:
    """The time on the clock, and the processor time of this process and of its session of the database."""
    began = processor_time()
    clock = seconds(action)
    return clock, processor_time() - began


def processor_time() -> float:
    """Linux says it of each process on this machine; elsewhere that of the database counts as none."""
    connection.ensure_connection()
    path = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    session = int(path.read_text().split()[0]) / 1e9 if path.exists() else 0.0
    return time.process_time() + session


if __name__ == "__main__":
    main()
