"""What a cancel does to a message, once and for all."""

from uuid import uuid4

import pytest
from django.db.models import Model
from django.utils import timezone

from accounts.models import AuditEvent
from messenger_logs import tasks
from messenger_logs.cancel_figures import cancel_figures, rows_of_figure
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.services import cancel
from messenger_logs.services.cancel import Result, cancel_message, check_cancel
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.message_status import settle_status
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.signals import message_canceled
from messenger_logs.totals import totals_of
from tests.fixtures.cancel import devices
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.queue import note_queued, refuse_all
from web.cancel_text import cancel_text

pytestmark = pytest.mark.django_db


NOTHING_LEFT = "0 left, 0 hung up while ringing, 4 never started, 1 not to be tried."
ONE_UNDER_WAY = (
    "1 still under way, 1 left, 0 hung up while ringing, 2 never started, 1 not to be tried. The figures are final when"
    " nothing is under way any more."
)


def fresh(row: Model) -> None:
    row.refresh_from_db()


def figures(message: SentMessage) -> tuple[int, ...]:
    """Left, hung up while ringing, never started, not to be tried."""
    return tuple(cancel_figures(message.pk).by_name.values())


def settle_claim(message: SentMessage, status: str) -> None:
    """Report the result of the e-mail that is being handed over."""
    claimed = message.deliveries.get(status="in_progress")
    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=claimed.pk, status=status)])


def test_a_waiting_message_becomes_canceled_and_all_of_it_is_stopped(under_way, sender):
    message = under_way(status="waiting")
    answer = cancel_message(message_id=message.pk, by=sender)

    assert answer.result is Result.CANCELED
    assert answer.figures.by_name == {"left": 0, "hung_up": 0, "never_started": 4, "not_tried": 1}
    assert cancel_text(answer) == f"The message is canceled: {NOTHING_LEFT}"
    fresh(message)
    assert message.status == "canceled"
    assert (message.canceled_by, message.canceled_by_name) == (sender, "Vang, Mai")
    assert message.cancel_asked_at is not None
    assert message.cancel_completed_at is None, "the rows do not say so yet"

    complete_cancel(message_id=message.pk)
    fresh(message)
    assert message.cancel_completed_at is not None
    assert devices(message) == {"canceled": 4}


def test_what_has_left_or_is_claimed_stays_as_it_is(under_way, sender):
    message = under_way()
    answer = cancel_message(message_id=message.pk, by=sender)
    assert cancel_text(answer) == f"The message is canceled: {ONE_UNDER_WAY}"

    assert complete_cancel(message_id=message.pk) == 2
    fresh(message)
    assert message.status == "canceled_ip"
    assert devices(message) == {"canceled": 2, "in_progress": 1, "sent": 1}
    email = totals_of(message).modes[Mode.EMAIL]
    assert (email.pending, email.success, email.error, email.canceled) == (1, 1, 0, 2)
    assert totals_of(message).modes[Mode.TEXT].opted_out == 1


def test_an_email_that_was_under_way_has_left_also_if_it_is_reported_as_canceled(under_way, sender):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    claimed = message.deliveries.get(status="in_progress")

    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=claimed.pk, status="canceled")])
    assert figures(message) == (2, 0, 2, 1)
    fresh(message)
    assert message.status == "canceled_ip"


def test_canceling_twice_cancels_once_and_says_who_and_when(under_way, sender, make_user):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    SentMessage.objects.filter(pk=message.pk).update(cancel_asked_at="2026-11-20T16:31:07Z")
    again = cancel_message(message_id=message.pk, by=sender)
    others = cancel_message(message_id=message.pk, by=make_user(first_name="Tou", last_name="Lee"))

    assert again.result is others.result is Result.ALREADY_CANCELED
    same = f"canceled this message already, on 11/20/2026 10:31:07 AM: {ONE_UNDER_WAY}"
    assert (cancel_text(again), cancel_text(others)) == (f"You {same}", f"Vang, Mai {same}")
    fresh(message)
    assert message.canceled_by == sender
    assert AuditEvent.objects.filter(action="message.canceled").count() == 1


