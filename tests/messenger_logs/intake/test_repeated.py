"""What comes again, later, or at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from messenger_logs.models import Delivery, Recipient, School, SentMessage
from messenger_logs.services.intake import AddedCounts, IntakeError, add_message, add_recipients
from messenger_logs.totals import totals_of
from tests.examples import often
from tests.messenger_logs.intake.conftest import device, message, only, recipient, rows

pytestmark = pytest.mark.django_db


def test_the_same_message_again_is_one_message_and_says_so() -> None:
    given = message("one", recipient("1", device()), recipient("2"), school="Harrison High")

    first, second = add_message(given), add_message(given)

    assert (first.created, first.added) == (True, AddedCounts(recipients=2, deliveries=5))
    assert (second.created, second.added, second.differs) == (False, AddedCounts(), ())
    assert second.message_id == first.message_id
    assert (SentMessage.objects.count(), Recipient.objects.count(), Delivery.objects.count()) == (1, 2, 5)


def test_the_same_message_with_newer_statuses_is_no_other_message_and_changes_nothing() -> None:
    add_message(message("one", recipient("1", device())))

    again = add_message(message("one", recipient("1", device(code=5)), status="Sent"))

    assert again.differs == ()
    assert rows("status") == [("waiting",)]


def test_another_message_under_the_same_external_id_keeps_the_first_and_says_how_it_differs() -> None:
    add_message(message("one", recipient("1", device())))
    before = list(SentMessage.objects.values())

    other = add_message(
        message(
            "one",
            recipient("1", device(address="612-555-0199")),
            subject="Library Hours",
            school="Elsewhere",
            sender_name="Somebody",
        )
    )

    assert not other.created
    assert other.differs == ("subject", "sender_name", "school", "recipients")
    assert list(SentMessage.objects.values()) == before
    assert rows("address") == [("+16125550143",)]
    assert not School.objects.exists()


# Recipients for a message that exists


def test_recipients_are_appended_with_their_devices() -> None:
    add_message(message("one", recipient("1", device(code=5))))

    added = add_recipients(
        only(),
        [
            recipient("1", device("text"), student_number="b"),
            recipient("2", device()),
            recipient("3", device("email", "a@x.example")),
            recipient("4"),
        ],
    )

    assert added == AddedCounts(recipients=4, deliveries=7)
    assert list(Recipient.objects.order_by("pk").values_list("person_id", "counted")) == [
        ("1", True),
        ("1", False),
        ("2", True),
        ("3", True),
        ("4", True),
    ]
    assert rows("mode", "address", "duplicate", "status")[:4] == [
        ("voice", "+16125550143", False, "not_confirmed"),
        ("text", "+16125550143", False, "waiting"),
        ("voice", "+16125550143", True, "not_confirmed"),
        ("email", "a@x.example", False, "waiting"),
    ]
    totals = totals_of(only())
    assert (totals.recipients, totals.no_device) == (4, 1)


def test_a_duplicate_that_comes_later_has_the_outcome_of_its_first_row() -> None:
    add_message(message("one", recipient("1", device("email", "a@x.example"))))
    Delivery.objects.update(email_outcome="failed-permanent", email_reason="550 unknown")

    add_recipients(
        only(), [recipient("2", device("email", "a@x.example")), recipient("3", device("email", "b@x.example"))]
    )

    assert rows("address", "duplicate", "email_outcome", "email_reason") == [
        ("a@x.example", False, "failed-permanent", "550 unknown"),
        ("a@x.example", True, "failed-permanent", "550 unknown"),
        ("b@x.example", False, "", ""),
    ]


def test_appending_again_adds_nothing() -> None:
    add_message(message("one"))
    given = [recipient("1", device()), recipient("2"), recipient("3", {"mode": "inbox"})]

    add_recipients(only(), given)
    before = rows("pk", "recipient", "mode", "address", "status")

    assert add_recipients(only(), given) == AddedCounts()
    assert add_recipients(only(), [recipient("1")]) == AddedCounts(), "it has a device already"
    assert rows("pk", "recipient", "mode", "address", "status") == before


def test_a_device_that_comes_later_takes_the_place_of_no_device() -> None:
    add_message(message("one", recipient("1"), modes=["voice", "text"]))

    add_recipients(only(), [recipient("1", device("voice"))])

    assert sorted(rows("mode", "status")) == [("text", "no_device"), ("voice", "waiting")]
    assert totals_of(only()).no_device == 0


def test_recipients_that_are_wrong_are_refused_together_by_line() -> None:
    add_message(message("one"))
    given = [recipient("1"), 5, recipient("2", device(code="5"))]

    with pytest.raises(IntakeError) as refused:
        add_recipients(only(), given, first_line=11)

    assert [tuple(error) for error in refused.value.errors] == [
        (12, "", "is not a JSON object"),
        (13, "devices[0].code", "is not a whole number"),
    ]
    assert not Recipient.objects.exists()


@pytest.mark.parametrize("status", ["Canceled", "Canceled IP"])
def test_a_canceled_message_takes_no_more_recipients(status: str) -> None:
    add_message(message("one", status=status))

    with pytest.raises(IntakeError, match="was canceled"):
        add_recipients(only(), [recipient("1", device())])

    assert not Recipient.objects.exists()


# At the same moment, and in bulk


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    start, results = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        start.wait()
        try:
            results.append(call())
        except BaseException as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_message_from_many_at_once_is_one_message() -> None:
    given = message("one", *[recipient(str(n), device(address=f"+1612555{n:04}")) for n in range(300)], school="A")

    results = at_once(*[lambda: add_message(given)] * 4)

    assert sorted(result.created for result in results) == [False, False, False, True]
    assert {result.differs for result in results} == {()}
    assert (SentMessage.objects.count(), Delivery.objects.count()) == (1, 300)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_recipients_appended_by_many_at_once_are_each_there_once() -> None:
    add_message(message("one"))
    stored = only()
    parts = [[recipient(str(n), device(address=f"+1612555{n:04}")) for n in range(at, at + 60)] for at in (0, 30, 60)]

    results = at_once(*[lambda part=part: add_recipients(stored, part) for part in parts])

    assert sum(result.recipients for result in results) == Recipient.objects.count() == 120
    assert totals_of(only()).recipients == 120


@pytest.mark.thorough
@pytest.mark.slow
def test_a_message_with_very_many_deliveries() -> None:
    """A hundred thousand in CI."""
    many = often(50_000)
    people = [
        recipient(
            str(n), device("email", f"p{n}@mail.example", status="Sent"), device("voice", f"+1612{n:07}", code=n % 7)
        )
        for n in range(2_000_000, 2_000_000 + many)
    ]

    taken = add_message(message("one", *people))

    assert taken.added == AddedCounts(recipients=many, deliveries=2 * many)
    assert totals_of(only()).recipients == many


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_large_message_after_small_ones_reads_no_table_from_end_to_end() -> None:
    def rows_read() -> int:
        """Of tables read from end to end. PostgreSQL does so with a table of one page."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute(
                "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'messenger\\_logs\\_%'"
            )
            return int(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        add_message(message("first", recipient("1", device("email", "p@mail.example"))))
        cursor.execute("ANALYZE messenger_logs_recipient, messenger_logs_delivery")
    # So often that the connection keeps its plans.
    for number in range(10):
        add_message(message(f"small {number}", recipient("1", device("email", "p@mail.example"))))
    before = rows_read()

    add_message(message("large", *[recipient(str(n), device("email", f"p{n}@mail.example")) for n in range(1000)]))

    assert rows_read() - before < 100_000, "the thousand rows, a thousand times"


@pytest.mark.slow
def test_queries_do_not_grow_with_recipients(django_assert_max_num_queries: Any) -> None:
    people = [recipient(str(n), device(address=f"+1612555{n:04}", code=5)) for n in range(2000)]
    with django_assert_max_num_queries(43):
        add_message(message("one", *people[:1000]))
    with django_assert_max_num_queries(43):
        add_recipients(only(), people)
