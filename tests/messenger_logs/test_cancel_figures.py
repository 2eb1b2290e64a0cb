"""For any message and any writers at work on it: the figures are all devices, and a recount changes no total."""

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from messenger_logs.cancel_figures import REPORTED_LATER, CancelFigures, cancel_figures, rows_of_figure
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.cancel import Result, cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.repair import repair_messages
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.examples import examples
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.totals.random_messages import RandomMessage

pytestmark = pytest.mark.slow


def all_devices(message: SentMessage) -> int:
    """All devices, from the rows themselves."""
    return message.deliveries.filter(duplicate=False).exclude(status__in=["no_device", "duplicate"]).count()


def assert_rows_agree(message: SentMessage, figures: CancelFigures) -> None:
    rows = {name: rows_of_figure(message.deliveries.all(), name).count() for name in figures.by_name}
    assert rows == figures.by_name
    assert figures.devices == all_devices(message)


@pytest.mark.django_db
@examples(40)
@given(random=st.randoms(use_true_random=False), told=st.integers(0, 25), batch=st.integers(1, 5))
def test_of_any_message_the_four_figures_are_all_devices_and_stay_as_they_were(
    random: Random, told: int, batch: int
) -> None:
    user = User.objects.get_or_create(username="canceler")[0]
    made = RandomMessage(random)
    message, pk = made.message, made.message.pk
    report_statuses(message_id=pk, reports=made.reports(told))
    Delivery.objects.filter(message=message, outcome="pending", mode="voice").filter(
        status="waiting", duplicate=False, pk__in=[row.pk for row in made.rows if random.random() < 0.3]
    ).update(status="restricted", code=-9)
    before = {row.pk: (row.status, row.outcome) for row in message.deliveries.all()}

    answer = cancel_message(message_id=pk, by=user)
    figures = answer.figures
    assert_rows_agree(message, figures)
    complete_cancel(message_id=pk, batch=batch)

    kept = totals_of(message)
    if answer.result is Result.CANCELED:
        after = cancel_figures(pk)
        assert (after.by_name, after.waiting) == (figures.by_name, 0)
        assert_rows_agree(message, after)
        had_left = sum(mode.canceled_begun for name, mode in kept.modes.items() if name is not Mode.VOICE)
        stopped = figures.never_started + figures.hung_up
        assert sum(mode.canceled for mode in kept.modes.values()) == stopped + had_left
        for row in message.deliveries.filter(duplicate=False):
            status, outcome = before[row.pk]
            open_before = outcome == "pending" and status in {"waiting", "restricted"}
            assert (row.status, row.outcome) == (("canceled", "canceled") if open_before else (status, outcome))
    recount(message_id=pk)
    assert totals_of(message).modes == kept.modes


@pytest.mark.django_db
@examples(40)
@given(random=st.randoms(use_true_random=False), told=st.integers(0, 10), late=st.integers(1, 25))
def test_nothing_that_is_reported_later_moves_the_figures_of_a_complete_cancel(
    random: Random, told: int, late: int
) -> None:
    user = User.objects.get_or_create(username="canceler")[0]
    made = RandomMessage(random)
    pk = made.message.pk
    report_statuses(message_id=pk, reports=made.reports(told))
    assert not cancel_figures(pk).final
    if cancel_message(message_id=pk, by=user).result is not Result.CANCELED:
        return
    complete_cancel(message_id=pk)
    final = cancel_figures(pk)
    assert (final.final, final.contradicted) == (True, False)
    figure_of = {row: name for name in final.by_name for row in ids_of_figure(made.message, name)}
    statuses = dict(made.message.deliveries.values_list("pk", "status"))

    for report in made.reports(late):
        report_statuses(message_id=pk, reports=[report])

    assert cancel_figures(pk).by_name == final.by_name
    assert figure_of == {row: name for name in final.by_name for row in ids_of_figure(made.message, name)}
    later = set(rows_of_figure(made.message.deliveries.all(), REPORTED_LATER).values_list("pk", flat=True))
    changed = dict(made.message.deliveries.filter(duplicate=False).values_list("pk", "status")).items()
    assert {row for row, status in changed if status != statuses[row]} <= later
    assert AuditEvent.objects.of_message(pk).filter(action="message.cancel_completed").count() == 1
    repair_messages(message_ids=[pk])
    assert cancel_figures(pk).by_name == final.by_name


