"""From the provider's JSON to rows: no event is lost, changed or stored twice."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from mailgun_sync.choices import EventKind
from mailgun_sync.client import read_page, reread
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, RecipientAddress, SendingDomain
from mailgun_sync.services.ingest import DIFFERS, StoreResult, retry_quarantined, store_events
from messenger_logs.models import Delivery
from tests.examples import examples
from tests.mailgun_sync import payloads
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


def store(domain: SendingDomain, *texts: str, **options: Any) -> StoreResult:
    events, _ = read_page(f'{{"items": [{", ".join(texts)}], "paging": {{}}}}')
    assert events is not None
    return store_events(domain_id=domain.pk, events=events, **options)


def event(**fields: Any) -> str:
    given = {name.replace("_", "-"): value for name, value in fields.items()}
    return json.dumps({"event": "delivered", "id": "one", "timestamp": 1700000000.5} | given)


def kept_texts() -> list[str]:
    stored, held = MailgunEvent.objects.all(), QuarantinedEvent.objects.all()
    return sorted([*stored.values_list("raw", flat=True), *held.values_list("raw", flat=True)])


def test_raw_json_comes_out_byte_for_byte(domain: SendingDomain) -> None:
    odd = ' {"timestamp":1.7e9 ,"event"\t: "delivered","id":"\\u0069d","b":1.50,"a":[ ],"b":2}'.strip()

    store(domain, *payloads.READABLE, odd, payloads.WITHOUT_TIMESTAMP)

    kept = {
        *MailgunEvent.objects.values_list("raw", flat=True),
        *QuarantinedEvent.objects.values_list("raw", flat=True),
    }
    assert kept == {*payloads.READABLE, odd, payloads.WITHOUT_TIMESTAMP}


def test_the_recorded_samples_go_in_and_come_out_byte_for_byte(domain: SendingDomain) -> None:
    samples = (Path(__file__).parent.parent / "data" / "mailgun_events.jsonl").read_text().splitlines()
    by_key: dict[object, set[str]] = {}
    for text in samples:
        sample = json.loads(text)
        key = (sample["event"], sample["id"], sample["timestamp"]) if "timestamp" in sample else text
        by_key.setdefault(key, set()).add(text)

    outcome = store(domain, *samples)

    assert outcome.new + outcome.quarantined - outcome.differs == len(by_key) > 20
    assert set(kept_texts()) == set(samples), "some of Mailgun's examples share a key and differ"


def test_storing_again_changes_nothing(domain: SendingDomain) -> None:
    texts = [*payloads.READABLE, payloads.WITHOUT_TIMESTAMP]
    first = store(domain, *texts)
    before = list(MailgunEvent.objects.order_by("pk").values())

    second = store(domain, *texts)

    assert (first.seen, first.new, first.quarantined) == (9, 8, 1)
    assert (second.seen, second.new, second.quarantined) == (9, 0, 0)
    assert list(MailgunEvent.objects.order_by("pk").values()) == before


def test_an_id_may_come_again_on_another_day_or_for_another_kind(domain: SendingDomain) -> None:
    store(
        domain,
        event(timestamp=1700000000.5),
        event(timestamp=1700086400.5),
        event(timestamp=1700000000.5, event="opened"),
        event(timestamp=1700000000.5),
    )

    assert MailgunEvent.objects.count() == 3


def first(**fields: Any) -> str:
    return event(recipient="mai@example.com", message={"headers": {"subject": "Snow day"}}, **fields)


OTHERS = {
    "another recipient": event(recipient="lia@example.com", message={"headers": {"subject": "Snow day"}}),
    "another reason": first(delivery_status={"message": "550 unknown"}),
    "a part less": event(recipient="mai@example.com"),
    "another number": first(size=1),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("together", [True, False])
def test_an_event_with_a_known_key_and_another_content_is_kept_and_counted(
    domain: SendingDomain, other: str, together: bool
) -> None:
    if together:
        outcome = store(domain, first(), other, event(id="next"))
        assert (outcome.seen, outcome.new) == (3, 2)
    else:
        store(domain, first())
        outcome = store(domain, other)
        assert (outcome.seen, outcome.new) == (1, 0)

    assert (outcome.quarantined, outcome.differs) == (1, 1)
    assert MailgunEvent.objects.get(event_id="one").raw == first(), "the first one stays"
    held = QuarantinedEvent.objects.get()
    assert (held.raw, held.error) == (other, DIFFERS)
    again = store(domain, first(), other)
    assert (again.quarantined, again.differs) == (0, 0), "it is counted once"
    assert not retry_quarantined(quarantined_id=held.pk)
    assert QuarantinedEvent.objects.get().raw == other


def test_the_same_event_in_other_words_does_not_differ(domain: SendingDomain) -> None:
    body = {"event": "delivered", "id": "one", "timestamp": 1700000000.5, "recipient": "mái@example.com", "n": 1.5}
    spellings = [
        json.dumps(body),
        json.dumps(body, ensure_ascii=False),
        json.dumps(dict(reversed(body.items())), indent=1),
        json.dumps(body).replace("1.5", "1.50"),
        json.dumps(body | {"timestamp": "1700000000.5"}),
        json.dumps(body | {"timestamp": "1700000000.500"}),
    ]

    outcome = sum((store(domain, text) for text in spellings), StoreResult())

    assert (outcome.new, outcome.differs) == (1, 0)
    assert store(domain, *spellings).differs == 0
    assert not QuarantinedEvent.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body,
        lambda body: body | {"timestamp": "1700000000.5"},
        lambda body: dict(reversed(body.items())),
        lambda body: body | {"user-variables": dict(reversed(body["user-variables"].items()))},
    ],
    ids=["the same text", "timestamp as text", "other order", "other order of variables"],
)
def test_an_event_that_comes_again_in_any_spelling_mends_its_link(
    domain: SendingDomain, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    delivery = make_delivery(make_recipient(make_message(), person_id="4711"), address="later@example.com")
    variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
    body = json.loads(event(recipient="mai@example.com", user_variables=variables))
    store(domain, json.dumps(body))
    assert MailgunEvent.objects.get().delivery is None
    Delivery.objects.update(address="mai@example.com")

    outcome = store(domain, json.dumps(change(body)))

    assert (outcome.new, outcome.differs) == (0, 0)
    stored = MailgunEvent.objects.get()
    assert (stored.delivery, stored.person_id) == (delivery, "4711")
    delivery.refresh_from_db()
    assert delivery.email_outcome == "delivered"


def test_an_event_that_contradicts_a_stored_one_mends_no_link(domain: SendingDomain) -> None:
    delivery = make_delivery(make_recipient(make_message()), address="mai@example.com")
    variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
    store(domain, event(recipient="lia@example.com", user_variables=variables))

    assert store(domain, event(recipient="mai@example.com", user_variables=variables)).differs == 1

    assert MailgunEvent.objects.get().delivery is None


def test_of_two_domains_the_same_key_does_not_differ(domain: SendingDomain) -> None:
    other = SendingDomain.objects.create(name="mg.two.example")

    store(domain, first())

    assert store(other, event()).differs == 0


def test_the_same_event_of_two_domains_is_two_events(domain: SendingDomain) -> None:
    other = SendingDomain.objects.create(name="mg.two.example")

    store(domain, event())
    store(other, event())

    assert MailgunEvent.objects.count() == 2


@pytest.mark.parametrize("missing", [{"id": None}, {"id": ""}, {"id": "x" * 129}, {}])
def test_an_event_without_a_usable_id_is_known_by_its_content(domain: SendingDomain, missing: dict[str, Any]) -> None:
    body = {"event": "delivered", "timestamp": 1700000000.5, "recipient": "a@example.com"} | missing
    backwards = dict(reversed(body.items()))

    store(domain, json.dumps(body), json.dumps(backwards, indent=1), json.dumps(body | {"recipient": "b@example.com"}))

    assert MailgunEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("1529692198.641821", 641821),
        ("1666214138.4046676", 404668),
        ("1377047343.0422775", 42278),
        ("1555439198.84909", 849090),
        ("1529692199", 0),
        ("1.5296921990000011e9", 1),
    ],
)
def test_timestamps_are_decimal_and_rounded_to_the_microsecond(
    domain: SendingDomain, written: str, microsecond: int
) -> None:
    store(domain, f'{{"event": "delivered", "id": "t", "timestamp": {written}}}')

    stored = MailgunEvent.objects.get()
    assert stored.occurred_at.microsecond == microsecond
    assert stored.occurred_at == datetime.fromtimestamp(int(float(written)), UTC) + timedelta(microseconds=microsecond)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (payloads.WITHOUT_TIMESTAMP, "no timestamp"),
        (event(timestamp="soon"), "no timestamp"),
        (event(timestamp=True), "no timestamp"),
        (event(timestamp=None), "no timestamp"),
        (event(timestamp=-1), "out of range"),
        (event(timestamp=1e300), "out of range"),
        (f'{{"event": "delivered", "timestamp": 1{"0" * 5000}}}', "out of range"),
        ('{"event": "delivered", "timestamp": NaN}', "out of range"),
        ('{"event": "delivered", "timestamp": 1.0, "id": "x", "n": Infinity}', "database cannot take it"),
        ('{"event": "delivered", "timestamp": 1.0, "id": "x", "n": 1e999999}', "database cannot take it"),
        (event(event=None), "kind"),
        (event(event=""), "kind"),
        (event(event=7), "kind"),
        ('"an error text"', "not a JSON object"),
        ("null", "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason_and_stops_nothing(
    domain: SendingDomain, text: str, why: str
) -> None:
    outcome = store(domain, event(id="before"), text, event(id="after"))

    assert (outcome.seen, outcome.new, outcome.quarantined) == (3, 2, 1)
    held = QuarantinedEvent.objects.get()
    assert held.raw == text
    assert why in held.error


def test_nul_and_half_surrogates_are_replaced_in_what_is_derived_only(domain: SendingDomain) -> None:
    store(domain, payloads.NUL_AND_SURROGATES)

    stored = MailgunEvent.objects.get()
    assert stored.recipient == "a\N{REPLACEMENT CHARACTER}b@example.com"
    assert stored.subject == "half \N{REPLACEMENT CHARACTER}, whole \N{GRINNING FACE}, written \\u0000"
    assert stored.raw == payloads.NUL_AND_SURROGATES


def test_null_parts_are_empty_columns(domain: SendingDomain) -> None:
    store(domain, payloads.NULL_PARTS)

    stored = MailgunEvent.objects.get()
    assert [stored.recipient, stored.subject, stored.message_id, stored.severity, stored.reason, stored.detail] == [
        ""
    ] * 6


@pytest.mark.parametrize("odd", ["text", 5, [], {}, None, True])
@pytest.mark.parametrize("part", ["message", "delivery-status", "reject", "user-variables", "member", "error", "flags"])
def test_any_part_may_have_any_shape(domain: SendingDomain, part: str, odd: object) -> None:
    assert store(domain, event(**{part: odd})).new == 1


@pytest.mark.parametrize(
    ("text", "kind", "recipient", "detail"),
    [
        (payloads.SUPPRESSED, EventKind.SUPPRESSED, "joan@example.com", "Not delivering to previously bounced address"),
        (
            payloads.DELAYED_BOUNCE,
            EventKind.FAILED_PERMANENTLY,
            "test@example.com",
            "smtp; 550-5.1.1 The account does not exist.",
        ),
        (payloads.REJECTED, EventKind.REJECTED, "joan@example.org", "Sandbox subdomains are for test purposes only."),
        (payloads.LIST_MEMBER, None, "user@example.com", ""),
        (payloads.OPENED, None, "recipient@example.com", ""),
        (payloads.STORED, None, "team@example.org", ""),
        (event(event="failed", severity="temporary"), EventKind.FAILED_TEMPORARILY, "", ""),
        (event(event="complained"), EventKind.COMPLAINED, "", ""),
        (event(event="accepted"), EventKind.ACCEPTED, "", ""),
        (event(event="brand_new_kind"), None, "", ""),
    ],
)
def test_columns_are_derived(
    domain: SendingDomain, text: str, kind: EventKind | None, recipient: str, detail: str
) -> None:
    store(domain, text)

    stored = MailgunEvent.objects.get()
    assert (stored.kind, stored.recipient, stored.detail) == (kind or stored.event, recipient, detail)
    if kind:
        assert MailgunEvent.objects.all().of_kind(kind).get() == stored
    others = [other for other in EventKind if other != kind]
    assert not any(MailgunEvent.objects.all().of_kind(other).exists() for other in others)


def test_a_status_code_may_be_a_string(domain: SendingDomain) -> None:
    store(domain, payloads.DELAYED_BOUNCE, payloads.SUPPRESSED)

    assert {*MailgunEvent.objects.values_list("code", flat=True)} == {"5.1.1", "605"}


@pytest.mark.parametrize(
    "variables",
    [
        {"sender": "principal", "person_id": "4711"},
        json.dumps({"sender": "principal", "person_id": "4711"}),
    ],
)
def test_sender_and_person_are_taken_from_the_user_variables(domain: SendingDomain, variables: object) -> None:
    principal = User.objects.create(username="principal")

    store(domain, event(user_variables=variables))

    stored = MailgunEvent.objects.get()
    assert (stored.sender, stored.person_id) == (principal, "4711")


@pytest.mark.parametrize(
    "variables",
    [
        {"sender": "stranger", "person_id": "4711"},
        {"sender": "PRINCIPAL", "person_id": "4711"},
        {"person_id": "4711"},
        json.dumps({"sender": "stranger", "person_id": "4711"}),
        "the variables were too long to be shown {",
        '"principal"',
        '{"sender": "principal\\u0000", "person_id": "4711"}',
        [],
        None,
    ],
)
def test_variables_that_do_not_agree_with_our_users_are_not_believed(domain: SendingDomain, variables: object) -> None:
    User.objects.create(username="principal")

    store(domain, event(user_variables=variables))

    stored = MailgunEvent.objects.get()
    assert (stored.sender, stored.person_id) == (None, "")


def test_very_long_texts_are_cut_in_the_columns_alone(domain: SendingDomain) -> None:
    long = event(
        event="e" * 500,
        recipient="r" * 100_000,
        message={"headers": {"subject": "s" * 100_000, "message-id": "m" * 100_000}},
        severity="x" * 500,
        reason="y" * 5000,
        delivery_status={"code": "c" * 500, "message": "d" * 100_000},
    )

    assert store(domain, long).new == 1

    stored = MailgunEvent.objects.get()
    assert len(stored.recipient) == 512
    assert stored.raw == long


def test_an_event_that_should_have_been_here_is_marked_late(domain: SendingDomain) -> None:
    now = datetime.now(UTC)
    settled = now - timedelta(minutes=30)

    def at(age: timedelta) -> float:
        return (now - age).timestamp()

    outcome = store(
        domain,
        event(id="fresh", timestamp=at(timedelta(minutes=20))),
        event(id="late", timestamp=at(timedelta(minutes=40))),
        event(id="before our time", timestamp=at(timedelta(days=2))),
        covered_from=now - timedelta(days=1),
        settled_through=settled,
    )

    late = MailgunEvent.objects.get(late_by__isnull=False)
    assert outcome.late == 1
    assert late.event_id == "late"
    assert late.late_by is not None
    assert outcome.latest_by == late.late_by
    assert timedelta(minutes=39) < late.late_by < timedelta(minutes=42)


def test_a_retried_event_that_can_be_read_now_leaves_the_quarantine(domain: SendingDomain) -> None:
    held = QuarantinedEvent.objects.create(domain=domain, digest="x", raw=event(), error="an older program could not")

    assert retry_quarantined(quarantined_id=held.pk)

    assert MailgunEvent.objects.get().raw == held.raw
    assert not QuarantinedEvent.objects.exists()
    assert retry_quarantined(quarantined_id=held.pk), "somebody else's second click"


def test_a_retried_event_that_still_cannot_be_read_stays(domain: SendingDomain) -> None:
    store(domain, payloads.WITHOUT_TIMESTAMP)
    held = QuarantinedEvent.objects.get()

    assert not retry_quarantined(quarantined_id=held.pk)

    assert QuarantinedEvent.objects.get() == held


def test_an_address_is_stored_once_however_many_events_go_to_it(domain: SendingDomain) -> None:
    store(domain, event(recipient="mai@example.com"), event(id="two", recipient="mai@example.com"))
    store(domain, event(id="three", recipient="Mai@example.com"), event(id="four", recipient=""), event(id="five"))

    assert sorted(RecipientAddress.objects.values_list("address", flat=True)) == ["Mai@example.com", "mai@example.com"]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
names = ["id", "recipient", "message", "delivery-status", "severity", "reason", "reject", "user-variables"]


@pytest.mark.slow
@given(parts=st.lists(st.dictionaries(st.sampled_from(names), json_values), min_size=1, max_size=4))
@examples(60)
def test_whatever_comes_is_either_stored_or_in_quarantine(domain: SendingDomain, parts: list[dict[str, Any]]) -> None:
    MailgunEvent.objects.all().delete()
    QuarantinedEvent.objects.all().delete()
    texts = [
        json.dumps(part | {"event": "delivered", "timestamp": 1700000000 + number}) for number, part in enumerate(parts)
    ]

    store(domain, *texts)

    kept = [
        *MailgunEvent.objects.values_list("raw", flat=True),
        *QuarantinedEvent.objects.values_list("raw", flat=True),
    ]
    assert sorted(kept) == sorted(texts)


def test_reading_one_event_again_gives_what_reading_its_page_gave() -> None:
    for text in payloads.READABLE:
        events, _ = read_page(f'{{"items": [{text}]}}')
        assert events == [reread(text)]


@pytest.mark.parametrize("timestamp", ["1786103455.522185", 1786103455.522185])
def test_a_timestamp_is_one_as_number_and_as_text(domain: SendingDomain, timestamp: object) -> None:
    assert store(domain, event(timestamp=timestamp)).new == 1
    assert MailgunEvent.objects.get().occurred_at == datetime(2026, 8, 7, 11, 50, 55, 522185, UTC)


@pytest.mark.parametrize("timestamp", ["soon", "", "1786103455.", "-1", "1e9", "9" * 15])
def test_a_text_that_is_no_timestamp_goes_to_quarantine(domain: SendingDomain, timestamp: str) -> None:
    assert store(domain, event(timestamp=timestamp)) == StoreResult(seen=1, quarantined=1)


@pytest.mark.parametrize("said", ["Mom@xn--bcher-kva.example", "MOM@bu\u0308cher.example", "Mom <mom@bücher.example>"])
def test_an_event_belongs_to_the_delivery_of_its_mailbox_in_any_spelling(domain: SendingDomain, said: str) -> None:
    delivery = make_delivery(make_recipient(make_message()), address="mom@bücher.example")
    variables = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}

    store(domain, event(recipient=said, user_variables=variables))

    assert MailgunEvent.objects.get().delivery == delivery
    assert MailgunEvent.objects.get().recipient == said
    for part in ("bücher", "BU\u0308CHER", "mom@xn--bcher-kva.example", "mom@b"):
        assert RecipientAddress.objects.containing(part).get().address == said
