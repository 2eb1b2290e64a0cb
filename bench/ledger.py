"""bin/bench ledger measures the ledger at millions of deliveries, against the usual way for each task."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http.request import QueryDict
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from accounts.models import GroupScope, User
from accounts.querysets import tool_permissions
from accounts.scopes import ScopeReach
from accounts.tools import Tool
from bench import naive_ledger
from bench.databases import own_database
from bench.measure import ROUNDS, Comparison, in_turn, print_table, seconds
from bench.messages import DAYS, as_json, fill, vacuum
from listings.listing import Listing
from listings.paging import Key
from listings.registry import registry
from messenger_logs.choices import MessageStatus
from messenger_logs.models import Delivery, Recipient, School, SentMessage
from messenger_logs.people import find_people
from messenger_logs.services.intake import add_message
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of

SIZE = 50
IMPORTED_AT_ONCE = 500
"""Recipients of each message that is taken in."""

Found = dict[str, Comparison]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench ledger", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=5_000_000, help="of all messages")
    parser.add_argument("--large", type=int, default=1_000_000, help="how many of them belong to one message")
    parser.add_argument("--page", type=int, default=1000, help="the page far down that is measured beside page 1")
    parser.add_argument("--reports", type=int, default=10_000, help="status reports of one call")
    parser.add_argument("--imports", type=int, default=20_000, help="deliveries that each way imports in a round")
    parser.add_argument("--keep", action="store_true", help="keep the messages for the next measurement with --keep")
    options = parser.parse_args(arguments)
    with own_database("ledger", keep=options.keep):
        if not SentMessage.objects.exists():
            took = seconds(lambda: make_ledger(options))
            print(f"Filled with {Delivery.objects.count():,} deliveries in {took:,.0f} s.", flush=True)
        large = SentMessage.objects.get(status=MessageStatus.IN_PROGRESS)
        title = f"{options.messages:,} messages, {options.deliveries:,} deliveries; milliseconds, medians of {ROUNDS}"
        print_milliseconds(f"Lists: a page and its count, at {title}", measure_listings(large, options.page))
        print_scopes(large, options.page)
        print_answers(large)
        print_milliseconds("Finding a person among all of it; milliseconds", measure_people())
        print_milliseconds(f"Totals of a message of {options.large:,} deliveries; milliseconds", measure_totals(large))
        print_rates(
            "Status reports, a second", {f"{options.reports:,} in a call": measure_reports(large, options.reports)}
        )
        print_rates("Taking in messages, deliveries a second", {"all indexes": measure_intake(options.imports)})


def make_ledger(options: argparse.Namespace) -> None:
    fill(messages=options.messages, deliveries=options.deliveries, large=options.large, end=datetime.now(UTC))
    recount(message_id=SentMessage.objects.latest("pk").pk)


# Lists


@dataclass(frozen=True)
class Shown:
    """A listing, and a page of it."""

    listing: Listing
    page: int = 1

    def ours(self) -> Callable[[], object]:
        listing, key = self.listing, self.key()
        return lambda: listing.fetch_page(key)

    def naive(self) -> Callable[[], None]:
        """Return the naive way: OFFSET, with a count of all rows."""

        def run() -> None:
            self.listing.filterset.qs.count()
            list(self.listing.sort.order(self.listing.filterset.qs)[SIZE * (self.page - 1) : SIZE * self.page])

        return run

    def key(self) -> Key | None:
        if self.page == 1:
            return None
        before = self.listing.sort.order(self.listing.filterset.qs)[SIZE * (self.page - 1) - 1]
        value: Any = before
        for part in self.listing.sort.path.split("__"):
            value = getattr(value, part)
        return Key(before.pk, value, backward=False)


def open_page(name: str, values: dict[str, str], *, user: User | None = None, page: int = 1, **arguments: Any) -> Shown:
    listing = registry[name].open(user or administrator(), values, arguments)
    assert not listing.errors
    return Shown(listing, page)


def principal(large: SentMessage, schools: int) -> User:
    """Return a person who reads everybody's messages of so many schools, one of them that of the large message."""
    user, created = User.objects.get_or_create(username=f"bench-{schools}")
    if created:
        group = Group.objects.create(name=f"{schools} schools")
        tools = (Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG)
        group.permissions.set(tool_permissions([tool.codename() for tool in tools]))
        group.user_set.add(user)
        scope = GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN)
        assert large.school
        scope.schools.set([large.school, *School.objects.exclude(pk=large.school.pk)[: schools - 1]])
    return user


def administrator() -> User:
    return User.objects.get_or_create(username="bench", defaults={"is_superuser": True})[0]


