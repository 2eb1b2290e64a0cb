"""bin/bench join measures how fast events find the e-mails that others sent, against the usual way: row by row.

Half of the e-mails have a Message-Id; the other half are found by address, subject and time.
"""

import argparse
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from bench.databases import own_database
from bench.events import DOMAIN, as_pages, empty, make_district, vacuum
from bench.measure import print_table, seconds
from mailgun_sync.client import read_page
from mailgun_sync.models import MailgunEvent
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.links import link_deliveries, link_events
from mailgun_sync.signals import link_earlier_events
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.intake import add_message
from messenger_logs.services.totals import recount
from messenger_logs.signals import deliveries_stored

A_MESSAGE = 1_000
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench join", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000, help="events, each of an e-mail of its own")
    parser.add_argument("--naive", type=int, default=3_000, help="how many of the events the usual way gets")
    options = parser.parse_args(arguments)
    with own_database("join"):
        measure(Join(options.events, options.naive))


def measure(join: "Join") -> None:
    rows: list[list[str]] = []

    def add(name: str, count: int, took: float, naive: float | None = None) -> None:
        beside = [f"{join.sample / naive:,.0f}", f"{naive / join.sample / (took / count):.1f}"] if naive else ["", ""]
        rows.append([name, f"{count / took:,.0f}", *beside])

    add("store events that join nothing", join.events, seconds(join.store_strangers))
    join.import_messages()
    add("the same beside the deliveries", join.events, seconds(join.store_strangers))
    add("message first: store its events", join.events, seconds(join.store_own), join.naively())
    join.unlink()
    add("events first: link the deliveries", join.events, seconds(join.link_deliveries), join.naively())
    join.unlink()
    add("an old database: manage.py link_events", join.events, seconds(link_events))
    print_table(
        f"{join.events:,} events of {join.events:,} e-mails of others; events a second",
        ["", "ours", "row by row", "ratio"],
        rows,
    )


class Join:
    """The e-mails of other systems, and the events about them."""

    def __init__(self, events: int, naive: int) -> None:
        self.events, self.sample = events, min(naive, events)
        self.messages = [range(first, min(first + A_MESSAGE, events)) for first in range(0, events, A_MESSAGE)]
        self.domain_id = make_district().domain.pk
        self.seed = 0

    def import_messages(self) -> None:
        """Take the messages in, without a look at events."""
        deliveries_stored.disconnect(link_earlier_events)
        for numbers in self.messages:
            add_message(message(numbers))
        deliveries_stored.connect(link_earlier_events)
        vacuum()

    def store_strangers(self) -> None:
        self._store(partial(event, stranger=True))

    def store_own(self) -> None:
        empty()
        self._store(event)
        self._check()

    def link_deliveries(self) -> None:
        for message_id in SentMessage.objects.order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                link_deliveries(list(Delivery.objects.filter(message=message_id).values_list("pk", flat=True)))
        self._check()

    def unlink(self) -> None:
        """Take the links and outcomes away, as if the events and the deliveries did not know of each other."""
        MailgunEvent.objects.update(delivery=None, sent_message=None, person_id="", sender=None, linked_by="")
        Delivery.objects.update(email_outcome="", email_reason="", email_linked_by="", email_outcome_at=None)
        for pk in SentMessage.objects.values_list("pk", flat=True):
            recount(message_id=pk)
        vacuum()

    def naively(self) -> float:
        """Return the seconds of the usual way for a sample of the events: a query and two updates for each."""
        self.unlink()
        sample = list(MailgunEvent.objects.order_by("pk")[: self.sample])
        took = seconds(lambda: link_all_naively(sample))
        assert not any(one.delivery_id is None for one in sample)
        return took

    def _store(self, make: Any) -> None:
        self.seed += 1
        for page in as_pages([make(number, self.seed) for number in range(self.events)]):
            found, _ = read_page(page)
            with page_transaction():
                store_events(domain_id=self.domain_id, events=found or [])

    def _check(self) -> None:
        assert not MailgunEvent.objects.filter(delivery=None).exists()
        assert not Delivery.objects.filter(email_outcome="").exists()


def message(numbers: range) -> dict[str, Any]:
    return {
        "external_id": f"bench-{numbers[0]}",
        "engine": "classic",
        "message_type": "Bench",
        "subject": subject(numbers[0]),
        "sender_name": "Bench",
        "created_at": AT.isoformat(),
        "modes": ["email"],
        "recipients": [recipient(number) for number in numbers],
    }


def recipient(number: int) -> dict[str, Any]:
    device = {"mode": "email", "address": address(number), "status": "sent", "time": AT.isoformat()}
    if number % 2:
        device["provider_id"] = f"<{message_id(number)}>"
    return {"person_id": str(number), "name": f"Parent {number}", "devices": [device]}


def address(number: int) -> str:
    return f"parent{number % 60_000}.{number // 60_000}@example.com"


def message_id(number: int) -> str:
    return f"20261120.{number:08x}@campus.example"


def subject(number: int) -> str:
    return f"Attendance {number // A_MESSAGE}"


def event(number: int, seed: int, *, stranger: bool = False) -> str:
    to = f"stranger{number}@example.org" if stranger else address(number)
    headers = {"to": to, "message-id": f"x{message_id(number)}" if stranger else message_id(number)}
    return json.dumps(
        {
            "event": "delivered",
            "id": f"{seed}-{number:016x}",
            "timestamp": round(AT.timestamp() + 60 + number / 100_000, 6),
            "recipient": to,
            "delivery-status": {"code": 250, "message": "OK", "mx-host": "mx.example.com"},
            "message": {"headers": headers | {"subject": subject(number)}, "size": 4821},
            "storage": {"url": f"https://storage.example/v3/domains/{DOMAIN}/messages/{'Q' * 60}", "key": "Q" * 60},
            "user-variables": {},
        }
    )


def link_all_naively(events: list[MailgunEvent]) -> None:
    for event in events:
        link_naively(event)


def link_naively(event: MailgunEvent) -> None:
    emails = Delivery.objects.filter(mode="email", address=event.recipient.lower())
    found = emails.filter(provider_id=event.message_id).first()
    if found is None:
        since = event.occurred_at - timedelta(hours=72)
        fits = emails.filter(provider_id="", message__subject=event.subject, last_attempt_at__gte=since)
        found = fits.get()
    event.delivery, event.sent_message_id = found, found.message_id
    event.save(update_fields=["delivery", "sent_message"])
    found.email_outcome = event.kind
    found.save(update_fields=["email_outcome"])


if __name__ == "__main__":
    main()
