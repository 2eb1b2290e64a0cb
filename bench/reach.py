"""bin/bench reach measures the people of messages: the kept totals, the sums of many messages, and the lists of people.

The kept figures are compared with a count of the deliveries, person by person, and must be equal to it.
"""

import argparse
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import TruncWeek

from bench.databases import own_database
from bench.ledger import SIZE, administrator, all_days, make_ledger, open_page, print_milliseconds
from bench.measure import ROUNDS, in_turn, print_table, seconds
from bench.messages import vacuum
from messenger_logs.choices import Reach
from messenger_logs.models import Delivery, PersonReach, ReachTotals, Recipient, SentMessage
from messenger_logs.reach import SUMS, people_of_many, reached_times
from messenger_logs.services.reach import recount_reach, settle_reach
from messenger_logs.services.totals import lock_totals

BATCH = 1_000
SETTLED = 10_000

# Written once more, without a word of the product: e-mail and text are the modes of these messages.
_BRUTE_FORCE = f"""
SELECT kind, count(*)
FROM (
    SELECT CASE
        WHEN bool_or(email_outcome IN ('delivered', 'complained') AND mode = 'email'
            OR outcome = 'success' AND mode = 'text') THEN 'reached'
        WHEN bool_or(status = 'sent' AND email_outcome = '' AND mode = 'email'
            OR status = 'vendor_received' AND mode = 'text') THEN 'unconfirmed'
        WHEN bool_or(status NOT IN ('canceled', 'no_device')) THEN 'not_reached'
        WHEN bool_or(status = 'canceled') THEN 'canceled'
        ELSE 'no_device' END AS kind
    FROM {Recipient._meta.db_table} AS r JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = r.id
    WHERE r.message_id = %s
    GROUP BY r.person_id
) AS person
GROUP BY kind
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench reach", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=5_000_000, help="of all messages")
    parser.add_argument("--large", type=int, default=1_000_000, help="how many of them belong to one message")
    parser.add_argument("--keep", action="store_true", help="keep the messages for the next measurement with --keep")
    options = parser.parse_args(arguments)
    with own_database("reach", keep=options.keep):
        if not SentMessage.objects.exists():
            make_ledger(options)
            took = seconds(count_people)
            print(f"{PersonReach.objects.count():,} people of {options.messages:,} messages counted in {took:,.0f} s.")
        large = SentMessage.objects.latest("pk")
        title = f"of {options.deliveries:,} deliveries; milliseconds, medians of {ROUNDS}"
        print_milliseconds(f"The people of a message of {options.large:,} {title}", measure_message(large))
        print_milliseconds(f"The people {title}", measure_sums())
        print_writes(large)


def count_people() -> None:
    """Count as `manage.py recount` does it, in batches. Some e-mails were refused, or nothing is known of them."""
    Delivery.objects.filter(mode="email", pk__regex="[37]$").update(email_outcome="")
    Delivery.objects.filter(mode="email", pk__regex="[48]$").update(email_outcome="failed-permanent")
    ids = list(SentMessage.objects.order_by("pk").values_list("pk", flat=True))
    for begin in range(0, len(ids), BATCH):
        with transaction.atomic():
            recount_reach(message_ids=ids[begin : begin + BATCH])
    vacuum()


def brute_force(large: SentMessage) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_BRUTE_FORCE, [large.pk])
        return dict.fromkeys(Reach.values, 0) | dict(cursor.fetchall())


def measure_message(large: SentMessage) -> dict[str, Any]:
    kept = people_of_many([large.pk])[large.pk].by_kind
    assert {kind.value: number for kind, number in kept.items()} == brute_force(large)
    unreached = PersonReach.objects.filter(message=large, reach=Reach.NOT_REACHED)
    first_page = unreached.select_related("recipient").order_by("recipient")[:SIZE]
    user = administrator()
    listing = open_page("admin_sent_message_log_message_recipients", {"reach": "not_reached"}, user=user, pk=large.pk)
    people = open_page("admin_sent_message_log_message_unreached", {}, user=user, pk=large.pk)
    everybody = lambda: brute_force(large)  # noqa: E731
    return {
        "kept totals": in_turn(lambda: people_of_many([large.pk]), everybody),
        "not reached, first page": in_turn(lambda: list(first_page.all()), everybody),
        "recipients not reached, page and count": in_turn(listing.ours(), everybody),
        "unreached people, page and count": in_turn(people.ours(), everybody),
        "by when 50, 90, 99 % were reached": in_turn(lambda: reached_times(large.pk), everybody),
    }


def measure_sums() -> dict[str, Any]:
    """Sums of all messages, compared with a count of their people."""
    totals, people = ReachTotals.objects.order_by(), PersonReach.objects.order_by()

    def both(path: str) -> tuple[Callable[[], object], Callable[[], object]]:
        counted = people.values(path, "reach").annotate(Count("pk"))
        return lambda: list(totals.filter(mode="").values(path).annotate(**SUMS)), lambda: list(counted)

    week = TruncWeek("message__scheduled_at")
    weekly = totals.filter(mode="").annotate(week=week).values("week").annotate(**SUMS)
    people_weekly = people.annotate(week=week).values("week", "reach").annotate(Count("pk"))
    page = open_page("admin_reach", every_day(), user=administrator())
    by_mode = totals.values("school", "mode").annotate(**SUMS)
    return {
        "by school": in_turn(*both("school")),
        "by language": in_turn(*both("language")),
        "by message type": in_turn(*both("message__message_type")),
        "by school and mode": in_turn(lambda: list(by_mode.all()), both("school")[1]),
        "by week": in_turn(lambda: list(weekly.all()), lambda: list(people_weekly.all())),
        "the page of Reach": in_turn(page.ours(), both("school")[1]),
    }


def every_day() -> dict[str, str]:
    days = all_days()
    return {"sent_from": days["created_from"], "sent_to": days["created_to"]}


def print_writes(large: SentMessage) -> None:
    some = list(
        Delivery.objects.filter(message=large, mode="text").order_by("pk").values_list("pk", flat=True)[:SETTLED]
    )

    @transaction.atomic
    def settle() -> None:
        lock_totals(message_id=large.pk)
        Delivery.objects.filter(pk__in=some).update(status="undelivered", outcome="error")
        settle_reach(message_id=large.pk, deliveries=some)
        transaction.set_rollback(True)

    @transaction.atomic
    def again() -> None:
        recount_reach(message_ids=[large.pk])

    @transaction.atomic
    def made_again() -> None:
        PersonReach.objects.filter(message=large).delete()
        recount_reach(message_ids=[large.pk])

    rows = [
        [f"{len(some):,} deliveries that change, with the change", f"{seconds(settle):.2f}"],
        ["the large message again, nothing to change", f"{seconds(again):.2f}"],
        ["the large message from nothing", f"{seconds(made_again):.2f}"],
    ]
    print_table("Writing", ["", "seconds"], rows)


if __name__ == "__main__":
    main()