def all_days() -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"created_from": str(today - timedelta(days=DAYS + 1)), "created_to": str(today + timedelta(days=1))}


def listings_to_measure(large: SentMessage, far: int, user: User) -> Iterator[tuple[str, Shown]]:
    """Yield the lists by name. A name without a colon goes on with the list before."""
    of = ""
    for name, shown in _listings_to_measure(large, far, user):
        before, colon, _ = name.partition(": ")
        of = before if colon else of
        yield name if colon else f"{of}: {name}", shown


def _listings_to_measure(large: SentMessage, far: int, user: User) -> Iterator[tuple[str, Shown]]:
    def log(page: int = 1, **values: str) -> Shown:
        return open_page("admin_sent_message_log", all_days() | values, user=user, page=page)

    def recipients(page: int = 1, **values: str) -> Shown:
        return open_page("admin_sent_message_log_message_recipients", values, user=user, page=page, pk=large.pk)

    yield "Sent Message Log: page 1", log()
    yield f"page {far:,}", log(far)
    yield "by subject", log(sort="subject")
    yield f"by subject, page {far:,}", log(far, sort="subject")
    yield "one sender", log(sender_name="Staff 7")
    yield "subject contains, few", log(subject="late (1234)")
    yield "date created contains", log(created_at="8:30 AM")
    yield "Recipients of the large message: page 1", recipients()
    yield f"page {far:,}", recipients(far)
    yield "by status", recipients(sort="status")
    yield f"by status, page {far:,}", recipients(far, sort="status")
    yield "one status", recipients(status="undelivered")
    yield "recipient contains, few", recipients(recipient="ngoc quynh")
    yield "recipient contains, many", recipients(recipient="garcia")
    yield "device contains", recipients(device="parent1234@")


def measure_listings(large: SentMessage, far: int) -> Found:
    return {name: in_turn(each.ours(), each.naive()) for name, each in listings_to_measure(large, far, administrator())}


def print_scopes(large: SentMessage, far: int) -> None:
    """Measure the same lists and searches for all schools, for half of them and for one."""
    people = [administrator(), principal(large, 4), principal(large, 1)]
    # With fewer rows there may be no page so far down.
    lists = [listings_to_measure(large, min(far, 20), user) for user in people]
    rows = []
    for (name, everything), *scoped in zip(*lists, strict=True):
        rows.append(scope_row(name, [in_turn(each.ours(), everything.ours()) for _, each in scoped]))
    for name, text in people_to_find().items():
        everybody, *some = (searched(user, text) for user in people)
        rows.append(scope_row(f"Person: {name}", [in_turn(each, everybody) for each in some]))
    headers = ["", "all schools", "half", "one", "ratio of half", "of one"]
    print_table("The same with rights for some schools; milliseconds", headers, rows)


def scope_row(name: str, took: list[Comparison]) -> list[str]:
    times = [took[0].median_naive, *(one.median_ours for one in took)]
    return [name, *(f"{1000 * time:,.1f}" for time in times), *(f"{1 / one.ratio:.2f}" for one in took)]


def searched(user: User, text: str) -> Callable[[], object]:
    recipients = Recipient.objects.visible_to(user, Tool.ADMIN_RECIPIENT_LOG)
    return lambda: find_people(recipients, text, limit=51)


def print_answers(large: SentMessage) -> None:
    """Measure the pages as a browser gets them, without a comparison."""
    client = Client()
    client.force_login(administrator())
    days = QueryDict(mutable=True)
    days.update(all_days())
    addresses = {
        "Sent Message Log, a week": reverse("web:admin_sent_message_log"),
        "Sent Message Log, all days": f"{reverse('web:admin_sent_message_log')}?{days.urlencode()}",
        "Sent Message Log 2.0": f"{reverse('web:sent_message_log_2')}?whose=all",
        "Large message": reverse("web:admin_sent_message_log_message", kwargs={"pk": large.pk}),
        "Recipients of the large message": reverse(
            "web:admin_sent_message_log_message_recipients", kwargs={"pk": large.pk}
        ),
        "Home": reverse("web:home"),
    }

    def ask(address: str) -> None:
        assert client.get(address).status_code == 200

    with override_settings(ALLOWED_HOSTS=["testserver"]):
        rows = []
        for name, address in addresses.items():
            one = in_turn(lambda address=address: ask(address), lambda: None)  # type: ignore[misc]
            rows.append([name, f"{1000 * one.median_ours:,.1f}"])
    print_table("Whole answers, with sign-in, counts, drop-downs and HTML", ["page", "ms"], rows)


# Other tasks