def ids_of_figure(message: SentMessage, name: str) -> list[int]:
    return list(rows_of_figure(message.deliveries.all(), name).values_list("pk", flat=True))


class Claimers:
    """Workers that hand over as the dispatcher does: the message row FOR SHARE, and rows that nobody has locked."""

    def __init__(self, message: SentMessage) -> None:
        self.message = message
        self.claimed: list[int] = []
        self.stop = threading.Event()

    def claim_all(self, seed: int) -> None:
        try:
            while not self.stop.is_set() and self.claim(Random(seed).randint(1, 5)):
                pass
        finally:
            connection.close()

    def claim(self, size: int) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM messenger_logs_sentmessage WHERE id = %s AND status = 'in_progress' FOR SHARE",
                [self.message.pk],
            )
            if not cursor.rowcount:
                return False
            cursor.execute(
                "UPDATE messenger_logs_delivery SET status = 'in_progress' WHERE id IN ("
                " SELECT id FROM messenger_logs_delivery WHERE message_id = %s AND status = 'waiting' AND NOT duplicate"
                " LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id",
                [self.message.pk, size],
            )
            taken = [pk for (pk,) in cursor.fetchall()]
        self.claimed += taken
        return bool(taken)


@pytest.fixture
def large(make_user) -> SentMessage:
    message = make_message(status="in_progress", modes=[Mode.EMAIL])
    for _ in range(120):
        make_delivery(make_recipient(message), status="waiting")
    recount(message_id=message.pk)
    return message


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_handed_over_after_a_cancel_and_the_answer_counts_just_what_had_left(large, make_user, seed):
    user, claimers = make_user(), Claimers(large)
    with ThreadPoolExecutor(6) as pool:
        at_work = [pool.submit(claimers.claim_all, seed + number) for number in range(4)]
        while len(claimers.claimed) < 10 + 5 * seed:
            pass
        answer = cancel_message(message_id=large.pk, by=user)
        for each in at_work:
            each.result()
    complete_cancel(message_id=large.pk, batch=7)

    assert answer.result is Result.CANCELED
    assert answer.figures.left == len(claimers.claimed) == len(set(claimers.claimed))
    assert answer.figures.never_started == 120 - len(claimers.claimed)
    statuses = list(large.deliveries.values_list("status", flat=True))
    stopped = answer.figures.never_started
    assert (statuses.count("canceled"), statuses.count("in_progress")) == (stopped, answer.figures.left)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_once_one_cancels_and_the_others_learn_who(large, make_user):
    users = [make_user(first_name=f"No{number}", last_name="User") for number in range(6)]

    def press(user):
        try:
            return cancel_message(message_id=large.pk, by=user)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(press, users))
    first = [answer for answer in answers if answer.result is Result.CANCELED]
    assert len(first) == 1
    assert {answer.message.canceled_by for answer in answers} == {first[0].by}
    assert {(answer.figures.never_started, answer.figures.left) for answer in answers} == {(120, 0)}


@pytest.mark.django_db(transaction=True)
def test_results_that_arrive_while_two_workers_stop_the_rest_lose_no_count(large, make_user):
    left = list(large.deliveries.values_list("pk", flat=True)[:40])
    Delivery.objects.filter(pk__in=left).update(status="in_progress")
    cancel_message(message_id=large.pk, by=make_user())

    def run(work):
        try:
            return work()
        finally:
            connection.close()

    def report(pk: int):
        return lambda: report_statuses(message_id=large.pk, reports=[StatusReport(delivery_id=pk, status="sent")])

    def stop():
        return complete_cancel(message_id=large.pk, batch=9)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(run, [stop, *map(report, left[:20]), stop, *map(report, left[20:])]))
    assert done[0] + done[21] == 80, "each is stopped once"
    email = totals_of(large).modes[Mode.EMAIL]
    assert (email.success, email.canceled, email.pending) == (40, 80, 0)
    large.refresh_from_db()
    assert (large.status, large.cancel_completed_at is not None) == ("canceled_ip", True)
