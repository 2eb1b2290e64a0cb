"""This product's own CSV report of a message, imported, is the same message: its report has the same cells."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger_logs.choices import MessageStatus, Reach
from messenger_logs.models import Calendar, Recipient, SentMessage
from messenger_logs.services.status_reports import report_statuses
from messenger_logs.services.totals import recount
from reports.document import Bars, Document
from reports.writers import Format
from tests.examples import examples
from tests.imports.files import run
from tests.messenger_logs.totals.random_messages import START, RandomMessage
from tests.reports.documents import csv_rows, written
from tests.reports.messages import classic, log_2_document

pytestmark = pytest.mark.django_db

# The same examples in each run: of one message in some hundred a report does not say enough to make the same one again.
SAME = settings(examples(40), derandomize=True)
NAMES = ["Parent, Tad", "Parent, Tad", "Vang, Mai", "Nguyễn, Hòa", "=Formula, Ana", "O'Neil, Sam"]
STUDENTS = ["", "Student, Karen", "Student, Karen", "Vang, Lia"]
BODIES = [{}, {"email": "School is closed.\nStay home."}, {"email": "1 <b & 2", "voice": "Closed"}]
CRITERIA = [[], [["Calendar", "2019-20"], ["Limit", "No & none"]]]
# The id of the message is another one, and so is the moment.
_CHANGES = {"Generated on", "Message ID"}
_PEOPLE = frozenset(Reach.labels)


def cells(document: Document, unknown: frozenset[str], *, bars: bool) -> list[list[str]]:
    sections = [section for section in document.sections if bars or not isinstance(section, Bars)]
    rows = csv_rows(replace(document, sections=sections))
    return [row for row in rows if row[0] not in _CHANGES | unknown]


def same_again(
    message: SentMessage,
    make,
    map_name: str,
    folder: Path,
    unknown: frozenset[str] = frozenset(),
    *,
    bars: bool = True,
    in_order: bool = True,
) -> SentMessage:
    """Import the report of a message, and compare the reports of both, save the `unknown` lines and the `bars`."""
    path = folder / "report.csv"
    path.write_bytes(written(Format.CSV, make(message)))
    counts = run(path, map_name)
    assert (counts.new, counts.refused, counts.refusals) == (1, 0, [])
    again = SentMessage.objects.latest("pk")
    before, after = (cells(make(one), unknown, bars=bars) for one in (message, again))
    assert (after == before) if in_order else (sorted(after) == sorted(before))
    assert not [note for note in counts.notes if "people" in note]
    return again


def varied(random: Random) -> SentMessage:
    """A message with people of one name, of two students, with shared addresses, cancels, redials."""
    made = RandomMessage(random)
    message = made.message
    people = sorted({recipient.person_id for recipient in message.recipients.all()})
    # Of more than two people with one name, a report may not say how many they are.
    for person, name in zip(people, random.sample(NAMES, len(people)), strict=True):
        message.recipients.filter(person_id=person).update(name=name)
    for recipient in message.recipients.order_by("pk"):
        student = random.choice(STUDENTS)
        taken = Recipient.objects.filter(message=message, person_id=recipient.person_id, student_name=student)
        if not taken.filter(student_number=recipient.student_number).exists():
            Recipient.objects.filter(pk=recipient.pk).update(student_name=student)
    if reports := made.reports(random.randint(0, 12)):
        report_statuses(message_id=message.pk, reports=reports)
    # A report does not say that an inbox or an e-mail succeeded before its last attempt. No engine tries them again.
    message.deliveries.filter(mode__in=["inbox", "email"]).update(reached_earlier=False)
    message.deliveries.filter(mode="email", status="sent").update(
        email_outcome=random.choice(["", "delivered", "failed-permanent", "complained", "surprising"])
    )
    started = random.choice([None, START - timedelta(minutes=3, seconds=random.randint(0, 59))])
    SentMessage.objects.filter(pk=message.pk).update(
        status=random.choice(MessageStatus.values),
        dispatch_started_at=started,
        dispatch_finished_at=started and START + timedelta(seconds=random.randint(300, 4000)),
        subject=random.choice(["", "Snow day", "-1 & more"]),
        bodies=random.choice(BODIES),
        criteria=random.choice(CRITERIA),
        reply_to=random.choice(["", "office@example.org"]),
        school=random.choice([None, message.school]),
    )
    recount(message_id=message.pk)
    return SentMessage.objects.get(pk=message.pk)


@pytest.mark.slow
@SAME
@given(seed=st.integers(0, 2**32))
def test_a_sent_message_report_gives_the_same_message(seed: int, tmp_path: Path):
    message = varied(Random(seed))
    # Of two people of one name, a row without an address may be of either: a report does not say whose it is.
    people = list(message.recipients.values_list("name", "person_id").distinct())
    # What a provider called a duplicate is marked as one when it comes in.
    called_duplicates = message.deliveries.filter(status="duplicate", duplicate=False).exists()
    if len({name for name, _ in people}) == len(people) and not called_duplicates:
        same_again(message, classic, "sent-message-report", tmp_path)


@pytest.mark.thorough
@pytest.mark.slow
@SAME
@given(seed=st.integers(0, 2**32))
def test_a_report_of_log_2_gives_the_same_message(seed: int, tmp_path: Path):
    message = varied(Random(seed))
    # Which rows of two people of one name are whose is not in a report without addresses, so nor is which of the two
    # the message reached, nor whose rows come first. In every second message no two people have one name, and all of
    # its figures are known.
    namesakes = seed % 2
    if not namesakes:
        message.recipients.update(name=Concat("name", Value(" "), "person_id"))
    SentMessage.objects.filter(pk=message.pk).update(engine="v2", message_type="Messenger 2.0 - General")
    if message.school and seed % 2:
        message.calendars.add(
            Calendar.objects.get_or_create(school=message.school, name="2025-26 High", school_year="2025-26")[0]
        )
    message = SentMessage.objects.get(pk=message.pk)
    if message.status == MessageStatus.CANCELED_IN_PROGRESS:
        # Both words of a cancel are one word there.
        SentMessage.objects.filter(pk=message.pk).update(status=MessageStatus.CANCELED)
    same_again(
        SentMessage.objects.get(pk=message.pk),
        log_2_document,
        "sent-message-report-2",
        tmp_path,
        _PEOPLE if namesakes else set(),
        # A device that nothing could go to, and that is a duplicate too, is only the one there.
        bars=False,
        in_order=not namesakes,
    )