@pytest.mark.parametrize("status", ["sent", "error", "no_recipients"])
def test_a_message_that_has_finished_is_not_canceled(under_way, sender, status):
    message = under_way(status=status)
    answer = cancel_message(message_id=message.pk, by=sender)
    assert answer.result is Result.FINISHED
    assert cancel_text(answer).startswith("Nothing was canceled: the message is finished (")
    assert complete_cancel(message_id=message.pk) == 0
    fresh(message)
    assert (message.status, message.cancel_asked_at, message.canceled_by) == (status, None, None)
    assert not AuditEvent.objects.filter(action="message.canceled").exists()


def test_a_message_that_its_own_system_canceled(under_way, sender):
    answer = cancel_message(message_id=under_way(status="canceled").pk, by=sender)
    assert answer.result is Result.ALREADY_CANCELED
    assert cancel_text(answer).startswith("The system that sends this message had canceled it already")


def test_there_is_no_such_message(sender):
    with pytest.raises(SentMessage.DoesNotExist):
        cancel_message(message_id=1, by=sender)


def test_what_would_be_answered_cancels_nothing(under_way, sender):
    message = under_way()
    assert check_cancel(message_id=message.pk, by=sender) is None
    fresh(message)
    assert message.status == "in_progress"
    finished = check_cancel(message_id=under_way(status="sent").pk, by=sender)
    assert finished is not None
    assert finished.result is Result.FINISHED


@pytest.mark.slow
def test_the_trail_says_who_canceled_what_and_the_final_figures(under_way, sender):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    event = AuditEvent.objects.get(action="message.canceled")
    assert (event.who, event.target) == ("Vang, Mai", f"Message {message.pk}")
    assert event.details == {"message": message.pk, "status": "Canceled IP"}
    assert not AuditEvent.objects.filter(action="message.cancel_completed").exists()

    settle_claim(message, "sent")
    complete_cancel(message_id=message.pk)
    complete_cancel(message_id=message.pk)
    event = AuditEvent.objects.get(action="message.cancel_completed")
    assert (event.who, event.target) == ("Vang, Mai", f"Message {message.pk}")
    assert event.details == {"message": message.pk, "left": 2, "hung_up": 0, "never_started": 2, "not_tried": 1}


def test_a_cancel_is_complete_only_when_nothing_is_under_way(under_way, sender):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    fresh(message)
    assert message.cancel_completed_at is None, "an e-mail is being handed over"
    assert devices(message)["canceled"] == 2

    settle_claim(message, "sent")
    SentMessage.objects.update(cancel_asked_at="2026-11-20T16:31:07Z")
    tasks.finish_cancels()
    fresh(message)
    assert message.cancel_completed_at is not None


def test_what_another_system_has_under_way_keeps_no_cancel_open(under_way, sender):
    message = under_way(dispatched_here=False)
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    fresh(message)
    assert message.cancel_completed_at is not None


@pytest.mark.slow
def test_a_cancel_with_a_redial_in_hand_is_not_complete(under_way, sender):
    message = under_way(status="in_progress")
    settle_claim(message, "sent")
    left = message.deliveries.filter(status="sent")[0]
    redial = Redial.objects.create(delivery=left, message=message, mode=Mode.EMAIL, attempt=2, due_at=timezone.now())
    Redial.objects.update(claim=uuid4())
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    fresh(message)
    assert message.cancel_completed_at is None
    assert cancel_figures(message.pk).under_way == 1
    redial.delete()
    complete_cancel(message_id=message.pk)
    fresh(message)
    assert message.cancel_completed_at is not None


