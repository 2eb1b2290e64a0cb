"""bin/bench ingest measures how fast pages of events become rows, against the usual way; then bench/catch_up.py."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models.functions import Now

from bench import catch_up, naive
from bench.databases import own_database
from bench.events import as_pages, empty, evenly, events, fill, make_district, vacuum
from bench.measure import Comparison, print_table, seconds
from mailgun_sync.client import read_page
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import page_transaction, store_events

Pages = list[str]

TURN = 20
"""The number of pages that each way stores in turn; a sync of an hour reads about as many."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench ingest", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="events that each way stores in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows that the filled table has")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--catch-up", type=int, default=300_000, help="events of the catch-up; 0 leaves it out")
    options = parser.parse_args(arguments)
    now = datetime.now(UTC)
    times = evenly(options.events, now - timedelta(hours=6), now)
    new, others = (as_pages([text for _, _, text in events(options.events, times=times, seed=seed)]) for seed in (1, 2))
    with own_database("ingest"):
        ingest = Ingest()
        found = {"an empty table": ingest.compare(new, others, rounds=options.rounds, before=ingest.take_out)}
        fill(ingest.district, rows=options.rows, begin=now - timedelta(days=30), end=now - timedelta(hours=6))
        ingest.kept = MailgunEvent.objects.latest("pk").pk
        found[f"{options.rows:,} rows"] = ingest.compare(new, others, rounds=options.rounds, before=ingest.take_out)
        found["the same, all read before"] = ingest.compare(new, others, rounds=options.rounds)
    print_found(found, options.events)
    if options.catch_up:
        catch_up.main([f"--events={options.catch_up}"])


class Ingest:
    """Both ways to store pages, each page in a transaction."""

    def __init__(self) -> None:
        self.district = make_district()
        self.senders = {user.username: user.pk for user in self.district.senders}
        self.kept = 0
        """Rows up to this id were there before; each round removes the rows above it."""

    def compare(
        self, pages: Pages, others: Pages, *, rounds: int, before: Callable[[], object] = lambda: None
    ) -> Comparison:
        """Let our way store `pages`, and the naive way `others`, in turns."""
        found = Comparison()
        for _ in range(rounds):
            before()
            ours = naively = 0.0
            for at in range(0, len(pages), TURN):
                ours += seconds(partial(self.ours, pages[at : at + TURN]))
                naively += seconds(partial(self.naively, others[at : at + TURN]))
            found.ours.append(ours)
            found.naive.append(naively)
        return found

    def ours(self, pages: Pages) -> None:
        """Store pages like services.sync: afterwards the cursor moves, and everything is on the disk."""
        for page in pages:
            found, _ = read_page(page)
            with page_transaction():
                store_events(domain_id=self.district.domain.pk, events=found or [])
        SendingDomain.objects.filter(pk=self.district.domain.pk).update(settled_through=Now())

    def naively(self, pages: Pages) -> None:
        for page in pages:
            naive.store_page(page, domain_id=self.district.domain.pk, senders=self.senders)

    def take_out(self) -> None:
        """Remove the rows of the round before, and let the server clean up."""
        if self.kept:
            MailgunEvent.objects.filter(pk__gt=self.kept).delete()
        else:
            empty()
        vacuum()


def print_found(found: dict[str, Comparison], count: int) -> None:
    print_table(
        f"Storing {count:,} events in pages of 300, all indexes in place; events a second, medians",
        ["at", "ours", "bulk_create", "ratio (lowest to highest)"],
        [
            [at, f"{count / one.median_ours:,.0f}", f"{count / one.median_naive:,.0f}", one.spread()]
            for at, one in found.items()
        ],
    )


if __name__ == "__main__":
    main()
