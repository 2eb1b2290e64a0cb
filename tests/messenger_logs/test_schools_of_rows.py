"""PostgreSQL keeps the school of each recipient and delivery, and the schools of a message's calendars."""

import pytest

from messenger_logs.models import Calendar, Delivery, Recipient, School, SentMessage
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db


def schools_of(message: SentMessage) -> list[list[str | None]]:
    """The schools of its recipients, and of their deliveries, in their order."""
    return [
        list(model.objects.filter(message=message).order_by("pk").values_list("school__name", flat=True))
        for model in (Recipient, Delivery)
    ]


@pytest.mark.parametrize(
    ("of_message", "of_student", "expected"),
    [("North", "South", "South"), ("North", None, "North"), (None, "South", "South"), (None, None, None)],
)
def test_a_row_is_of_the_students_school_else_of_that_of_the_message(
    of_message: str | None, of_student: str | None, expected: str | None
) -> None:
    message = make_message(school=of_message and make_school(of_message))
    recipient = make_recipient(message, student_school=of_student and make_school(of_student))
    make_delivery(recipient)
    assert schools_of(message) == [[expected], [expected]]
    # What a program holds of a row is older than the row.
    recipient.save()
    message.deliveries.get().save()
    assert schools_of(message) == [[expected], [expected]]


def test_rows_follow_a_change_of_the_student_and_of_the_message() -> None:
    message = make_message(school=make_school("North"))
    moved, stays = make_recipient(message), make_recipient(message, student_school=make_school("East"))
    for recipient in (moved, stays):
        make_delivery(recipient)
    SentMessage.objects.filter(pk=message.pk).update(school=make_school("South"))
    assert schools_of(message) == [["South", "East"]] * 2
    Recipient.objects.filter(pk=moved.pk).update(student_school=make_school("West"))
    assert schools_of(message) == [["West", "East"]] * 2
    Delivery.objects.update(school=None)
    assert schools_of(message) == [["West", "East"]] * 2, "nothing else sets them"


def test_the_schools_of_calendars_follow_the_calendars() -> None:
    north, south = make_school("North"), make_school("South")
    calendars = [
        Calendar.objects.create(school=school, name=f"{school} {year}", school_year=year)
        for school in (north, south)
        for year in ("2025-26", "2026-27")
    ]
    message, other = make_message(), make_message()

    def kept(one: SentMessage) -> list[School]:
        one.refresh_from_db()
        return [School.objects.get(pk=pk) for pk in one.calendar_schools]

    assert kept(message) == []
    message.calendars.set(calendars)
    other.calendars.set(calendars[:1])
    assert kept(message) == [north, south]
    message.calendars.remove(*calendars[2:])
    assert kept(message) == [north]
    Calendar.objects.filter(pk=calendars[0].pk).update(school=south)
    assert (kept(message), kept(other)) == ([north, south], [south])
    message.calendars.clear()
    assert kept(message) == []
    other.delete()