@pytest.mark.parametrize(
    ("delivery", "figure"),
    [
        ({"status": "waiting"}, "never_started"),
        ({"mode": "voice", "status": "restricted", "outcome": "pending"}, "never_started"),
        ({"status": "in_progress"}, "left"),
        ({"status": "sent", "attempt_count": 1}, "left"),
        ({"mode": "voice", "status": "vendor_received", "attempt_count": 1}, "left"),
        ({"mode": "voice", "status": "busy", "attempt_count": 3}, "left"),
        ({"status": "failed", "attempt_count": 1}, "left"),
        ({"mode": "text", "status": "opt_out", "attempt_count": 1}, "left"),
        ({"mode": "voice", "status": "canceled", "code": -35, "attempt_count": 1}, "hung_up"),
        ({"mode": "text", "status": "canceled", "attempt_count": 1}, "left"),
        ({"mode": "text", "status": "waiting", "attempt_count": 1}, "left"),
        ({"mode": "voice", "status": "waiting", "attempt_count": 1}, "hung_up"),
        ({"mode": "text", "status": "opt_out"}, "not_tried"),
        ({"mode": "voice", "status": "not_eligible"}, "not_tried"),
        ({"status": "error", "detail": "Bad data"}, "not_tried"),
    ],
)
def test_each_device_is_in_one_figure_and_that_figure_opens_its_row(sender, delivery, figure):
    message = make_message(status="in_progress", dispatched_here=True)
    row = make_delivery(make_recipient(message), **delivery)
    make_delivery(make_recipient(message), address="")
    make_delivery(make_recipient(message), mode=row.mode, address=row.address, status="waiting")
    recount(message_id=message.pk)
    for step in (cancel_message, complete_cancel):
        step(message_id=message.pk, **({"by": sender} if step is cancel_message else {}))
        found = cancel_figures(message.pk)
        assert found.by_name == {name: int(name == figure) for name in found.by_name}
        for name, number in found.by_name.items():
            assert rows_of_figure(message.deliveries.all(), name).count() == number


def test_the_rest_is_stopped_by_a_worker_after_the_commit(
    under_way, sender, monkeypatch, django_capture_on_commit_callbacks
):
    asked = note_queued(monkeypatch, cancel.stop_the_rest)
    message = under_way()
    with django_capture_on_commit_callbacks(execute=True):
        cancel_message(message_id=message.pk, by=sender)
        assert asked == []
    assert asked == [message.pk]
    with django_capture_on_commit_callbacks(execute=True):
        cancel_message(message_id=message.pk, by=sender)
    assert asked == [message.pk]


def test_without_a_broker_it_is_canceled_all_the_same_and_the_sweep_finishes_it(
    under_way, sender, monkeypatch, django_capture_on_commit_callbacks
):
    refuse_all(monkeypatch, cancel.stop_the_rest)
    message = under_way()
    with django_capture_on_commit_callbacks(execute=True):
        assert cancel_message(message_id=message.pk, by=sender).result is Result.CANCELED

    tasks.finish_cancels()
    assert devices(message)["waiting"] == 2, "a worker may be at it: a minute is waited"
    SentMessage.objects.filter(pk=message.pk).update(cancel_asked_at="2026-11-20T16:31:07Z")
    tasks.finish_cancels()
    fresh(message)
    assert message.cancel_completed_at is None, "the e-mail that is being handed over has no result"
    assert devices(message) == {"canceled": 2, "in_progress": 1, "sent": 1}


def test_completing_it_again_changes_nothing(under_way, sender):
    message = under_way()
    settle_claim(message, "sent")
    cancel_message(message_id=message.pk, by=sender)
    tasks.stop_the_rest(message.pk)
    fresh(message)
    completed, before = message.cancel_completed_at, totals_of(message).modes
    assert complete_cancel(message_id=message.pk) == 0
    fresh(message)
    assert (message.cancel_completed_at, totals_of(message).modes) == (completed, before)


