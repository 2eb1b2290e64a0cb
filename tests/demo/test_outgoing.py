"""What the demo district still has to send."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from demo.district import Size, make_district
from demo.outgoing import PREFIX, keep_outgoing_back, plan_outgoing
from demo.people import mail_people
from demo.staff import make_staff
from messenger_logs.models import Delivery, Recipient, SentMessage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


SIZE = Size(messages=12, recipients=3_750)


def outgoing() -> list[SentMessage]:
    return list(SentMessage.objects.filter(dispatched_here=True).order_by("scheduled_at", "pk"))


@pytest.mark.thorough
def test_what_the_made_up_district_has_under_way_goes_on_to_its_end() -> None:
    make_staff()
    make_district(Size(messages=100, recipients=60, events=0))
    plan_outgoing()
    running = SentMessage.objects.running().filter(external_id=None)
    assert running
    assert all(message.dispatched_here for message in running)
    assert not Delivery.objects.filter(message__in=running, status="in_progress").exists(), "that nobody has in hand"


@pytest.mark.thorough
def test_what_somebody_imported_is_left_alone() -> None:
    make_staff()
    now = timezone.now()
    imported = SentMessage.objects.create(
        engine="v2", status="waiting", external_id="elsewhere-1", created_at=now, scheduled_at=now, listed_from=now
    )
    plan_outgoing()
    imported.refresh_from_db()
    assert not imported.dispatched_here


@pytest.fixture(scope="class")
def planned(class_db: None) -> datetime:
    """When it was planned what goes out."""
    make_staff()
    make_district(SIZE)
    now = timezone.now()
    plan_outgoing(now=now)
    connection.check_constraints()  # now, and not again after each test
    return now


@pytest.mark.usefixtures("planned")
class TestPlanned:
    def test_messages_of_both_engines_become_due_in_the_next_minutes_and_hours(self, planned: datetime) -> None:
        messages = outgoing()
        assert {message.engine for message in messages} == {"classic", "v2"}
        assert {message.status for message in messages} == {"waiting"}
        assert all(message.sender for message in messages)
        due = [message.scheduled_at - planned for message in messages]
        assert due[0] <= timedelta(0)
        assert sum(after < timedelta(minutes=5) for after in due) >= 3
        assert due[-1] > timedelta(hours=2)

    def test_one_is_large_enough_to_be_canceled_in_the_middle_of_it(self) -> None:
        emergency = SentMessage.objects.get(message_type="Messenger 2.0 - Emergency", external_id__startswith=PREFIX)
        school = Recipient.objects.filter(message__subject__startswith="All schools", student_school=emergency.school)
        assert emergency.recipients.count() == school.filter(counted=True).count(), "all families of the school"
        waiting = Delivery.objects.filter(message=emergency, status="waiting")
        assert waiting.count() > 3 * emergency.recipients.count() > 100
        assert emergency.scheduled_at < timezone.now() + timedelta(minutes=5)

    def test_none_goes_out_where_the_provider_may_be_a_real_one(self) -> None:
        sent = outgoing()[0]
        SentMessage.objects.filter(pk=sent.pk).update(status="sent")

        keep_outgoing_back()

        assert outgoing() == [sent], "what is done stays as it was"

    def test_who_comes_with_them_changes_no_mail_that_the_stand_in_writes(self) -> None:
        before = mail_people()
        SentMessage.objects.filter(external_id__startswith=PREFIX).update(external_id=None)
        after = mail_people()
        addresses = [{person["person_id"]: person["address"] for person in people} for people in (before, after)]
        assert addresses[0] == addresses[1], "they are families that it knows"

    @pytest.mark.thorough
    def test_another_start_has_new_ones_and_takes_up_the_old(self, planned: datetime) -> None:
        number = SentMessage.objects.filter(external_id__startswith=PREFIX).count()
        scheduled_before = len(outgoing()) - number
        keep_outgoing_back()

        plan_outgoing(now=planned + timedelta(hours=1))

        assert len(outgoing()) == scheduled_before + 2 * number
