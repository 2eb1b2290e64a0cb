"""Schools of students where a message does not say them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min

from messenger_logs.models import StudentSchool
from messenger_logs.services.message_inputs import RecipientInput


def fill_student_schools(recipients: Iterable[RecipientInput]) -> None:
    """Give recipients without a `student_school` the school of the student with their number, in one query.

    A number that students of several schools have names none of them.
    """
    missing = [one for one in recipients if one.student_number and not one.student_school]
    if not missing:
        return
    known = StudentSchool.objects.filter(number__in={one.student_number for one in missing})
    one_school = known.values("number").annotate(schools=Count("school", distinct=True), name=Min("school__name"))
    names = dict(one_school.filter(schools=1).values_list("number", "name"))
    for one in missing:
        one.student_school = names.get(one.student_number, "")
