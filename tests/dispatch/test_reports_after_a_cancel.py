"""What a provider reports after a cancel is complete: the end of the message and the figures of the cancel stay."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, User
from dispatch.services.claims import claim_next
from dispatch.services.recording import record_reports
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over
from messenger_logs.cancel_figures import REPORTED_LATER, cancel_figures, rows_of_figure
from messenger_logs.choices import Mode
from messenger_logs.message_history import history_of
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.repair import repair_messages
from messenger_logs.services.status_reports import StatusReport, report_statuses
from tests.dispatch.stub import Provider, StubGateway, text_gateway

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.fixture
def canceled(
    provider: Provider, due_message: Due, make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> SentMessage:
    """A message of which one of three texts left, with a complete cancel."""
    monkeypatch.setattr(StubGateway, "codes", {1: -39})
    message = due_message(Mode.TEXT, 3)
    start_due()
    claim = claim_next(Mode.TEXT, batch=1)
    assert claim
    hand_over(claim, text_gateway())
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    message.refresh_from_db()
    assert message.dispatch_finished_at == message.cancel_completed_at is not None
    return message


def report(pk: int, **fields) -> StatusReport:
    return StatusReport(delivery_id=pk, attempt=1, at=timezone.now(), **fields)


def last_told(message: SentMessage) -> dict[str, int]:
    """The figures that the newest event of the trail has, after a look whether the history has the same."""
    events = AuditEvent.objects.filter(action="message.cancel_completed").order_by("pk")
    details = events.last().details
    figures = {name: details[name] for name in cancel_figures(message.pk).by_name}
    [told] = [entry.text for entry in history_of(message).entries if "cancel was complete" in entry.text]
    assert told == f"The cancel was complete: {cancel_figures(message.pk)}."
    return figures


@pytest.mark.slow
def test_a_late_receipt_of_a_text_does_not_move_the_end_of_a_canceled_message(canceled: SentMessage) -> None:
    left = canceled.deliveries.get(status__in=["sent", "delivered", "vendor_received"])
    record_reports(canceled.pk, Mode.TEXT, [report(left.pk, code=-28)])
    left.refresh_from_db()
    assert left.last_attempt_at > canceled.cancel_completed_at
    repair_messages(message_ids=[canceled.pk])
    finished = SentMessage.objects.get(pk=canceled.pk).dispatch_finished_at
    assert finished == canceled.cancel_completed_at


@pytest.mark.slow
def test_a_report_that_a_text_was_canceled_after_it_left_changes_no_figure(canceled: SentMessage) -> None:
    before = cancel_figures(canceled.pk).by_name
    assert before == {"left": 1, "hung_up": 0, "never_started": 2, "not_tried": 0}
    left = canceled.deliveries.exclude(status="canceled").get()
    report_statuses(message_id=canceled.pk, reports=[report(left.pk, status="canceled")])
    left.refresh_from_db()
    assert left.attempt_count == 1
    assert cancel_figures(canceled.pk).by_name == before
    assert last_told(canceled) == before
    for name, number in before.items():
        assert rows_of_figure(canceled.deliveries.all(), name).count() == number
    assert AuditEvent.objects.filter(action="message.cancel_completed").count() == 1


@pytest.mark.slow
def test_a_report_that_contradicts_a_complete_cancel_shows_at_its_device_and_moves_no_figure(
    canceled: SentMessage,
) -> None:
    stopped = canceled.deliveries.filter(status="canceled").first()
    assert stopped
    report_statuses(message_id=canceled.pk, reports=[report(stopped.pk, status="delivered")])
    stopped.refresh_from_db()
    assert stopped.status == "delivered"
    figures = cancel_figures(canceled.pk)
    assert last_told(canceled) == figures.by_name == {"left": 1, "hung_up": 0, "never_started": 2, "not_tried": 0}
    assert figures.contradicted
    assert rows_of_figure(canceled.deliveries.all(), REPORTED_LATER).get() == stopped
    assert AuditEvent.objects.filter(action="message.cancel_completed").count() == 1
    assert SentMessage.objects.get(pk=canceled.pk).cancel_completed_at == canceled.cancel_completed_at
