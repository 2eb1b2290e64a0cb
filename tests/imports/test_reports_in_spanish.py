"""The CSV report of somebody who reads Spanish comes in by the same ready map, also for one who reads English."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from core.languages import in_language
from imports.maps import READY
from imports.services.maps import guess_field
from imports.spellings import languages, spelling
from imports.values import mode_of_device, read_mode
from messenger_logs.choices import MessageType, Mode
from messenger_logs.models import Calendar, Delivery, SentMessage
from reports.document import Document
from reports.writers import Format
from tests.imports.files import a_file, run
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.documents import csv_rows, written
from tests.reports.messages import classic, log_2_document, message_by

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
# The moment and the id are others.
CHANGES = {"Generado el", "Id del mensaje"}


def a_message(engine: str) -> SentMessage:
    criteria = [["Preferred Language", "Spanish"], ["School Year", "2025-26"], ["Grade", "9"]]
    message = message_by(
        engine=engine,
        message_type=MessageType.GENERAL if engine == "v2" else "Attendance",
        subject="",
        reply_to="office@example.org",
        bodies={"email": "School is closed.", "voice": "Closed."},
        criteria=criteria if engine == "v2" else criteria[2:],
        created_at=BEGAN,
        dispatch_started_at=BEGAN,
        dispatch_finished_at=BEGAN + timedelta(seconds=125),
        status="canceled_ip",
        canceled_by_name="Office, Ann",
        cancel_asked_at=BEGAN,
        cancel_completed_at=BEGAN,
    )
    if engine == "v2" and message.school:
        calendar = Calendar.objects.create(school=message.school, name="2025-26 High", school_year="2025-26")
        message.calendars.add(calendar)
    attempt = {"last_attempt_at": BEGAN, "attempt_count": 1, "first_attempt_at": BEGAN}
    mai = make_recipient(message, name="Vang, Mai", student_name="Vang, Lia")
    make_delivery(mai, mode="inbox", **attempt)
    make_delivery(mai, mode="email", email_outcome="delivered", **attempt)
    make_delivery(mai, mode="voice", status="busy", code=1, address="+16125550143", **attempt)
    make_delivery(mai, mode="text", status="sent", address="+16125550144", **attempt)
    make_delivery(make_recipient(message, name="Lee, Tou"), mode="email", status="no_device", address="")
    return SentMessage.objects.get(pk=message.pk)


def cells(document: Document) -> list[list[str]]:
    return [row for row in csv_rows(document) if row[0] not in CHANGES]


@pytest.mark.parametrize("reader", ["en", "es"])
@pytest.mark.parametrize(
    ("make", "engine", "map_name"),
    [(classic, "classic", "sent-message-report"), (log_2_document, "v2", "sent-message-report-2")],
)
def test_a_spanish_report_gives_the_same_message(
    tmp_path: Path, make: Callable[..., Document], engine: str, map_name: str, reader: str
) -> None:
    message, path = a_message(engine), tmp_path / "report.csv"
    with in_language("es"):
        path.write_bytes(written(Format.CSV, make(message)))
        asked = cells(make(message))
    with in_language(reader):
        counts = run(path, map_name)
    assert (counts.new, counts.refusals, dict(counts.notes)) == (1, [], {})
    again = SentMessage.objects.latest("pk")
    with in_language("es"):
        assert cells(make(again)) == asked
    assert (again.subject, again.bodies, again.reply_to) == ("", message.bodies, "office@example.org")
    assert (again.status, again.criteria, again.modes) == (message.status, message.criteria, message.modes)
    assert again.school == message.school
    statuses = Delivery.objects.exclude(status="no_device").order_by("mode").values_list("mode", "status", "code")
    assert list(statuses.filter(message=again)) == list(statuses.filter(message=message))


def test_the_ready_maps_of_this_product_know_the_headings_of_every_language() -> None:
    assert languages() == [code for code, name in settings.LANGUAGES]
    for ready in READY.values():
        for language in languages() if ready.own else ["en"]:
            headings = [spelling(heading[0], language) for heading in ready.columns.values()]
            assert len(set(headings)) == len(headings)
            assert ready.places(headings) == {name: place for place, name in enumerate(ready.columns)}
            assert ready.language_of(headings) == language
    assert READY["campus-sent-message-report"].places(["Destinatario", "Estudiante", "Hora"]) is None


def test_a_list_of_recipients_in_spanish_comes_in(tmp_path: Path) -> None:
    head = ",".join(spelling(heading[0], "es") for heading in READY["recipients"].columns.values())
    rows = [
        '"Vang, Mai",Lia (123),Correo,mai@example.org &,Sent,,11/20/2026 8:05 AM,Failed (permanent): gone',
        '"Vang, Mai",Lia (123),Mensaje de texto,(612) 555-0143,Opt Out,,,',
    ]
    values = {"subject": "Snow", "sender_name": "Office", "created_at": "11/20/2026"}
    counts = run(a_file(tmp_path, "\n".join([head, *rows])), "recipients", **values)
    assert (counts.new, counts.refusals) == (1, [])
    assert set(Delivery.objects.values_list("mode", "status")) == {("email", "sent"), ("text", "opt_out")}


@pytest.mark.parametrize(
    ("device", "mode"),
    [
        ("Buzón", Mode.INBOX),
        ("Llamada (612) 555-0143", Mode.VOICE),
        ("Mensaje de texto (612) 555-0143", Mode.TEXT),
        ("Mensaje", None),
        ("Voice (612) 555-0143", Mode.VOICE),
    ],
)
def test_a_device_is_read_in_every_language(device: str, mode: Mode | None) -> None:
    assert mode_of_device(device) is mode


def test_words_of_a_spanish_file_are_known() -> None:
    assert [read_mode(word) for word in ("Buzón", "Correo", "Llamada", "Mensaje de texto")] == list(Mode)
    assert guess_field("Destinatario") == "name"
    assert guess_field("Fecha de creación") == "created_at"
