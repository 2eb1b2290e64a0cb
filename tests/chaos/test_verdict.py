"""The judge of a round notices what it is there for: each fault that is put into a good ledger breaks its rule."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from chaos.plan import Plan
from chaos.verdict import Verdict
from dispatch.models import InboxMessage
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, DeviceAttempt, SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.status_reports import StatusReport, report_statuses
from sandbox.server import Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

Due = Callable[..., SentMessage]
SUCCESS = {Mode.INBOX: "sent", Mode.EMAIL: "sent", Mode.VOICE: "confirmed", Mode.TEXT: "delivered"}


class Record:
    """A round that has come to its end: a message for each mode went out, and the provider's journal says so."""

    def __init__(self, folder: Path, sandbox: Sandbox, due_message: Due) -> None:
        self.journal = folder / "journal.jsonl"
        self.lines: list[dict[str, Any]] = []
        self.away = False
        self.sandbox = sandbox
        self.messages = {mode: due_message(mode, 2, external_id=f"chaos-1-{n}") for n, mode in enumerate(Mode)}
        for mode, message in self.messages.items():
            for delivery in message.deliveries.all():
                self.take(delivery)
            self.report(mode, status=SUCCESS[mode])
            SentMessage.objects.filter(pk=message.pk).update(status="sent")
        InboxMessage.objects.bulk_create(
            InboxMessage(delivery=one, person_id="1", sender_name="") for one in self.deliveries(Mode.INBOX)
        )

    def deliveries(self, mode: Mode) -> list[Delivery]:
        return list(self.messages[mode].deliveries.order_by("pk"))

    def report(self, mode: Mode, **fields: Any) -> None:
        reports = [
            StatusReport(delivery_id=d.pk, attempt=1, at=timezone.now(), **fields) for d in self.deliveries(mode)
        ]
        report_statuses(message_id=self.messages[mode].pk, reports=reports)

    def take(self, delivery: Delivery, attempt: int = 1) -> None:
        to, message = delivery.address, delivery.message
        match delivery.mode:
            case "email":
                variables = {to: {"delivery": str(delivery.pk)}}
                self.lines.append({"kind": "mail", "recipients": {to: ""}, "variables": variables})
            case "voice":
                session = {"message": str(message.pk), "delivery": str(delivery.pk), "attempt": str(attempt)}
                self.lines.append({"kind": "call", "to": to, "session_data": session})
            case "text":
                self.lines.append({"kind": "text", "to": to, "text": f"Hello [{message.external_id}]"})

    def violations(self, canceled: dict[str, float] | None = None) -> list[str]:
        self.journal.write_text("".join(f"{json.dumps(line)}\n" for line in self.lines))
        environment = {"MAILGUN_API_KEY": self.sandbox.api_key}
        site: Any = SimpleNamespace(
            seed=1,
            journal=self.journal,
            provider_url=self.sandbox.url,
            services=SimpleNamespace(environment=environment),
            was_away=lambda *_: self.away,
        )
        traffic: Any = SimpleNamespace(plan=Plan([], [], []), canceled=canceled or {})
        return Verdict(site, traffic).violations()


@pytest.fixture
def record(tmp_path: Path, due_message: Due) -> Iterator[Record]:
    with Sandbox() as sandbox:
        yield Record(tmp_path, sandbox, due_message)


def test_a_round_in_which_nothing_went_wrong_breaks_no_rule(record: Record) -> None:
    assert record.violations() == []


@pytest.mark.parametrize("mode", [Mode.EMAIL, Mode.VOICE, Mode.TEXT])
def test_what_the_provider_never_had_is_lost(record: Record, mode: Mode) -> None:
    record.lines = [line for line in record.lines if line["kind"] != {"email": "mail", "voice": "call"}.get(mode, mode)]
    assert sum("never had it" in sentence for sentence in record.violations()) == 2


@pytest.mark.parametrize("mode", [Mode.EMAIL, Mode.VOICE, Mode.TEXT])
def test_what_went_out_twice_is_doubled(record: Record, mode: Mode) -> None:
    record.take(record.deliveries(mode)[0])
    assert any(sentence.startswith("doubled: the provider took") for sentence in record.violations())


def test_a_redial_is_not_doubled_unless_the_ledger_knows_no_second_attempt(record: Record) -> None:
    delivery = record.deliveries(Mode.VOICE)[0]
    record.take(delivery, attempt=2)
    assert any("2 times" in sentence for sentence in record.violations())
    report = StatusReport(delivery_id=delivery.pk, attempt=2, at=timezone.now(), status="confirmed")
    report_statuses(message_id=delivery.message_id, reports=[report])
    assert record.violations() == []


def test_a_second_row_of_a_device_does_not_go_out(record: Record) -> None:
    Delivery.objects.filter(pk=record.deliveries(Mode.EMAIL)[0].pk).update(duplicate=True)
    assert any("second row" in sentence for sentence in record.violations())


def test_a_delivery_without_an_end_is_stuck(record: Record) -> None:
    Delivery.objects.filter(mode="email").update(status="in_progress", outcome="pending")
    assert sum(sentence.startswith("stuck") for sentence in record.violations()) == 2


def test_what_was_in_doubt_is_not_tried_again(record: Record) -> None:
    delivery = record.deliveries(Mode.TEXT)[0]
    doubtful = {"status": "vendor_received", "detail": "Status unknown", "outcome": "pending"}
    DeviceAttempt.objects.filter(delivery=delivery).update(**doubtful)
    assert not any(sentence.startswith("repeated") for sentence in record.violations())
    DeviceAttempt.objects.create(delivery=delivery, number=2, made=True, rank=5, status="delivered", outcome="success")
    assert any(sentence.startswith("repeated") for sentence in record.violations())


def test_a_request_after_a_cancel_is_noticed_unless_the_provider_was_away(
    record: Record, due_message: Due, make_user: Any
) -> None:
    message = due_message(Mode.TEXT, 2, external_id="chaos-1-9")
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    now = timezone.now()
    canceled = {"chaos-1-9": now.timestamp()}
    body = json.dumps({"text_message": "Hello [chaos-1-9]"})
    record.lines.append({"kind": "request", "method": "POST", "path": "/v1/Messages", "at": 0.0, "body": body})
    assert record.violations(canceled) == []

    record.lines[-1]["at"] = (now + timedelta(seconds=2)).timestamp()
    assert any("came 2.00 s after" in sentence for sentence in record.violations(canceled))
    record.away = True
    assert record.violations(canceled) == []


def test_what_went_out_of_a_canceled_message_is_in_its_figures(
    record: Record, due_message: Due, make_user: Any
) -> None:
    message = due_message(Mode.EMAIL, 2, external_id="chaos-1-9")
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    assert record.violations() == []
    record.take(message.deliveries.all()[0])
    assert any(sentence.startswith("cancel: 1 devices") for sentence in record.violations())


def test_events_and_outcomes_that_are_missing_are_lost(record: Record) -> None:
    record.sandbox.add(user_variables={"delivery": str(record.deliveries(Mode.EMAIL)[0].pk)})
    assert [sentence.partition(":")[0] for sentence in record.violations()] == ["lost", "lost"]


def test_totals_that_differ_from_the_rows_are_noticed(record: Record) -> None:
    record.messages[Mode.EMAIL].totals.modes.update(success=1)
    assert any(sentence.startswith("totals") for sentence in record.violations())


def test_the_inbox_has_what_the_ledger_says(record: Record) -> None:
    InboxMessage.objects.all()[0].delete()
    assert any("does not have it" in sentence for sentence in record.violations())
