"""The same events through the Events API, the Logs API, webhooks and form posts leave the same rows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from mailgun_sync.client import reread, same_event
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.source_counts import count_call
from mailgun_sync.services.webhooks import take_form, take_json
from messenger_logs.models import Delivery
from messenger_logs.services.totals import recount
from sandbox.logs_api import log_of
from sandbox.webhooks import form_post, is_told_by_form
from tests.examples import examples
from tests.mailgun_sync.webhooks import KEY, call, clock, mailgun
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

NAME = "mg.harrison.example"
BEGIN = int(clock.now()) - 3600
SOURCES = ["events", "logs", "webhook", "form"]
EXACT = {"events", "webhook"}
# What is left after the same events must be the same, but for the row's own number and the moment of its first sight.
COLUMNS = [
    *["event", "event_id", "occurred_at", "recipient", "subject", "message_id", "severity", "reason", "kind", "code"],
    *["detail", "person_id", "sent_message_id", "delivery_id"],
]


@pytest.fixture
def domain(settings: Settings) -> SendingDomain:
    settings.MAILGUN_DOMAINS, settings.MAILGUN_WEBHOOK_SIGNING_KEYS = [NAME], [KEY]
    return SendingDomain.objects.create(name=NAME)


@pytest.fixture
def delivery() -> Delivery:
    made = make_delivery(make_recipient(make_message(), person_id="77"), address="mai@example.com")
    recount(message_id=made.message_id)
    return made


def ladder(delivery: Delivery) -> list[dict[str, Any]]:
    """The life of one mail: events of odd times, of which two are in one second."""
    headers = {"to": "mai@example.com", "message-id": f"1@{NAME}", "subject": "Snow day", "from": f"office@{NAME}"}
    usual = {
        "recipient": "mai@example.com",
        "message": {"headers": headers, "attachments": [], "size": 2048},
        "storage": {"url": f"https://x.example/v3/domains/{NAME}/messages/k", "key": "k"},
        "flags": {"is-test-mode": False},
        "tags": [],
        "user-variables": {"message": str(delivery.message_id), "delivery": str(delivery.pk)},
    }
    permanent = {"event": "failed", "severity": "permanent", "reason": "bounce"}
    kinds: list[dict[str, Any]] = [
        {"event": "accepted", "timestamp": BEGIN + 0.123456},
        {
            "event": "failed",
            "severity": "temporary",
            "reason": "generic",
            "timestamp": BEGIN + 2.999999,
            "delivery-status": {"code": 452, "message": "4.2.2 full", "session-seconds": 1.123456789},
        },
        {"event": "delivered", "timestamp": BEGIN + 700.0005, "delivery-status": {"code": 250, "message": "OK"}},
        permanent | {"timestamp": BEGIN + 900.000001, "delivery-status": {"code": "5.1.1", "message": "550 gone"}},
        {"event": "opened", "timestamp": BEGIN + 950.7, "message": {"headers": {"message-id": f"1@{NAME}"}}},
        {"event": "opened", "timestamp": BEGIN + 955.2, "message": {"headers": {"message-id": f"1@{NAME}"}}},
    ]
    return [usual | kind | {"id": f"id{number}"} for number, kind in enumerate(kinds)]


def tell(domain: SendingDomain, source: str, event: dict[str, Any]) -> None:
    if source == "webhook":
        take_json(call(event))
    elif source == "form":
        if is_told_by_form(event):
            _, body = form_post(event, mailgun.signature(stamp=event["timestamp"]))
            take_form(parse_qs(body.decode(), keep_blank_values=True))
    else:
        text = json.dumps(log_of(event, NAME) if source == "logs" else event)
        with transaction.atomic():
            stored = store_events(domain_id=domain.pk, events=[reread(text)])
            count_call(domain_id=domain.pk, source=source, stored=stored)


def rows() -> list[dict[str, Any]]:
    return list(MailgunEvent.objects.order_by("occurred_at", "event_id").values(*COLUMNS))


def expected(domain: SendingDomain, events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The rows after the Events API alone, and the outcome of the delivery."""
    with transaction.atomic():
        for event in events:
            tell(domain, "events", event)
        found, outcome = rows(), Delivery.objects.get().email_outcome
        transaction.set_rollback(True)
    return found, outcome


steps = st.lists(st.tuples(st.sampled_from(SOURCES), st.integers(0, 5)), max_size=10)
exact = st.lists(st.sampled_from(sorted(EXACT)), min_size=6, max_size=6)


@pytest.mark.slow
@examples(40)
@given(steps, exact, st.randoms(use_true_random=False))
def test_any_mix_in_any_order_leaves_the_rows_of_the_events_api(
    domain: SendingDomain, delivery: Delivery, steps: list[tuple[str, int]], exact: list[str], random: Any
) -> None:
    events = ladder(delivery)
    wanted, outcome = expected(domain, events)
    told = steps + list(zip(exact, range(6), strict=True))
    random.shuffle(told)

    with transaction.atomic():
        for source, number in told:
            tell(domain, source, events[number])

        assert rows() == wanted
        assert Delivery.objects.get().email_outcome == outcome == "failed-permanent"
        assert not QuarantinedEvent.objects.exists()
        transaction.set_rollback(True)


