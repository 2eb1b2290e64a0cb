"""What its period is over for goes; figures stay; what is held stays whole."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import AuditEvent
from dispatch.models import Claim
from mailgun_sync.models import MailgunEvent, RecipientAddress
from messenger_logs.models import ContactToFix, Delivery, DeviceAttempt, MessageTotals, Recipient, Reply, SentMessage
from messenger_logs.people import find_people
from messenger_logs.removed import REMOVED
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.signals import deliveries_stored
from reports.document import DUPLICATE
from reports.models import ReportJob
from reports.writers import Format
from retention.choices import HoldKind, Kind
from retention.models import AgedMessage, Hold, RetentionPeriod
from retention.services import aging, audit_trail, steps
from tests.examples import examples
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.reports.documents import written
from tests.reports.messages import classic, rows
from tests.retention import district
from tests.retention.district import NAME, PERSON, YEAR, all_figures, traces
from tests.stored import path_of

pytestmark = pytest.mark.django_db


def keep(**days: int | None) -> None:
    for kind, number in days.items():
        RetentionPeriod.objects.create(kind=Kind(kind), days=number)


def retain(**options: Any) -> Counter[str]:
    gone, ended = aging.retain(pause=False, **options)
    assert ended
    return gone


def hold(kind: HoldKind, value: str = "", **fields: Any) -> Hold:
    return Hold.objects.create(kind=kind, value=value, reason="A case", set_by_name="Somebody", **fields)


@pytest.mark.slow
def test_nothing_goes_as_long_as_nobody_sets_a_period():
    message = district.a_message()
    district.a_reply()
    before = set(district.every_text())
    retain()
    assert {column for column, _ in before ^ set(district.every_text())} <= {
        "mailgun_sync_mailgunevent.raw",  # EVENT_RETENTION_DAYS
        *(column for column, _ in before if column.startswith(("mailgun_sync_", "dispatch_claim"))),
    }
    assert message.recipients.filter(name=NAME).count() == 2


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["classic", "v2"])
def test_figures_are_the_same_when_names_addresses_and_texts_are_gone(engine):
    kind = {} if engine == "classic" else {"engine": "v2", "message_type": "Messenger 2.0 - General"}
    message = district.a_message(**kind)
    district.a_reply()
    district.contacts()
    before = all_figures(message)
    keep(people=400, bodies=400, raw=400)
    gone = retain()
    derive_contacts()
    assert gone["people"] == 6
    assert all_figures(message) == before
    assert all_figures(message, again=True) == before
    # The criteria of a message are no names of recipients: a period leaves them, and an erasure does not.
    assert traces() <= {"messenger_logs_sentmessage.criteria"}
    assert not ContactToFix.objects.exists()


@pytest.mark.slow
def test_rows_say_that_names_are_removed():
    message = district.a_message()
    keep(people=400, bodies=400)
    retain()
    message.refresh_from_db()
    assert message.bodies == {"email": REMOVED, "text": REMOVED}
    assert message.attachments == [{"name": REMOVED, "size": 12}]
    document = classic(message)
    for row in rows(document):
        assert REMOVED in row[0]
        assert row[1] == REMOVED
        assert row[2].rstrip(DUPLICATE).strip() in (
            "Inbox",
            REMOVED,
            f"Voice {REMOVED}",
            f"Text {REMOVED}",
            "No Device",
        )
    for format in Format:
        assert written(format, classic(message))
    mine = Recipient.objects.filter(message=message).order_by("pk")
    assert mine[0].person_id == mine[1].person_id != mine[2].person_id
    assert not find_people(Recipient.objects.all(), "removed", limit=5).people


@pytest.mark.slow
def test_a_younger_message_and_one_that_runs_keep_everything():
    young = district.a_message(ago=timedelta(days=399))
    running = district.a_message(status="in_progress", dispatch_finished_at=None)
    late = district.a_message(dispatch_finished_at=timezone.now() - timedelta(days=1))
    keep(people=400, bodies=400, raw=400)
    retain()
    for message in (young, running, late):
        assert not message.recipients.filter(removed=True).exists()
        assert not AgedMessage.objects.filter(pk=message.pk).exists()
    assert DeviceAttempt.objects.exclude(raw="").count() == 3


def test_events_of_removed_people_keep_what_is_counted():
    message = district.a_message(ago=timedelta(days=100))
    event = MailgunEvent.objects.get()
    keep(people=90)
    retain()
    after = MailgunEvent.objects.get()
    assert (after.kind, after.occurred_at) == (event.kind, event.occurred_at)
    assert after.reason_text == event.reason_text.replace(NAME, REMOVED)
    assert (after.delivery_id, after.recipient, after.raw) == (event.delivery_id, REMOVED, "")
    assert message.recipients.filter(removed=True).count() == 6


def test_events_that_belong_to_no_message_lose_their_people_too():
    message = district.a_message(ago=timedelta(days=100))
    delivery = message.deliveries.filter(mode="email").first()
    foreign = district.event_of(delivery, message.created_at, "x", **{"user-variables": {}, "message": {}})
    district.store(foreign.replace(district.ADDRESS, "stranger@example.org"))
    keep(people=90)
    assert retain()["events without people"] == 1
    assert set(MailgunEvent.objects.values_list("recipient", "raw")) == {(REMOVED, "")}
    assert not RecipientAddress.objects.exists()


def test_reading_the_links_again_takes_no_outcome_back():
    from mailgun_sync.services.links import link_events

    message = district.a_message(ago=timedelta(days=100))
    keep(people=90)
    retain()
    before = all_figures(message)
    link_events()
    assert all_figures(message) == before
    assert MailgunEvent.objects.get().delivery_id


# Of all that is kept of a family, and that goes when no hold protects it.
OF_A_FAMILY = {
    "dispatch_claim",
    "dispatch_inboxmessage",
    "mailgun_sync_mailgunevent",
    "messenger_logs_contacttofix",
    "messenger_logs_delivery",
    "messenger_logs_deviceattempt",
    "messenger_logs_personreach",
    "messenger_logs_recipient",
    "messenger_logs_reply",
    "messenger_logs_sentmessage",
    "messenger_logs_textconsent",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "value"), [(HoldKind.PERSON, PERSON), (HoldKind.STUDENT, district.STUDENT_NUMBER)])
def test_no_row_of_a_held_family_changes_in_any_table(kind, value):
    for fields in ({}, {"engine": "v2", "message_type": "Messenger 2.0 - General"}):
        district.a_message(**fields)
    district.a_stop(ago=2 * YEAR)
    district.a_reply()
    district.contacts()
    hold(kind, value)
    keep(**{one.value: 400 for one in Kind})
    before = district.rows_of_the_family()
    assert before.keys() >= OF_A_FAMILY
    for _ in range(2):
        retain()
        derive_contacts()
        assert district.rows_of_the_family() == before
    assert Recipient.objects.filter(removed=True).count() == 2 * 4, "the others went"
    assert MailgunEvent.objects.filter(recipient__in=RecipientAddress.objects.values("address")).count() == 2
    Hold.objects.update(lifted_at=timezone.now())
    retain()
    assert district.rows_of_the_family().keys() & {"messenger_logs_recipient", "messenger_logs_reply"} == set()


def test_a_held_person_stays_and_the_others_go():
    message = district.a_message()
    hold(HoldKind.PERSON, PERSON)
    before = all_figures(message)
    keep(people=400, bodies=400, raw=400)
    retain()
    kept = message.recipients.filter(removed=False)
    assert set(kept.values_list("person_id", flat=True)) == {PERSON}
    assert Delivery.objects.filter(recipient__in=kept, given_address=REMOVED).count() == 0
    assert SentMessage.objects.get(pk=message.pk).bodies == message.bodies
    assert DeviceAttempt.objects.exclude(raw="").exists()
    assert all_figures(message, again=True) == before
    assert AgedMessage.objects.get(pk=message.pk).kept == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", HoldKind)
def test_each_hold_protects_until_it_is_lifted(kind, make_user):
    sender = make_user(username="principal")
    message = district.a_message(sender=sender)
    day = timezone.localdate(message.created_at)
    values = {
        HoldKind.PERSON: {"value": PERSON},
        HoldKind.STUDENT: {"value": district.STUDENT_NUMBER},
        HoldKind.SENDER: {"value": "principal"},
        HoldKind.MESSAGE: {"value": str(message.pk)},
        HoldKind.PERIOD: {"first_day": day, "last_day": day},
    }
    held = hold(kind, **values[kind])
    keep(people=400, bodies=400, raw=400)
    retain()
    assert message.recipients.filter(person_id=PERSON, removed=False).count() == 2
    assert SentMessage.objects.get(pk=message.pk).bodies == message.bodies
    Hold.objects.filter(pk=held.pk).update(lifted_at=timezone.now())
    retain()
    assert not message.recipients.filter(removed=False).exists()
    assert SentMessage.objects.get(pk=message.pk).bodies["email"] == REMOVED


@pytest.mark.slow
def test_a_run_that_is_cut_goes_on_and_a_second_one_changes_nothing(monkeypatch):
    monkeypatch.setattr(aging, "PEOPLE", 2)
    message = district.a_message()
    before = all_figures(message)
    keep(people=400)
    _, ended = aging.retain(pause=False, until=time.monotonic())
    assert not ended
    retain()
    texts = sorted(district.every_text())
    assert not retain()["people"]
    assert sorted(district.every_text()) == texts
    assert all_figures(message, again=True) == before


def test_reports_and_replies_go_by_their_own_time():
    district.a_message(ago=timedelta(days=10))
    district.a_reply(ago=timedelta(days=100))
    district.a_reply(ago=timedelta(days=10))
    keep(people=90, bodies=90)
    retain()
    old, new = Reply.objects.order_by("received_at")
    assert (old.number, old.name, old.text, old.raw) == (REMOVED, REMOVED, REMOVED, "")
    assert new.number == district.NUMBER


MODES = ["email", "voice", "text"]
ROWS = st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(MODES), st.integers(0, 3))


@pytest.mark.slow
class TestRandomMessages(TestCase):
    """Whatever people share devices and students: a recount after the removal finds the same."""

    @examples(75)
    @given(st.lists(ROWS, min_size=1, max_size=12), st.sets(st.integers(0, 3), max_size=2), st.integers(1, 3))
    def test_figures_stay(self, drawn, held, size):
        message = make_message(modes=MODES, created_at=timezone.now() - 2 * YEAR)
        fill(message, drawn)
        before = all_figures(message, again=True)
        keep(people=400)
        for person in held:
            hold(HoldKind.PERSON, f"p{person}")
        with mock.patch.object(aging, "PEOPLE", size):
            retain()
        assert all_figures(message, again=True) == before
        kept = set(message.recipients.filter(removed=False).values_list("person_id", flat=True))
        assert kept == {f"p{person}" for person in held} & {f"p{person}" for person, *_ in drawn}


def fill(message: SentMessage, drawn: list[tuple[int, int, str, int]]) -> None:
    """Make rows of (person, student, mode, device). The status follows the device, as it does where rows share one."""
    known: dict[tuple[int, int], Recipient] = {}
    for person, student, mode, device in dict.fromkeys(drawn):
        if (person, student) not in known:
            known[person, student] = make_recipient(message, person_id=f"p{person}", student_name=f"s{student}")
        address = f"d{device}@example.com" if mode == "email" else f"+1763555010{device}"
        status = {"email": ["sent", "error"], "voice": ["confirmed", "busy"], "text": ["delivered", "undelivered"]}
        make_delivery(known[person, student], mode=mode, address=address, status=status[mode][device % 2])


def test_people_who_are_added_later_go_too():
    message = district.a_message()
    keep(people=400, raw=400)
    retain()
    late = make_recipient(message, name="Late, Lou")
    delivery = make_delivery(late)
    deliveries_stored.send(SentMessage, message_id=message.pk, deliveries=[delivery.pk])
    assert retain()["people"] == 1
    assert not message.recipients.filter(removed=False).exists()


def test_a_message_that_was_never_counted_is_counted_first():
    message = district.a_message()
    before = all_figures(message)
    MessageTotals.objects.filter(pk=message.pk).delete()
    keep(people=400)
    retain()
    assert MessageTotals.objects.get(pk=message.pk).recipients == before["totals"]["recipients"]


def test_answers_to_hand_overs_stay_with_a_held_message():
    held, other = district.a_message(), district.a_message()
    hold(HoldKind.MESSAGE, str(held.pk))
    retain()
    assert list(Claim.objects.values_list("message", flat=True)) == [held.pk]
    assert not other.deliveries.filter(given_address=REMOVED).exists()


def test_files_go_before_their_usual_end(make_user, settings, tmp_path):
    settings.REPORT_FOLDER = tmp_path
    for days in (3, 1):
        at = timezone.now() - timedelta(days=days)
        times = {"asked_at": at, "expires_at": at + timedelta(days=7), "owner": make_user()}
        job = ReportJob.objects.create(kind="reach", options={}, format="csv", status="done", claim=uuid4(), **times)
        path_of(job).write_text("rows")
    keep(reports=2)
    retain()
    assert ReportJob.objects.get() == job
    assert list(tmp_path.iterdir()) == [path_of(job)]


def an_old_row() -> AuditEvent:
    return AuditEvent.objects.create(action="test", occurred_at=timezone.now() - 2 * YEAR)


def test_old_rows_of_the_trail_go_and_the_trail_refuses_changes_as_before():
    an_old_row()
    new = AuditEvent.objects.create(action="test")
    keep(audit=400)
    retain()
    said, forgotten = AuditEvent.objects.order_by("pk")
    assert (said, forgotten.action) == (new, "audit.forgotten"), "that rows went stays in the trail"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()


def test_a_role_that_does_not_own_the_trail_removes_nothing():
    row = an_old_row()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE runs_the_product; GRANT SELECT, INSERT ON accounts_auditevent TO runs_the_product")
        cursor.execute("SET LOCAL ROLE runs_the_product")
        assert audit_trail.remove_old(before=timezone.now(), batch=10) == 0
        cursor.execute("RESET ROLE")
    assert AuditEvent.objects.get() == row


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_do_the_same_as_one(monkeypatch):
    monkeypatch.setattr(aging, "PEOPLE", 2)
    messages = [district.a_message() for _ in range(3)]
    before = [all_figures(message) for message in messages]
    keep(people=400, bodies=400, raw=400)

    def run() -> int:
        try:
            return retain()["people"]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = [future.result(timeout=120) for future in [pool.submit(run), pool.submit(run)]]
    assert sum(counts) == Recipient.objects.filter(removed=True).count() == 18
    assert [all_figures(message, again=True) for message in messages] == before


def test_steps_pause_and_end_in_time():
    work = steps.Steps(until=time.monotonic() + 60)
    assert work(lambda: 1) == 1
    with pytest.raises(steps.OutOfTime):
        steps.Steps(until=time.monotonic())(lambda: 1)
