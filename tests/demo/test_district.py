"""The families and messages of the demo district."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count, F, Q

from demo.district import Size, make_district
from demo.kinds import REPLIES
from demo.names import COMMUNITIES, pairs
from demo.people import mail_people
from demo.staff import SENDERS, make_staff
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import UNREACHED, DeliveryStatus, Engine, MessageStatus, Mode, Reach
from messenger_logs.drills import compare
from messenger_logs.models import (
    Calendar,
    Delivery,
    DeviceAttempt,
    MessageTotals,
    PersonReach,
    Recipient,
    Reply,
    School,
    SentMessage,
)
from messenger_logs.reach import People, people_of_many
from messenger_logs.services.addresses import read_address
from messenger_logs.services.message_status import status_from
from messenger_logs.statuses import CODES, code_of
from messenger_logs.totals import totals_of
from messenger_logs.unreached import same_person_in
from sandbox.people import read_people

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))
# As many messages as usual, to fewer families.
SIZE = Size(recipients=12_000)


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All that was made, without the ids that the database gave."""
    message = ("message__created_at", "message__subject")
    return {
        "messages": list(
            SentMessage.objects.order_by("created_at", "subject").values_list(
                *("engine", "message_type", "status", "subject", "sender_name", "school__name", "created_at"),
                *("scheduled_at", "listed_from", "dispatch_started_at", "dispatch_finished_at", "cancel_asked_at"),
            )
        ),
        "recipients": list(
            Recipient.objects.order_by(*message, "person_id", "student_number").values_list(
                *message, "person_id", "name", "student_number", "student_name", "counted"
            )
        ),
        "deliveries": list(
            Delivery.objects.order_by(
                *message, "recipient__person_id", "recipient__student_number", "mode", "address"
            ).values_list(
                *message,
                *("recipient__person_id", "mode", "address", "duplicate", "status", "detail", "outcome", "code"),
                *("attempt_count", "first_attempt_at", "last_attempt_at", "email_outcome", "email_reason"),
            )
        ),
        # Their raw text has ids of the database.
        "events": list(
            MailgunEvent.objects.order_by("event_id").values_list("event_id", "occurred_at", "recipient", "detail")
        ),
    }


def made(**size: int) -> dict[str, list[tuple[object, ...]]]:
    """What a district of this size has; the database is as before."""
    with transaction.atomic():
        make_staff()
        make_district(Size(**({"messages": 60, "recipients": 600, "events": 100} | size)), now=NOW)
        found = everything()
        transaction.set_rollback(True)
    return found


@pytest.mark.thorough
def test_the_same_seed_makes_the_same_district_and_another_one_another() -> None:
    first = made(seed=7)

    assert made(seed=7) == first
    assert made(seed=8)["recipients"] != first["recipients"]
    assert [len(first[name]) > 50 for name in first] == [True] * 4


@pytest.mark.thorough
def test_as_many_messages_recipients_and_events_as_asked_for() -> None:
    make_staff()

    make_district(Size(messages=40, recipients=2_000, events=500), now=NOW)

    assert SentMessage.objects.count() == 40
    assert Recipient.objects.filter(counted=True).count() == pytest.approx(2_000, rel=0.25), (
        "the story has sizes of its own"
    )
    assert MailgunEvent.objects.filter(delivery=None).count() == 500, "besides those of the messages"
    assert {"accepted", "delivered", "failed"} <= set(MailgunEvent.objects.values_list("event", flat=True))


@pytest.mark.parametrize("number", [0, 1])
def test_the_smallest_districts_can_be_made(number: int) -> None:
    make_staff()

    make_district(Size(messages=number, recipients=number), now=NOW)

    assert SentMessage.objects.count() == number