@pytest.mark.slow
@examples(25)
@given(st.lists(st.integers(0, 5), min_size=1), st.randoms(use_true_random=False))
def test_the_logs_api_alone_leaves_the_same_rows_but_for_the_cut_times(
    domain: SendingDomain, delivery: Delivery, again: list[int], random: Any
) -> None:
    events = ladder(delivery)
    wanted, outcome = expected(domain, events)
    told = [*again, *range(6)]
    random.shuffle(told)

    with transaction.atomic():
        for number in told:
            tell(domain, "logs", events[number])

        assert rows() == [row | {"occurred_at": cut(row["occurred_at"])} for row in wanted]
        assert Delivery.objects.get().email_outcome == outcome
        assert not QuarantinedEvent.objects.exists()
        transaction.set_rollback(True)


def cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_what_contradicts_the_stored_event_goes_to_quarantine_from_every_source(
    domain: SendingDomain, delivery: Delivery
) -> None:
    event = ladder(delivery)[2]
    tell(domain, "events", event)
    for source in ("logs", "webhook", "events"):
        tell(domain, source, event | {"recipient": f"{source}@example.com"})

    assert MailgunEvent.objects.get().recipient == "mai@example.com"
    assert QuarantinedEvent.objects.count() == 3


def test_an_event_that_was_seen_before_is_not_late_when_its_exact_time_comes(
    domain: SendingDomain, delivery: Delivery
) -> None:
    """Or else a sweep after a change of the source would take everything for late."""
    event = ladder(delivery)[0]
    tell(domain, "logs", event)
    begin, end = (datetime.fromtimestamp(BEGIN, UTC) + timedelta(hours=hours) for hours in (-1, 1))

    stored = store_events(
        domain_id=domain.pk, events=[reread(json.dumps(event))], covered_from=begin, settled_through=end
    )

    assert (stored.new, stored.late, stored.differs) == (0, 0, 0)
    row = MailgunEvent.objects.get()
    assert (row.raw, row.occurred_at.microsecond, row.late_by) == (json.dumps(event), 123456, None)


BASE = {"event": "delivered", "id": "a", "timestamp": 1720456218.5309, "recipient": "mai@example.com"}
LOG = {"event": "delivered", "id": "a", "@timestamp": "2024-07-08T16:30:18.530Z", "recipient": "mai@example.com"}
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "cut to milliseconds": (BASE, LOG, True),
    "rounded to milliseconds": (BASE, LOG | {"@timestamp": "2024-07-08T16:30:18.531Z"}, True),
    "another millisecond": (BASE, LOG | {"@timestamp": "2024-07-08T16:30:18.540Z"}, False),
    "another zone": (BASE, LOG | {"@timestamp": "2024-07-08T11:30:18.530-05:00"}, True),
    "another recipient": (BASE, LOG | {"recipient": "lia@example.com"}, False),
    "account and domain": (BASE, LOG | {"account": {"id": "1"}, "domain": {"name": NAME}}, True),
    "variables as text": (BASE | {"user-variables": {"a": "1"}}, LOG | {"user-variables": '{"a": "1"}'}, True),
    "other variables": (BASE | {"user-variables": {"a": "1"}}, LOG | {"user-variables": '{"a": "2"}'}, False),
    "no variables": (BASE | {"user-variables": {}}, LOG, True),
    "a list of addresses": (BASE | {"storage": {"url": "u"}}, LOG | {"storage": {"url": ["u"]}}, True),
    "another address": (BASE | {"storage": {"url": "u"}}, LOG | {"storage": {"url": ["v"]}}, False),
    "single precision": (BASE | {"s": {"n": 3.5700838565826416}}, LOG | {"s": {"n": 3.5700839}}, True),
    "another number": (BASE | {"s": {"n": 3.5}}, LOG | {"s": {"n": 3.6}}, False),
    "a code as text": (BASE | {"s": {"code": "550"}}, LOG | {"s": {"code": 550}}, True),
    "another code": (BASE | {"s": {"code": "550"}}, LOG | {"s": {"code": 250}}, False),
    "more flags": (BASE | {"flags": {"a": False}}, LOG | {"flags": {"a": False, "b": False}}, True),
    "another flag": (BASE | {"flags": {"a": False}}, LOG | {"flags": {"a": True}}, False),
    "a part less, from the same source": (BASE, BASE | {"tags": ["x"]}, False),
}


@pytest.mark.parametrize(("one", "other", "same"), PAIRS.values(), ids=PAIRS)
def test_other_words_are_no_other_event(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert same_event(json.dumps(one), json.dumps(other)) is same
    assert same_event(json.dumps(other), json.dumps(one)) is same


def test_sources_that_differ_may_each_leave_something_out() -> None:
    one, other = json.dumps(BASE), json.dumps(BASE | {"tags": ["x"]})
    assert same_event(one, other, sources_differ=True)
    assert not same_event(one, json.dumps(BASE | {"recipient": "lia@example.com"}), sources_differ=True)