def test_a_message_that_nobody_canceled_is_left_alone(under_way):
    message = under_way()
    assert complete_cancel(message_id=message.pk) == 0
    assert devices(message)["waiting"] == 2


def test_in_small_batches_it_stops_the_same(under_way, sender):
    message = under_way(status="waiting")
    cancel_message(message_id=message.pk, by=sender)
    assert complete_cancel(message_id=message.pk, batch=1) == 4
    assert devices(message) == {"canceled": 4}


def test_half_way_the_figures_are_true_and_say_how_far_it_is(under_way, sender):
    message = under_way(status="waiting")
    cancel_message(message_id=message.pk, by=sender)
    Delivery.objects.filter(pk=message.deliveries.earliest("pk").pk).update(status="canceled", outcome="canceled")
    recount(message_id=message.pk)
    half = cancel_figures(message.pk)
    assert (half.never_started, half.left, half.waiting, half.percent) == (4, 0, 3, 25)


def test_a_duplicate_follows_the_row_that_it_duplicates(under_way, sender):
    message = under_way()
    waiting, claimed = message.deliveries.filter(status="waiting")[0], message.deliveries.get(status="in_progress")
    of_waiting = make_delivery(make_recipient(message), address=waiting.address, status="waiting")
    of_claimed = make_delivery(make_recipient(message), address=claimed.address, status="waiting")
    recount(message_id=message.pk)

    cancel_message(message_id=message.pk, by=sender)
    assert figures(message) == (2, 0, 2, 1)
    complete_cancel(message_id=message.pk)
    fresh(of_waiting)
    fresh(of_claimed)
    assert (of_waiting.status, of_claimed.status) == ("canceled", "waiting")
    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=claimed.pk, status="sent")])
    fresh(of_claimed)
    assert of_claimed.status == "sent"


def test_live_calls_are_to_be_hung_up_once_and_a_failure_there_stops_nothing(under_way, sender):
    heard: list[int] = []

    def hang_up(sender: type[SentMessage], message_id: int, **kwargs: object) -> None:
        heard.append(message_id)
        raise RuntimeError

    message = under_way()
    settle_claim(message, "sent")
    message_canceled.connect(hang_up)
    try:
        cancel_message(message_id=message.pk, by=sender)
        assert heard == []
        complete_cancel(message_id=message.pk)
        complete_cancel(message_id=message.pk)
    finally:
        message_canceled.disconnect(hang_up)
    assert heard == [message.pk]
    assert devices(message)["canceled"] == 2


def test_a_canceled_message_never_settles_to_something_else(under_way, sender):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    claimed = message.deliveries.get(status="in_progress")
    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=claimed.pk, status="sent")])
    assert not settle_status(message_id=message.pk)
    fresh(message)
    assert message.status == "canceled_ip"
    assert figures(message) == (2, 0, 2, 1)


def test_late_word_of_a_stopped_device_is_the_truth(under_way, sender):
    """An engine that handed it over before the cancel, and tells of it afterwards."""
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    stopped = message.deliveries.filter(status="canceled")[0]
    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=stopped.pk, status="sent")])
    assert figures(message) == (3, 0, 1, 1)


def test_a_cancel_takes_few_statements_however_much_waits(under_way, sender, django_assert_max_num_queries):
    message = under_way()
    with django_assert_max_num_queries(8):
        cancel_message(message_id=message.pk, by=sender)


def test_no_receiver_keeps_the_first_batch_waiting_and_no_later_batch_keeps_a_call_ringing(under_way, sender):
    message = under_way()
    cancel_message(message_id=message.pk, by=sender)
    waiting: list[int] = []

    def look(message_id, **_):
        waiting.append(devices(message)["waiting"])

    message_canceled.connect(look)
    try:
        before = devices(message)["waiting"]
        complete_cancel(message_id=message.pk, batch=1)
    finally:
        message_canceled.disconnect(look)
    assert waiting == [before - 1]
