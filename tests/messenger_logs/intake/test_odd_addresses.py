"""A log takes what was sent: an odd address refuses no message, and the same mailbox counts once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Claim
from dispatch.services.items import items_of
from messenger_logs.choices import Mode
from messenger_logs.failure_reasons import why_not_reached
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services import canonical_addresses
from messenger_logs.services.addresses import read_address, read_device
from messenger_logs.services.canonical_addresses import Repaired, repair_addresses
from messenger_logs.services.intake import add_message, add_recipients
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.status_labels import device_text
from messenger_logs.totals import totals_of
from reports.kinds.deliveries import ClassicRows
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.intake.conftest import device, message, only, recipient, rows

pytestmark = pytest.mark.django_db

SPELLINGS = ["Mom@bücher.example", "mom@xn--bcher-kva.example", "MOM@bu\u0308cher.example", "mom@bücher.example\u200b"]


@pytest.mark.parametrize(
    ("mode", "address"),
    [
        ("text", "555-0143 (Mom)"),
        ("voice", "none"),
        ("voice", "612-555-0143 / 651-555-0199"),
        ("email", "at home"),
        ("email", "a@x.example; b@y.example"),
        ("email", "x" * 400 + "@mail.example"),
        ("email", "a\0\ud800@mail.example"),
        ("email", "\u200b\u200e"),
        ("email", ""),
        ("text", "  \n"),
        ("voice", None),
    ],
)
def test_what_cannot_be_used_is_an_error_and_the_rest_goes_in(mode: str, address: str | None) -> None:
    taken = add_message(message("one", recipient("1", device(mode, address)), recipient("2", device())))

    odd, good = Delivery.objects.order_by("recipient__person_id")
    assert (odd.status, odd.detail, odd.outcome, odd.attempt_count) == ("error", "Bad data", "error", 0)
    assert why_not_reached(odd) == "The address or number cannot be used. Correct it in the contact data."
    assert good.status == "waiting"
    assert taken.unusable == 1
    figures = totals_of(only()).modes[Mode(mode)]
    assert (figures.error, figures.attempts) == (1, 0)


@pytest.mark.parametrize("mode", ["email", "voice", "text"])
def test_a_device_without_an_address_is_an_error_that_people_see(mode: str) -> None:
    add_message(message("one", recipient("1", {"mode": mode}), recipient("2", {"mode": mode, "status": "Failed"})))

    assert rows("status", "detail") == [("error", "Bad data"), ("failed", "")]
    assert {one.display_address for one in Delivery.objects.all()} == {"—"}


@pytest.mark.parametrize("mode", ["email", "voice", "text"])
@pytest.mark.parametrize("address", ["n/a", "—", "", None, "555-0143 (Mom)", "x" * 400])
def test_what_cannot_be_used_is_a_device_of_each_person(mode: str, address: str | None) -> None:
    one = device(mode, address)
    people = [
        recipient("1", one),
        recipient("2", one, one),
        recipient("3", one),
        recipient("3", one, student_name="Tou"),
    ]
    taken = add_message(message("one", *people))

    assert rows("recipient__person_id", "duplicate") == [("1", False), ("2", False), ("3", False), ("3", True)]
    assert {row.display_address for row in Delivery.objects.all()} == {(address or "—")[:320]}
    figures = totals_of(only()).modes[Mode(mode)]
    assert (figures.devices, figures.error) == (3, 3)
    assert taken.unusable == 4
    assert add_message(message("one", *people)).differs == ()
    assert add_recipients(only(), [*people, recipient("4", one)]).deliveries == 1
    assert totals_of(only()).modes[Mode(mode)].devices == 4


def test_a_report_about_what_cannot_be_used_reaches_the_right_person() -> None:
    add_message(message("one", *(recipient(person, device("text", "n/a")) for person in "123")))
    of_2 = StatusReport(mode="text", address="n/a", person_id="2", code=-28)
    of_3 = StatusReport(delivery_id=Delivery.objects.get(recipient__person_id="3").pk, code=-28)

    assert report_statuses(message_id=only().pk, reports=[of_2, of_3]).changed == 2

    assert rows("status", "attempt_count") == [("error", 0), ("delivered", 1), ("delivered", 1)]
    of_somebody = StatusReport(mode="text", address="n/a", code=-28)
    [refused] = report_statuses(message_id=only().pk, reports=[of_somebody]).refused
    assert refused.message == "The address is not a phone number."


@pytest.mark.slow
@given(text=st.text(), person=st.text(max_size=64), mode=st.sampled_from([Mode.EMAIL, Mode.VOICE]))
def test_the_stored_form_of_what_cannot_be_used_is_never_usable(text: str, person: str, mode: Mode) -> None:
    found = read_device(mode, text, person_id=person)
    assert len(found.canonical) <= 320
    assert read_address(mode, found.canonical).error if found.error else found == read_address(mode, text)


def test_what_cannot_be_used_goes_in_with_recipients_that_come_later() -> None:
    add_message(message("one", recipient("1", device())))

    added = add_recipients(only(), [recipient("2", device("text", "555")), recipient("3", device("email", "x@y"))])

    assert (added.recipients, added.deliveries) == (2, 2)
    assert rows("status", "detail")[1:] == [("error", "Bad data")] * 2


@pytest.mark.parametrize("status", ["Sent", "Failed", "Opt Out", "In-Progress"])
def test_a_result_that_came_with_an_odd_address_stays(status: str) -> None:
    add_message(message("one", recipient("1", device("email", "a b@mail.example", status=status))))

    [(address, label)] = [(one.display_address, one.get_status_display()) for one in Delivery.objects.all()]
    assert (address, label) == ("a b@mail.example", status)


def test_an_engine_that_reached_the_device_all_the_same_is_right() -> None:
    add_message(message("one", recipient("1", device("text", "555-0143 (Mom)"))))
    report = StatusReport(mode="text", address="555-0143 (Mom)", code=-28)

    assert report_statuses(message_id=only().pk, reports=[report]).changed == 1

    assert rows("status", "attempt_count") == [("delivered", 1)]
    assert totals_of(only()).contacted_by_phone == 1


@pytest.mark.parametrize("address", ["josé@example.org", "a..b@docomo.example", "mom@xn--ls8h.la"])
def test_an_odd_address_waits_for_its_turn_like_any_other(address: str) -> None:
    add_message(message("one", recipient("1", device("email", address))))

    assert [(one.display_address, one.status) for one in Delivery.objects.all()] == [(address, "waiting")]


def test_the_same_mailbox_in_several_spellings_counts_once_and_each_is_shown_as_it_was_given() -> None:
    people = [recipient(str(n), device("email", address)) for n, address in enumerate(SPELLINGS)]

    add_message(message("one", *people))

    assert rows("address", "duplicate") == [("mom@bücher.example", n > 0) for n in range(4)]
    shown = [one.display_address for one in Delivery.objects.order_by("pk")]
    assert shown == [*SPELLINGS[:3], "mom@bücher.example"]
    assert totals_of(only()).modes[Mode.EMAIL].devices == 1
    again = add_message(message("one", *(one | {"devices": [device("email", SPELLINGS[0])]} for one in people)))
    assert again.differs == ()


def test_one_person_has_a_mailbox_once() -> None:
    add_message(message("one", recipient("1", *(device("email", address) for address in SPELLINGS))))

    assert rows("address", "given_address") == [("mom@bücher.example", SPELLINGS[0])]


def test_a_report_finds_the_mailbox_in_any_spelling() -> None:
    add_message(message("one", recipient("1", device("email", SPELLINGS[0]))))
    reports = [StatusReport(mode="email", address=address, status="sent") for address in SPELLINGS]

    assert report_statuses(message_id=only().pk, reports=reports).taken == len(SPELLINGS)


def stored_before(*addresses: tuple[str, str], **fields: Any) -> None:
    """Deliveries of one message as an earlier version stored them: (person, address)."""
    stored = make_message(**fields)
    people: dict[str, Any] = {}
    for person, address in addresses:
        who = people.setdefault(person, make_recipient(stored, person_id=person) if person not in people else None)
        make_delivery(who, address=address)
    recount(message_id=stored.pk)


def repaired() -> Repaired:
    return sum(repair_addresses(batch=2), Repaired())


def test_stored_addresses_get_their_canonical_form_once() -> None:
    given = ["Mom@example.org", "dad@example.org", "at home", "jo@xn--mnchen-3ya.example"]
    stored_before(*((str(number), address) for number, address in enumerate(given)))

    assert repaired() == Repaired(addresses=2, duplicates=0)

    assert rows("address", "given_address") == [
        ("mom@example.org", "Mom@example.org"),
        ("dad@example.org", ""),
        ("at home", ""),
        ("jo@münchen.example", "jo@xn--mnchen-3ya.example"),
    ]
    assert repaired() == Repaired()


def test_stored_spellings_of_one_mailbox_become_duplicates_and_the_totals_follow() -> None:
    spellings = [(str(n), address) for n, address in enumerate(["Mom@x.example", "mom@x.example", "MOM@x.example"])]
    stored_before(*spellings, ("1", "MoM@x.example"), ("9", "dad@x.example"))
    stored_before(("1", "Mom@x.example"))
    first = Delivery.objects.earliest("pk").message
    assert totals_of(first).modes[Mode.EMAIL].devices == 5

    assert repaired() == Repaired(addresses=3, duplicates=3)

    assert totals_of(first).modes[Mode.EMAIL].devices == 2
    assert Delivery.objects.filter(message=first, address="mom@x.example", duplicate=False).count() == 1
    # A recipient has an address once, so the second spelling stays.
    assert rows("address", "duplicate")[3] == ("MoM@x.example", True)
    assert repaired() == Repaired()


def waits(person: str, address: str, message: SentMessage, **fields: Any) -> Delivery:
    waiting = {"status": "waiting", "outcome": "pending", **fields}
    return make_delivery(make_recipient(message, person_id=person), address=address, **waiting)


def test_what_waits_and_becomes_a_duplicate_has_the_result_of_the_row_that_counts() -> None:
    stored = make_message(status="in_progress")
    first = make_recipient(stored, person_id="1")
    make_delivery(first, address="mom@x.example", status="failed", outcome="error", detail="Full", code=5)
    waits("2", "Mom@x.example", stored)
    make_delivery(first, address="MOM@x.example", status="waiting", outcome="pending")
    recount(message_id=stored.pk)

    repaired()

    assert rows("status", "detail", "outcome", "code") == [("failed", "Full", "error", 5)] * 3
    assert rows("duplicate") == [(False,), (True,), (True,)]
    stored.refresh_from_db()
    assert stored.status in ("sent", "error"), "nothing waits any more"


def test_what_a_claim_holds_is_left_for_another_time() -> None:
    stored = make_message()
    waits("1", "mom@x.example", stored)
    claimed = waits("2", "Mom@x.example", stored, claim=uuid4())

    assert repaired() == Repaired()
    Delivery.objects.filter(pk=claimed.pk).update(claim=None)
    assert repaired() == Repaired(addresses=1, duplicates=1)


def test_rows_are_read_again_under_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    stored_before(("1", "Mom@x.example"))

    def lock_late(*, message_id: int) -> bool:
        Delivery.objects.update(address="dad@x.example")
        return lock_totals(message_id=message_id)

    monkeypatch.setattr(canonical_addresses, "lock_totals", lock_late)

    assert repaired() == Repaired()
    assert rows("address") == [("dad@x.example",)]


def test_people_and_reports_see_the_form_as_it_was_given() -> None:
    devices = [device("email", "Mom@Example.ORG"), device("text", "612-555-0143 cell"), device("voice", "612-555-0143")]
    add_message(message("one", recipient("1", *devices), modes=["email", "voice", "text"]))

    printed = {row[2] for row in ClassicRows(only(), modes=[Mode.EMAIL, Mode.VOICE, Mode.TEXT])}

    assert printed == {"Mom@Example.ORG", "Text (612) 555-0143 cell", "Voice (612) 555-0143"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("+1 612 555 0143 (Mom)", "(612) 555-0143 (Mom)"),
        ("612-555-0143 / Mom", "(612) 555-0143 Mom"),
        ("(612) 555-0143", "(612) 555-0143"),
        ("Mom: 612.555.0143", "(612) 555-0143 Mom:"),
        ("cell +1 (612) 555-0143 (Mom)", "(612) 555-0143 cell +1 (612) 555-0143 (Mom)"),
        ("1-800-FLOWERS", "(800) 356-9377 1-800-FLOWERS"),
        ("+52 55 1234 5678 (Papá)", "+525512345678 (Papá)"),
    ],
)
def test_lists_and_reports_show_the_number_and_then_the_note(given: str, shown: str) -> None:
    add_message(message("one", recipient("1", device("voice", given))))

    [row] = Delivery.objects.all()
    assert device_text(row.mode, row.address, row.given_address) == shown
    assert [row[2] for row in ClassicRows(only(), modes=[Mode.VOICE])] == [f"Voice {shown}"]


@pytest.mark.parametrize(
    ("mode", "given", "goes_to"),
    [
        ("email", "Mom <Mom@Example.ORG>", "Mom@example.org"),
        ("email", "Mom@example\uff0eorg", "Mom@example.org"),
        ("email", "Mom@example.org.", "Mom@example.org"),
        ("email", "Jose\u0301@mu\u0308nchen.example", "Jose\u0301@münchen.example"),
        ("email", "mom@xn--bcher-kva.example", "mom@bücher.example"),
        ("email", '"A b"@Mail.example', '"A b"@mail.example'),
        ("email", "Mom@[192.0.2.1]", "Mom@[192.0.2.1]"),
        ("voice", "612-555-0143 cell", "+16125550143"),
    ],
)
def test_mail_goes_to_the_mailbox_as_given_at_the_canonical_domain_and_calls_to_the_number(
    mode: str, given: str, goes_to: str
) -> None:
    add_message(message("one", recipient("1", device(mode, given)), sent_by="here"))
    one = Delivery.objects.get()
    claim = Claim(message=only(), mode=one.mode, deliveries=[one.pk], attempts=[1])
    assert [item.address for item in items_of(claim)] == [goes_to]


def test_mail_to_an_address_that_was_stored_before_goes_to_its_canonical_domain() -> None:
    stored_before(("1", "Mom@Example\uff0eorg"))
    one = Delivery.objects.get()
    claim = Claim(message=one.message, mode=one.mode, deliveries=[one.pk], attempts=[1])
    assert [item.address for item in items_of(claim)] == ["Mom@example.org"]
