"""bin/bench pages measures the web process's own time for each kind of page: what is left when the queries are done."""

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from bench import events, messages
from bench.databases import own_database
from bench.measure import print_table, seconds
from messenger_logs.models import Recipient, SentMessage
from messenger_logs.services.totals import recount


@dataclass
class Page:
    """The seconds of each round: the whole answer, its queries, and the processor time of this process."""

    whole: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    def measure(self, ask: Callable[[], HttpResponse]) -> None:
        waited: list[float] = []

        def wait(execute: Callable[..., Any], *args: Any) -> Any:
            began = time.perf_counter()
            try:
                return execute(*args)
            finally:
                waited.append(time.perf_counter() - began)

        began = time.process_time()
        with connection.execute_wrapper(wait):
            self.whole.append(seconds(ask))
        self.own.append(time.process_time() - began)
        self.queries.append(sum(waited))

    def cells(self) -> list[str]:
        own, queries, whole = (1000 * median(times) for times in (self.own, self.queries, self.whole))
        return [f"{own:.1f}", f"{queries:.1f}", f"{whole:.1f}", f"{own / queries:.1f}"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench pages", description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--deliveries", type=int, default=60_000, help="of all messages")
    parser.add_argument("--large", type=int, default=20_000, help="how many of them belong to one message")
    parser.add_argument("--events", type=int, default=100_000, help="Mailgun's events of today")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", action="store_true", help="keep the rows for the next measurement with --keep")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        stack.enter_context(own_database("pages", keep=options.keep))
        stack.enter_context(override_settings(ALLOWED_HOSTS=["testserver"], MAILGUN_DOMAINS=[events.DOMAIN]))
        if not SentMessage.objects.exists():
            make_rows(options)
        pages = {name: Page() for name in ADDRESSES}
        # In turns, because the machine may be busy with other things. The first round does not count.
        for round in range(options.rounds + 1):
            for name, page in pages.items():
                (page if round else Page()).measure(asking(name))
    print_table(
        f"Pages of 50 rows; milliseconds, medians of {options.rounds}",
        ["page", "own processor time", "queries", "whole answer", "ratio of own to queries"],
        [[name, *page.cells()] for name, page in pages.items()],
    )


def make_rows(options: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    messages.fill(messages=options.messages, deliveries=options.deliveries, large=options.large, end=now)
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    events.fill(events.make_district(), rows=options.events, begin=midnight, end=midnight + timedelta(hours=23))
    for message in SentMessage.objects.order_by("-pk")[:60]:
        recount(message_id=message.pk)
    user = User.objects.create(username="bench", is_superuser=True)
    for number in range(60):
        record_audit_event(by=user, action="user_group.rights_changed", target=f"Group {number}", details=_DETAILS)


_DETAILS = {"before": ["Sent Message Log", "Mailgun Message Log"], "after": ["Sent Message Log"], "people": 3}
_ALL_DAYS = f"created_from={timezone.localdate() - timedelta(days=messages.DAYS)}"
_LARGE = "large"  # stands for the number of the large message

ADDRESSES: dict[str, tuple[str, str]] = {
    "Sent Message Log": ("web:admin_sent_message_log", _ALL_DAYS),
    "Sent Message Log 2.0": ("web:sent_message_log_2", "whose=all"),
    "Recipients": (f"web:admin_sent_message_log_message_recipients {_LARGE}", ""),
    "Recipient Log": ("web:admin_recipient_log", f"{_ALL_DAYS}&person"),
    "Mailgun Message Log": ("web:admin_mailgun_message_log", ""),
    "Audit Trail": ("web:audit_trail", ""),
    "Home": ("web:home", ""),
    "Message": (f"web:admin_sent_message_log_message {_LARGE}", ""),
    "System Health": ("web:system_health", ""),
    "User Groups": ("web:user_groups", ""),
}


def asking(name: str) -> Callable[[], HttpResponse]:
    """Return a function that gets a page as a browser does."""
    client = Client()
    client.force_login(User.objects.get(username="bench"))
    (route, *large), query = ADDRESSES[name][0].split(), ADDRESSES[name][1]
    address = reverse(route, args=[SentMessage.objects.latest("pk").pk] if large else [])
    if query.endswith("&person"):
        # A search for a person is a POST.
        period = query.removesuffix("&person").split("=")
        values = {"person": Recipient.objects.earliest("pk").person_id, period[0]: period[1]}
        return lambda: answered(client.post(address, values, headers={"HX-Request": "true"}))
    return lambda: answered(client.get(f"{address}?{query}"))


def answered(response: Any) -> HttpResponse:
    assert response.status_code == 200
    answer: HttpResponse = response
    return answer


if __name__ == "__main__":
    main()