def people_to_find() -> dict[str, str]:
    person = Recipient.objects.get(pk=1)
    return {
        "person id": person.person_id,
        "name": person.name,
        "name without its accents": "nguyen quynh",
        "e-mail": "parent1234@",
        "part of a number": person.deliveries.get(mode="text").address[4:],
        "nobody": "zzyzx",
    }


def measure_people() -> Found:
    person = Recipient.objects.get(pk=1)
    text_of = people_to_find()
    conditions = {
        "person id": {"person_id": person.person_id},
        "name": {"name__icontains": person.name},
        "name without its accents": {"name__iregex": "nguy[eễ]n, qu[yỳ]nh"},
        "e-mail": {"deliveries__address__icontains": "parent1234@"},
        "part of a number": {"deliveries__address__icontains": text_of["part of a number"]},
        "nobody": {"name__icontains": "zzyzx"},
    }
    messages = SentMessage.objects.listed()
    everybody = Recipient.objects.filter(message__in=messages)

    def naive(condition: dict[str, str]) -> Callable[[], object]:
        # The usual way has no index for parts of words.
        return lambda: without_indexes_for_parts(lambda: list(everybody.filter(**condition)[:SIZE]))

    return {
        name: in_turn(lambda text=text: find_people(everybody, text, limit=51), naive(conditions[name]))  # type: ignore[misc]
        for name, text in text_of.items()
    }


def without_indexes_for_parts(action: Callable[[], object]) -> None:
    """Run an action without trigram indexes: these only work with bitmap scans."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        action()


def measure_totals(large: SentMessage) -> Found:
    return {
        "kept": in_turn(lambda: totals_of(large), lambda: naive_ledger.totals(large.pk)),
        "counted again": in_turn(lambda: recount(message_id=large.pk), lambda: naive_ledger.totals(large.pk)),
    }


def measure_reports(large: SentMessage, count: int) -> Comparison:
    """Measure seconds per report of waiting texts. The naive way gets a tenth of them, with one call for each."""
    waiting = Delivery.objects.filter(message=large, status="waiting").order_by("pk")
    addresses = list(waiting.values_list("address", flat=True)[: ROUNDS * (count + count // 10)])
    enough = len(addresses) * 10 // 11 // ROUNDS
    found = Comparison()
    for _ in range(ROUNDS):
        ours, naive = (take(addresses, number) for number in (enough, enough // 10))
        reports = [StatusReport(mode="text", address=address, code=-28, at=datetime.now(UTC)) for address in ours]
        found.ours.append(
            seconds(lambda reports=reports: report_statuses(message_id=large.pk, reports=reports))  # type: ignore[misc]
            / len(ours)
        )
        took = seconds(lambda naive=naive: [naive_ledger.report(large.pk, "text", one, -28) for one in naive])  # type: ignore[misc]
        found.naive.append(took / len(naive))
    return found


def take(addresses: list[str], number: int) -> list[str]:
    taken, addresses[:] = addresses[:number], addresses[number:]
    return taken


def measure_intake(deliveries: int) -> Comparison:
    messages = max(1, deliveries // 2 // IMPORTED_AT_ONCE)
    at = datetime.now(UTC).replace(microsecond=0)
    found = Comparison()
    numbers = iter(range(10**9))
    for _ in range(ROUNDS):
        ours, naive = (
            [as_json(next(numbers), recipients=IMPORTED_AT_ONCE, at=at) for _ in range(messages)] for _ in range(2)
        )
        count = 2 * IMPORTED_AT_ONCE * messages
        found.ours.append(seconds(lambda ours=ours: [add_message(each) for each in ours]) / count)  # type: ignore[misc]
        took = seconds(lambda naive=naive: [naive_ledger.add_message(each) for each in naive])  # type: ignore[misc]
        found.naive.append(took / count)
    SentMessage.objects.filter(external_id__startswith="bench-").delete()
    vacuum()
    return found


# Printing


def print_milliseconds(title: str, found: Found) -> None:
    rows = [
        [name, f"{1000 * one.median_ours:,.1f}", f"{1000 * one.median_naive:,.1f}", one.spread()]
        for name, one in found.items()
    ]
    print_table(title, ["", "ours", "naive", "ratio (lowest to highest)"], rows)


def print_rates(title: str, found: Found) -> None:
    """Print rates per second, from the seconds for each."""
    rows = [
        [name, f"{1 / one.median_ours:,.0f}", f"{1 / one.median_naive:,.0f}", one.spread()]
        for name, one in found.items()
    ]
    print_table(title, ["", "ours", "naive", "ratio (lowest to highest)"], rows)


if __name__ == "__main__":
    main()
