"""The school of a student, where a message does not say it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messenger_logs.models import Recipient, School, StudentSchool
from messenger_logs.services.intake import add_message

pytestmark = pytest.mark.django_db


def a_message(*recipients: dict[str, str]) -> dict[str, object]:
    return {
        "external_id": "1",
        "engine": "classic",
        "message_type": "Attendance",
        "sender_name": "Office",
        "school": "Harrison High",
        "created_at": "2026-11-20T10:05:00-06:00",
        "modes": ["email"],
        "recipients": [{"person_id": str(at), "name": "Vang, Mai", **one} for at, one in enumerate(recipients)],
    }


def test_a_message_that_does_not_say_the_students_school_gets_that_of_the_roster():
    high, oak = (School.objects.create(name=name) for name in ("Harrison High", "Oak Elementary"))
    rows = [("a", "7", oak), ("b", "8", oak), ("c", "8", high), ("d", "9", oak)]
    StudentSchool.objects.bulk_create(
        StudentSchool(sourced_id=sourced_id, number=number, school=school) for sourced_id, number, school in rows
    )
    numbers = [{"student_number": number} for number in ("7", "8", "10", "")]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        add_message(a_message(*numbers, {"student_number": "9", "student_school": "Harrison High"}))
    assert sum("messenger_logs_studentschool" in query["sql"] for query in queries) == 1
    filled = list(Recipient.objects.order_by("person_id").values_list("student_school__name", flat=True))
    assert filled == ["Oak Elementary", None, None, None, "Harrison High"], "a number of two schools says nothing"