def test_the_command_takes_the_size(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_demo", "--messages", "10", "--recipients", "100", "--events", "20", "--seed", "3")

    assert SentMessage.objects.count() == 10
    assert MailgunEvent.objects.filter(delivery=None).count() == 20
    with pytest.raises(CommandError):
        call_command("make_demo", "--messages", "-1")


@pytest.fixture(scope="class")
def district(class_db: None) -> None:
    make_staff()
    make_district(SIZE, now=NOW)
    connection.check_constraints()  # now, and not again after each test


@pytest.mark.usefixtures("district")
class TestUsualSize:
    def test_everything_that_can_be_shown_occurs(self) -> None:
        def occurring(model: Any, name: str) -> set[object]:
            return set(model.objects.values_list(name, flat=True))

        assert occurring(SentMessage, "status") == set(MessageStatus.values)
        assert occurring(SentMessage, "engine") == set(Engine.values)
        assert occurring(SentMessage, "message_type") >= {
            *("Behavior", "Message Builder", "Missing Assignment", "Special Ed", "Attendance"),
            *("Messenger 2.0 - General", "Messenger 2.0 - Priority", "Messenger 2.0 - Emergency"),
            *("Text Opt In", "Text Opt Out"),
        }
        assert occurring(Delivery, "status") == set(DeliveryStatus.values)
        assert occurring(Delivery, "code") - {None} == {*CODES, 99}, "every code, and one that is in no table"
        assert occurring(Delivery, "mode") == set(Mode.values)
        assert occurring(Calendar, "school_year") == {"2025-26", "2026-27"}
        assert School.objects.count() == 8
        assert SentMessage.objects.filter(status="waiting", listed_from__gt=NOW).exists(), "made by a scheduler tool"
        assert SentMessage.objects.filter(status="waiting", scheduled_at__gt=NOW, listed_from__lte=NOW).exists()
        upcoming = SentMessage.objects.filter(status__in=["waiting", "in_progress"]).values_list("engine", "status")
        assert set(upcoming) == {
            (engine, status) for engine in ("classic", "v2") for status in ("waiting", "in_progress")
        }
        assert SentMessage.objects.exclude(attachments=[]).exists()
        assert set(SentMessage.objects.values_list("sender__username", flat=True)) == {p.username for p in SENDERS}

    def test_people_are_as_a_real_district_has_them(self) -> None:
        families = {name.partition(",")[0] for name in Recipient.objects.values_list("name", flat=True)}
        for community in COMMUNITIES:
            assert families & {shown for shown, _ in pairs(community.family)}, community.language
        twice = Recipient.objects.values("message", "person_id").annotate(rows=Count("pk")).filter(rows=2)
        assert twice.exists(), "in a message for two students"
        assert Delivery.objects.filter(mode="voice", duplicate=True).exists(), "a shared number"
        assert Delivery.objects.filter(mode="email", duplicate=True).exists(), "a shared address"
        without = Recipient.objects.annotate(devices=Count("deliveries", filter=~Q(deliveries__address="")))
        assert without.filter(devices=0).exists()

    def test_the_stand_in_for_the_provider_writes_to_the_people_of_the_district(self) -> None:
        known = mail_people()

        people = read_people(map(json.dumps, known), seed=1)

        assert len(people) > 200
        assert len({person.person_id for person in people}) == len(people)
        assert {person.language for person in people} == {"en", "es", "hmn", "so", "vi", "ar", "zh"}
        for person in people[:50]:
            assert Delivery.objects.filter(
                mode="email", address=person.address, recipient__person_id=person.person_id, recipient__name=person.name
            ).exists()

    def test_what_is_made_obeys_the_rules_of_the_ledger(self) -> None:
        for mode, address in Delivery.objects.exclude(address="").values_list("mode", "address").distinct()[:3000]:
            assert read_address(Mode(mode), address).canonical == address
        for code, mode, status, detail, outcome in (
            Delivery.objects.filter(code__isnull=False, mode__in=["voice", "text"])
            .values_list("code", "mode", "status", "detail", "outcome")
            .distinct()
        ):
            meant = code_of(code, Mode(mode))
            assert meant.outcome == outcome
            assert (meant.status, meant.detail) == (status, detail) or code in (5, -30), (code, status, detail)
        assert not Recipient.objects.filter(deliveries__isnull=True).exists()
        assert not SentMessage.objects.filter(scheduled_at__lt=F("created_at")).exists()
        assert not SentMessage.objects.filter(created_at__gt=NOW).exists()
        assert not Delivery.objects.filter(last_attempt_at__gt=NOW).exists()
        assert not Delivery.objects.filter(last_attempt_at__lt=F("first_attempt_at")).exists()
        assert not Delivery.objects.filter(last_attempt_at__gt=F("message__dispatch_finished_at")).exists()
        assert DeviceAttempt.objects.filter(number=3).exists()

    def test_the_totals_are_there_and_agree_with_the_status(self) -> None:
        assert MessageTotals.objects.count() == SentMessage.objects.count()
        canceled = {MessageStatus.CANCELED, MessageStatus.CANCELED_IN_PROGRESS}
        for message in SentMessage.objects.exclude(status__in=canceled):
            assert status_from(totals_of(message).modes.values()) == message.status, message.pk

    def test_a_drill_stands_beside_the_drill_before_it(self) -> None:
        before, drill = SentMessage.objects.filter(drill=True).order_by("scheduled_at")
        assert drill.scheduled_at > NOW - timedelta(days=30)
        same = drill.recipients.values("person_id").filter(person_id__in=before.recipients.values("person_id"))
        assert same.distinct().count() == drill.recipients.filter(counted=True).count()
        found = compare(drill, before)
        assert len(found.schools) == 8
        assert found.total.change > 0, "more than in the first drill"
        assert {line.change for line in found.schools} - {0}
        hopeless = PersonReach.objects.filter(same_person_in(before.pk, UNREACHED), message=drill, reach__in=UNREACHED)
        assert {row.reach for row in hopeless} == {"not_reached", "no_device"}
        assert hopeless.count() > 5

    def test_some_families_text_back(self) -> None:
        replies = Reply.objects.filter(taken_as="")
        assert replies.count() == len(REPLIES)
        assert Reply.objects.filter(taken_as="stop", text="STOP").count() == 3
        assert not replies.filter(Q(message=None) | Q(name="") | Q(received_at__gt=NOW)).exists()

    def test_families_speak_several_languages_and_students_have_schools(self) -> None:
        languages = set(Recipient.objects.values_list("language", flat=True))
        assert languages == {"", *(community.tag for community in COMMUNITIES)}
        assert not Recipient.objects.filter(student_school=None).exists()
        sent = SentMessage.objects.filter(status="sent", modes__len=4)
        people = sum(people_of_many(sent.values_list("pk", flat=True)).values(), People())
        assert min(people.by_kind[kind] for kind in (Reach.REACHED, Reach.NOT_REACHED, Reach.NO_DEVICE)) > 0

    def test_nothing_of_the_workshop_stays(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE tablename LIKE 'demo%' AND schemaname NOT LIKE 'pg_temp%'"
            )
            assert cursor.fetchall() == []
