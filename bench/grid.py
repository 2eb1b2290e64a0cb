"""bin/bench grid measures the Mailgun Message Log at millions of events, against usual paging and searching."""

import argparse
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from bench.databases import own_database
from bench.events import DOMAIN, empty, fill, make_district
from bench.measure import ROUNDS, Comparison, in_turn, print_table
from listings.paging import Bounds, Key, Sort, Total, fetch_page
from mailgun_sync.models import MailgunEvent
from mailgun_sync.querysets import MailgunEventQuerySet
from web.listings.mailgun_message_log import RecipientFilter

DAYS = 30
SIZE = 50
NEWEST_FIRST = Sort("occurred_at", "occurred_at", descending=True)
SEARCHES = {
    "few hits": "garcia12345",
    "no hits": "zzyzx",
    "no hits, each part in many": "9@example.net",
    "many hits": "garcia",
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench grid", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="events, evenly over the last 30 days")
    parser.add_argument("--page", type=int, default=1000, help="the page far down that is measured beside page 1")
    parser.add_argument("--keep", action="store_true", help="keep the events for the next measurement with --keep")
    options = parser.parse_args(arguments)
    with own_database("grid", keep=options.keep):
        if MailgunEvent.objects.count() != options.rows:
            now = datetime.now(UTC)
            empty()
            fill(make_district(), rows=options.rows, begin=now - timedelta(days=DAYS - 1), end=now)
        pages = measure_pages(options.page)
        searches = {name: measure_search(text) for name, text in SEARCHES.items()}
        whole = measure_views(options.page)
    title = f"The Mailgun Message Log at {options.rows:,} events of {DAYS} days; milliseconds, medians of {ROUNDS}"
    rows = [
        [name, f"{1000 * one.median_ours:,.1f}", f"{1000 * one.median_naive:,.1f}", one.spread()]
        for name, one in chain(pages.items(), searches.items())
    ]
    print_table(title, ["queries of", "ours", "naive", "ratio (lowest to highest)"], rows)
    first, far = (1000 * whole[page].median_ours for page in (1, options.page))
    answers = [[str(page), f"{1000 * one.median_ours:,.1f}"] for page, one in whole.items()]
    print_table("Whole answers, with sign-in, counts and HTML", ["page", "ms"], answers)
    print(f"\nPage {options.page:,} takes {far / first:.1f} times as long as page 1.")


def visible_events() -> MailgunEventQuerySet:
    return MailgunEvent.objects.defer("raw").shown_by_default()


def bounds() -> Bounds:
    now = timezone.now()
    return Bounds("occurred_at", low=now - timedelta(days=DAYS), high=now + timedelta(days=1))


def measure_pages(far: int) -> dict[str, Comparison]:
    """Compare the rows of a page by key with OFFSET and a count of all rows."""
    key = key_before(far)
    return {
        "page 1": in_turn(lambda: by_key(None), lambda: by_offset(1)),
        f"page {far:,}": in_turn(lambda: by_key(key), lambda: by_offset(far)),
    }


def key_before(page: int) -> Key:
    place = SIZE * (page - 1) - 1
    row = NEWEST_FIRST.order(visible_events().filter(bounds().condition()))[place]
    return Key(row.pk, row.occurred_at, backward=False)


def by_key(key: Key | None, rows: MailgunEventQuerySet | None = None) -> None:
    rows = visible_events() if rows is None else rows
    fetch_page(rows, sort=NEWEST_FIRST, bounds=bounds(), key=key, size=SIZE)
    Total.of(rows.filter(bounds().condition()))


def by_offset(page: int, rows: MailgunEventQuerySet | None = None) -> None:
    rows = (visible_events() if rows is None else rows).filter(bounds().condition())
    rows.count()
    list(NEWEST_FIRST.order(rows)[SIZE * (page - 1) : SIZE * page])


def measure_search(text: str) -> Comparison:
    """Compare page 1 and count of a search for a part of an address. The naive way has no index for it."""
    unindexed = visible_events().filter(recipient__icontains=text)
    return in_turn(
        lambda: by_key(None, RecipientFilter().filter(visible_events(), text)), lambda: by_offset(1, unindexed)
    )


def measure_views(far: int) -> dict[int, Comparison]:
    """Measure the pages as a browser gets them, without a comparison."""
    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    today = timezone.localdate()
    period = {"created_from": str(today - timedelta(days=DAYS - 1)), "created_to": str(today)}
    key = key_before(far)
    address = reverse("web:admin_mailgun_message_log")

    def ask(**more: str) -> None:
        assert client.get(address, period | more).status_code == 200

    far_page = {"after": f"mailgunevent-{key.pk}", "n": str(SIZE * (far - 1) + 1)}
    with override_settings(ALLOWED_HOSTS=["testserver"], MAILGUN_DOMAINS=[DOMAIN]):
        return {1: in_turn(ask, lambda: None), far: in_turn(lambda: ask(**far_page), lambda: None)}


if __name__ == "__main__":
    main()
