from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from tests.examples import examples
from tests.messenger_logs.totals.random_messages import RandomMessage

pytestmark = pytest.mark.slow


def in_batches(random: Random, reports: list[StatusReport]) -> Iterator[list[StatusReport]]:
    """In any order, some of it again, in pieces of any size."""
    given = reports + random.sample(reports, len(reports) // 3)
    random.shuffle(given)
    while given:
        size = random.randint(1, 8)
        yield given[:size]
        given = given[size:]


@pytest.mark.django_db
@examples(60)
@given(random=st.randoms(use_true_random=False), count=st.integers(0, 40))
def test_kept_totals_are_what_plain_python_counts_and_what_a_recount_finds(random: Random, count: int) -> None:
    message = RandomMessage(random)
    assert message.kept() == message.expected()

    for batch in in_batches(random, message.reports(count)):
        assert report_statuses(message_id=message.message.pk, reports=batch).refused == []

    kept = message.kept()
    assert kept == message.expected()
    recount(message_id=message.message.pk)
    assert message.kept() == kept


@pytest.mark.django_db
@examples(20)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter_and_repeats_change_nothing(random: Random) -> None:
    seed = random.random()
    found = []
    for order in (1, 2):
        message = RandomMessage(Random(seed))
        reports = message.reports(20)
        for batch in in_batches(Random(order), reports):
            report_statuses(message_id=message.message.pk, reports=batch)
        found.append(message.kept())
        assert report_statuses(message_id=message.message.pk, reports=reports).changed == 0
    assert found[0] == found[1]


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_writers_at_the_same_time_lose_no_count_and_do_not_wait_for_each_other_forever(seed: int) -> None:
    random = Random(seed)
    message = RandomMessage(random)
    reports = message.reports(200)
    batches = list(in_batches(random, reports))

    def write(batch: list[StatusReport]) -> None:
        try:
            report_statuses(message_id=message.message.pk, reports=batch)
            if random.random() < 0.1:
                recount(message_id=message.message.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as writers:
        list(writers.map(write, batches))
    kept = message.kept()
    assert kept == message.expected()
    recount(message_id=message.message.pk)
    assert message.kept() == kept
