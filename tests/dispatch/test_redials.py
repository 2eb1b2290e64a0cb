"""Redials: which devices are tried again, when, and how often."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from dispatch.services.recording import record_reports
from dispatch.services.retry import in_doubt, retry_deliveries
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import DeviceAttempt, Redial, SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import EVENING, dispatch_all, finished_at, status_of, statuses
from tests.dispatch.stub import Provider, StubGateway

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.mark.slow
def test_a_busy_line_is_tried_again_after_a_while_up_to_so_many_times(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1, 2: 0, 3: 1, 4: 5})
    message = due_message(Mode.VOICE, 1)

    assert dispatch_all() == 1
    assert statuses(message) == {"busy": 1}
    assert status_of(message) == "in_progress", "somebody is to be tried again"
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    assert dispatch_all() == 1
    assert statuses(message) == {"no_answer": 1}
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    assert dispatch_all() == 1
    clock.shift(timedelta(days=1))

    assert dispatch_all() == 0, "three tries are enough"
    assert statuses(message) == {"busy": 1}
    assert status_of(message) == "sent"
    assert list(DeviceAttempt.objects.order_by("number").values_list("number", "code")) == [(1, 1), (2, 0), (3, 1)]
    assert totals_of(message).modes[Mode.VOICE].attempts == 3


@pytest.mark.slow
def test_what_is_told_late_or_again_of_a_try_asks_for_no_other(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1, 2: 3})
    message = due_message(Mode.VOICE, 1)
    pk = message.deliveries.get().pk
    dispatch_all()
    busy = StatusReport(delivery_id=pk, attempt=1, code=1, at=timezone.now())
    record_reports(message.pk, Mode.VOICE, [busy])
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    dispatch_all()

    record_reports(message.pk, Mode.VOICE, [busy])
    clock.shift(timedelta(days=1))
    dispatch_all()

    assert dict(provider.attempts) == {(pk, 1): 1, (pk, 2): 1}
    assert statuses(message) == {"failed": 1}
    assert not Redial.objects.exists()


@pytest.mark.slow
def test_a_text_that_fails_after_its_message_had_gone_is_tried_again(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: -39, 2: -27})
    message = due_message(Mode.TEXT, 1)
    pk = message.deliveries.get().pk
    dispatch_all()
    assert status_of(message) == "sent"

    record_reports(message.pk, Mode.TEXT, [StatusReport(delivery_id=pk, attempt=1, code=-30, at=timezone.now())])
    assert status_of(message) == "in_progress"
    assert finished_at(message) is None
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    dispatch_all()

    assert dict(provider.attempts) == {(pk, 1): 1, (pk, 2): 1}
    assert statuses(message) == {"sent": 1}
    assert status_of(message) == "sent"
    assert finished_at(message)


@pytest.mark.slow
def test_a_redial_waits_for_the_morning(provider: Provider, due_message: Due, monkeypatch, hours: None, clock) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    clock.move_to(EVENING + timedelta(minutes=25))  # 8:55 PM
    due_message(Mode.VOICE, 1)
    assert dispatch_all() == 1
    assert timezone.localtime(Redial.objects.get().due_at).strftime("%d %H:%M") == "21 08:00"


@pytest.mark.slow
@pytest.mark.parametrize(("code", "again"), [(3, False), (6, False), (9, False), (17, False), (-9, True), (10, True)])
def test_only_some_codes_are_tried_again(
    provider: Provider, due_message: Due, monkeypatch, code: int, again: bool
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: code})
    due_message(Mode.VOICE, 1)
    dispatch_all()
    assert Redial.objects.exists() == again


@pytest.mark.slow
def test_a_voicemail_is_called_again_where_the_district_wants_it(
    provider: Provider, due_message: Due, monkeypatch, settings
) -> None:
    settings.REDIAL_ANSWERING_MACHINES = True
    monkeypatch.setattr(StubGateway, "codes", {1: 6})
    due_message(Mode.VOICE, 1)
    dispatch_all()
    assert Redial.objects.get().attempt == 2


@pytest.mark.slow
def test_nobody_is_tried_again_after_a_cancel(
    provider: Provider, due_message: Due, monkeypatch, clock, make_user: Callable[..., User]
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    clock.shift(timedelta(days=1))

    assert dispatch_all() == 0
    assert statuses(message) == {"busy": 2}, "what it came to stays"
    figures = cancel_figures(message.pk)
    assert (figures.never_started, figures.left) == (0, 2)


@pytest.mark.slow
def test_what_is_in_doubt_is_sent_again_only_by_a_person(
    provider: Provider, due_message: Due, make_user: Callable[..., User], monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 2)
    start_due()
    provider.after.append(_no_answer)
    dispatch_all()
    assert set(in_doubt(message)) == set(message.deliveries.all())
    assert status_of(message) == "sent"

    ids = list(message.deliveries.values_list("pk", flat=True))
    assert retry_deliveries(message_id=message.pk, deliveries=ids[:1], by=make_user()) == 1
    assert retry_deliveries(message_id=message.pk, deliveries=ids[:1], by=make_user()) == 0, "it is on its way already"
    assert status_of(message) == "in_progress"

    assert dispatch_all() == 1
    assert dict(provider.attempts) == {(ids[0], 1): 1, (ids[1], 1): 1, (ids[0], 2): 1}
    assert statuses(message) == {"not_confirmed": 1, "vendor_received": 1}
    assert status_of(message) == "sent"


@pytest.mark.slow
def test_nothing_of_a_canceled_message_is_sent_again(
    provider: Provider, due_message: Due, make_user: Callable[..., User]
) -> None:
    message = due_message(Mode.VOICE, 4)
    start_due()
    provider.after.append(_no_answer)
    send_due(Mode.VOICE)
    cancel_message(message_id=message.pk, by=make_user())
    dispatch_all()
    ids = list(message.deliveries.values_list("pk", flat=True))
    assert retry_deliveries(message_id=message.pk, deliveries=ids, by=make_user()) == 0
    assert status_of(message) == "canceled_ip"


def _no_answer(request: object) -> None:
    raise ConnectionAbortedError
