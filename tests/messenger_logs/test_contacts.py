"""Contacts to fix: derived from all deliveries to an address, in whatever order these came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent
from accounts.tools import Tool
from messenger_logs.choices import ContactProblem, ContactState, DeliveryStatus, Outcome
from messenger_logs.models import ContactNews, ContactPerson, ContactToFix, Delivery
from messenger_logs.services.consents import record_consent
from messenger_logs.services.contacts import ListedAddress, note_contacts, set_contact_state, settle_listed
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.intake import add_message
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 16, 16, 0, tzinfo=UTC)
MAIL, NUMBER = "mai@example.com", "+16125550101"


def deliver(day: int = 0, *, about: dict[str, Any] | None = None, message: dict[str, Any] | None = None, **fields: Any):
    """A delivery that was tried so many days after Monday, in a message of its own; its contact is derived."""
    at = MONDAY + timedelta(days=day)
    recipient = make_recipient(make_message(created_at=at, **(message or {})), **(about or {}))
    fields.setdefault("address", MAIL if fields.get("mode", "email") == "email" else NUMBER)
    delivery = make_delivery(recipient, last_attempt_at=at, attempt_count=1, **fields)
    note_contacts(deliveries=[delivery.pk])
    derive_contacts()
    return delivery


def bounced(day: int = 0, **fields: Any):
    return deliver(day, email_outcome="failed-permanent", email_reason="550 5.1.1 nobody here", **fields)


def delivered(day: int = 0, **fields: Any):
    return deliver(day, email_outcome="delivered", **fields)


def contact() -> ContactToFix:
    return ContactToFix.objects.get()


# What is a problem of a contact, and what is not

ERROR, UNREACHED, NOT_TRIED = Outcome.ERROR, Outcome.NOT_REACHED, Outcome.NOT_ATTEMPTED


def mail(problem: str, **fields: Any) -> Any:
    return pytest.param({"mode": "email", **fields}, problem, id=f"{problem or 'none'} {fields}"[:70])


def phone(mode: str, problem: str, status: str, code: int | None, outcome: str, **fields: Any) -> Any:
    values = {"mode": mode, "status": status, "code": code, "outcome": outcome, **fields}
    return pytest.param(values, problem, id=f"{mode} {status} {code} {problem or 'none'}")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        mail("", email_outcome="delivered"),
        mail("", email_outcome=""),
        mail("", email_outcome="accepted"),
        mail("", email_outcome="failed-temporary", email_reason="452 4.2.2 mailbox full"),
        mail("", email_outcome="rejected"),
        mail("bounced", email_outcome="failed-permanent", email_reason="the server said no"),
        mail("bounced", email_outcome="failed", email_reason=""),
        mail("no_mailbox", email_outcome="failed-permanent", email_reason="550 5.1.1 <mai@example.com>: nobody"),
        mail("no_mailbox", email_outcome="failed-permanent", email_reason="550 No such user here"),
        mail("bounced", email_outcome="failed-permanent", email_reason="550 15.1.10 build of the server"),
        mail("mailbox_full", email_outcome="failed-permanent", email_reason="552 5.2.2 over its limit"),
        mail("mail_refused", email_outcome="failed-permanent", email_reason="554 5.7.1 our policy"),
        mail("suppressed", email_outcome="suppressed"),
        mail("complained", email_outcome="complained"),
        mail("opted_out", status="opt_out", outcome=NOT_TRIED),
        mail("not_valid", status="error", outcome=ERROR, detail="Bad data", address="n/a"),
        mail("", status="error", outcome=ERROR, detail="System error"),
        mail("", status="waiting", outcome=Outcome.PENDING),
        phone("voice", "", "busy", 1, UNREACHED),
        phone("voice", "", "no_answer", 0, UNREACHED),
        phone("voice", "", "failed", 14, ERROR),
        phone("voice", "not_in_service", "failed", 3, ERROR),
        phone("voice", "not_in_service", "failed", 16, ERROR),
        phone("voice", "not_in_service", "error", -7, ERROR, detail="Bad data"),
        phone("voice", "not_in_service", "no_answer", -21, UNREACHED),
        phone("voice", "fax", "error", -23, ERROR, detail="Bad data"),
        phone("voice", "", "not_confirmed", 7, UNREACHED),
        phone("voice", "not_valid", "error", -2, ERROR, detail="Bad data"),
        phone("voice", "suppressed", "restricted", -22, UNREACHED),
        phone("voice", "", "restricted", -9, UNREACHED),
        phone("voice", "", "confirmed", 5, Outcome.SUCCESS),
        phone("text", "landline", "undelivered", -40, ERROR),
        phone("text", "landline", "not_eligible", None, NOT_TRIED),
        phone("text", "opted_out", "opt_out", -33, NOT_TRIED),
        phone("text", "not_valid", "error", None, ERROR, detail="Bad data"),
        phone("text", "", "failed", -30, ERROR),
        phone("text", "", "canceled", None, Outcome.CANCELED),
        phone("text", "", "delivered", -28, Outcome.SUCCESS),
    ],
)
def test_what_is_a_problem(fields: dict[str, Any], problem: str) -> None:
    deliver(**fields)
    assert list(ContactToFix.objects.values_list("problem", flat=True)) == ([problem] if problem else [])


def test_an_inbox_is_never_a_contact_to_fix() -> None:
    deliver(mode="inbox", address="p1", status="failed", outcome=ERROR, detail="Bad data")
    assert not ContactToFix.objects.exists()


# How a contact opens and closes

F, S, T, X = "fails", "succeeds", "told", "fixed by a person"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([F], "open"),
        ([F, F], "open"),
        ([F, S], "fixed"),
        ([S, F], "open"),
        ([F, S, F], "open"),
        ([F, T], "told"),
        ([F, T, F], "told"),
        ([F, T, S], "fixed"),
        ([F, T, S, F], "open"),
        ([F, X], "fixed"),
        ([F, X, F], "open"),
        ([F, X, S], "fixed"),
        ([F, X, S, F], "open"),
        ([F, S, T], "fixed"),
    ],
)
def test_a_contact_closes_at_the_next_success_and_opens_at_the_next_failure(
    make_user, time_machine, events: list[str], state: str
) -> None:
    user = make_user()
    for day, event in enumerate(events):
        time_machine.move_to(MONDAY + timedelta(days=day, hours=1), tick=False)
        if event in (T, X):
            wanted = ContactState.TOLD if event == T else ContactState.FIXED
            # PostgreSQL has a clock of its own.
            set_contact_state(contact_id=contact().pk, state=wanted, by=user)
            ContactToFix.objects.filter(handled_as=wanted).update(handled_at=MONDAY + timedelta(days=day, hours=1))
        else:
            (bounced if event == F else delivered)(day)
    assert contact().state == state


def test_a_person_opens_it_again_and_each_change_is_in_the_audit_trail(make_user) -> None:
    user = make_user(last_name="Vang", first_name="Mai")
    bounced()
    pk = contact().pk
    for wanted in (ContactState.TOLD, ContactState.TOLD, ContactState.FIXED, ContactState.OPEN):
        assert set_contact_state(contact_id=pk, state=wanted, by=user).state == wanted
    said = AuditEvent.objects.filter(action="contact.state_changed").order_by("pk")
    assert [event.details["state"] for event in said] == ["Family told", "Fixed", "Open"]
    assert contact().handled_by_name == "Vang, Mai"
    assert not contact().handled


def test_since_is_the_first_failure_after_the_last_success_before_it() -> None:
    for day, result in enumerate([bounced, bounced, delivered, bounced, bounced]):
        result(day)
    assert contact().since == MONDAY + timedelta(days=3)
    delivered(5)
    assert (contact().since, contact().state) == (MONDAY + timedelta(days=3), "fixed")
    assert contact().last_tried_at == MONDAY + timedelta(days=5)


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_the_order_of_the_news_does_not_matter(order: tuple[int, ...]) -> None:
    told = ["failed-permanent", "delivered", "failed-permanent", "complained"]
    rows = [deliver(day) for day in range(4)]
    for place in order:
        Delivery.objects.filter(pk=rows[place].pk).update(email_outcome=told[place])
        note_contacts(deliveries=[rows[place].pk])
        derive_contacts()
    assert (contact().problem, contact().state) == ("complained", "open")
    assert contact().since == MONDAY + timedelta(days=2)


OUTCOMES = {"failed-permanent": "fails", "delivered": "succeeds", "complained": "fails", "accepted": "", "": ""}


def plain(evidence: dict[int, str]) -> tuple[str, datetime] | None:
    """The state of a contact and since when, counted in plain Python; None if it never failed."""
    fails = [day for day, outcome in evidence.items() if OUTCOMES[outcome] == "fails"]
    succeeds = [day for day, outcome in evidence.items() if OUTCOMES[outcome] == "succeeds"]
    if not fails:
        return None
    before = max((day for day in succeeds if day < max(fails)), default=-1)
    since = min(day for day in fails if day > before)
    state = "fixed" if succeeds and max(succeeds) > max(fails) else "open"
    return state, MONDAY + timedelta(days=since)


@pytest.mark.slow
@given(data=st.data())
def test_any_news_in_any_order_gives_what_a_count_in_plain_python_gives(data: st.DataObject) -> None:
    Delivery.objects.all().delete()
    ContactToFix.objects.all().delete()
    rows = [deliver(day) for day in range(data.draw(st.integers(1, 5)))]
    evidence = dict.fromkeys(range(len(rows)), "")
    places, outcomes = st.integers(0, len(rows) - 1), st.sampled_from(sorted(OUTCOMES))
    for place, outcome, derives in data.draw(st.lists(st.tuples(places, outcomes, st.booleans()), max_size=12)):
        evidence[place] = outcome
        Delivery.objects.filter(pk=rows[place].pk).update(email_outcome=outcome)
        note_contacts(deliveries=[rows[place].pk])
        if derives:
            derive_contacts()
    call_command("derive_contacts")
    found = [(one.state, one.since) for one in ContactToFix.objects.all()]
    wanted = plain(evidence)
    assert found == ([wanted] if wanted else [])


def test_a_repetition_changes_nothing() -> None:
    bounced()
    before = list(ContactToFix.objects.values()), list(ContactPerson.objects.values())
    for _ in range(2):
        note_contacts(deliveries=list(Delivery.objects.values_list("pk", flat=True)))
        derive_contacts()
    assert (list(ContactToFix.objects.values()), list(ContactPerson.objects.values())) == before
    assert not ContactNews.objects.exists()


def test_what_turns_out_to_be_no_failure_is_forgotten_unless_somebody_touched_it(make_user) -> None:
    row, other = bounced(), bounced(address="xiong@example.com")
    set_contact_state(
        contact_id=ContactToFix.objects.get(address=other.address).pk, state=ContactState.TOLD, by=make_user()
    )
    Delivery.objects.update(email_outcome="accepted")
    note_contacts(deliveries=[row.pk, other.pk])
    derive_contacts()
    assert list(ContactToFix.objects.values_list("address", "state")) == [("xiong@example.com", "fixed")]
    assert list(ContactPerson.objects.values_list("contact__address", flat=True)) == ["xiong@example.com"]


# Who is behind it


def test_everybody_with_the_address_is_behind_it_with_the_newest_name_and_the_students_school(make_user) -> None:
    sender, other = make_user(), make_user()
    middle = make_school("Oak Middle")
    bounced(0, about={"person_id": "7", "name": "Vang, Mai"}, message={"sender": sender, "school": "Harrison High"})
    delivered(1, about={"person_id": "7", "name": "Vang-Lee, Mai"}, message={"sender": sender})
    student = {"person_id": "8", "name": "Vang, Tou", "student_name": "Vang, Lia", "student_school": middle}
    bounced(2, about=student, message={"sender": other, "school": "Harrison High"})
    call_command("derive_contacts")
    behind = contact().people.order_by("person_id", "student_name").values_list("sender", "name", "school__name")
    assert {(row[0], row[1], row[2]) for row in behind if row[1] == "Vang, Tou"} == {
        (other.pk, "Vang, Tou", "Oak Middle")
    }
    assert {row[2] for row in behind if row[0] == sender.pk} == {"Harrison High"}


def test_a_person_sees_the_contacts_in_own_messages_and_the_administration_sees_all(make_user) -> None:
    rights = (Tool.CONTACTS_TO_FIX, Tool.ADMIN_CONTACTS_TO_FIX)
    sender, other, nobody = make_user(*rights), make_user(*rights), make_user()
    bounced(message={"sender": sender})
    shown = ContactToFix.objects.visible_to
    assert shown(sender, Tool.CONTACTS_TO_FIX).count() == 1
    assert shown(other, Tool.CONTACTS_TO_FIX).count() == 0
    assert shown(other, Tool.ADMIN_CONTACTS_TO_FIX).count() == 1
    for tool in (*rights, Tool.RECIPIENT_LOG):
        assert shown(nobody, tool).count() == 0


# Where the news comes from


def test_status_reports_are_news() -> None:
    recipient = make_recipient(make_message(modes=["voice"]))
    make_delivery(recipient, mode="voice", address=NUMBER, status="in_progress")
    recount(message_id=recipient.message_id)
    report = {"mode": "voice", "address": NUMBER}
    reported = report_statuses(message_id=recipient.message_id, reports=[StatusReport(**report, code=3, at=MONDAY)])
    assert reported.refused == []
    derive_contacts()
    assert (contact().problem, contact().state, contact().code) == ("not_in_service", "open", 3)
    later = StatusReport(**report, attempt=2, code=5, at=MONDAY + timedelta(hours=1))
    report_statuses(message_id=recipient.message_id, reports=[later])
    derive_contacts()
    assert not ContactToFix.objects.exists(), "the last attempt says what the call came to"


def test_stop_opens_a_contact_and_only_start_closes_it() -> None:
    deliver(mode="text", status="delivered")
    record_consent(number=NUMBER, opted_out=True, at=MONDAY + timedelta(days=1), raw="STOP")
    derive_contacts()
    assert (contact().problem, contact().state, contact().mode) == ("opted_out", "open", "text")
    record_consent(number=NUMBER, opted_out=False, at=MONDAY + timedelta(days=2), raw="START")
    derive_contacts()
    assert contact().state == "fixed"


def test_an_import_is_news() -> None:
    add_message(
        {
            "external_id": "a-1",
            "engine": "classic",
            "message_type": "Attendance",
            "sender_name": "Matthews, Dexter",
            "created_at": "2026-11-20T10:05:00-06:00",
            "modes": ["email"],
            "recipients": [{"person_id": "7", "name": "Vang, Mai", "devices": [{"mode": "email", "address": "n/a"}]}],
        }
    )
    derive_contacts()
    assert (contact().problem, contact().display_address, contact().people.get().person_id) == ("not_valid", "n/a", "7")


# The lists of a provider


def listed(address: str = MAIL, problem: ContactProblem = ContactProblem.SUPPRESSED, day: int = 0) -> ListedAddress:
    return ListedAddress(address, problem, MONDAY + timedelta(days=day), "550 nobody here")


def settle(*entries: ListedAddress, unlisted: tuple[str, ...] = ()) -> None:
    settle_listed(listed=entries, unlisted=unlisted)
    derive_contacts()


def test_a_listed_address_is_a_contact_until_it_leaves_the_list() -> None:
    settle(listed())
    assert (contact().problem, contact().state, contact().reason) == ("suppressed", "open", "550 nobody here")
    settle(listed(problem=ContactProblem.COMPLAINED))
    assert contact().problem == "complained"
    settle(unlisted=(MAIL,))
    assert not ContactToFix.objects.exists()


def test_deliveries_go_on_to_say_that_it_fails_when_it_leaves_the_list() -> None:
    bounced(1)
    settle(listed())
    assert (contact().problem, contact().since) == ("suppressed", MONDAY)
    settle(unlisted=(MAIL,))
    assert (contact().problem, contact().since, contact().state) == ("no_mailbox", MONDAY + timedelta(days=1), "open")
    delivered(2)
    assert contact().state == "fixed"


def test_mail_that_arrives_closes_what_a_list_had_opened() -> None:
    settle(listed())
    delivered(1)
    assert contact().state == "fixed"


# In bulk


def many(count: int) -> list[int]:
    """So many deliveries of one message, each of which bounced at another address."""
    recipient = make_recipient(make_message(sender_name="Many"))
    at = MONDAY
    rows = Delivery.objects.bulk_create(
        Delivery(
            message=recipient.message,
            recipient=recipient,
            mode="email",
            address=f"family{number}@example.com",
            status=DeliveryStatus.SENT,
            outcome=Outcome.SUCCESS,
            email_outcome="failed-permanent",
            last_attempt_at=at,
        )
        for number in range(count)
    )
    return [row.pk for row in rows]


def queries_for(count: int) -> int:
    ids = many(count)
    with CaptureQueriesContext(connection) as captured:
        note_contacts(deliveries=ids)
        derive_contacts()
    return len(captured)


def test_a_hundred_failures_take_as_many_queries_as_one() -> None:
    assert queries_for(100) == queries_for(1)
    assert ContactToFix.objects.count() == 100


def test_a_success_of_what_nobody_has_to_fix_is_no_news() -> None:
    row = delivered()
    with CaptureQueriesContext(connection) as captured:
        note_contacts(deliveries=[row.pk])
    assert len(captured) == 1
    assert not ContactNews.objects.exists()
