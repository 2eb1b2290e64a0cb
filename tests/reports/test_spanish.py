"""A report in Spanish: all that this product says is translated, and statuses and a provider's words are not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from pypdf import PdfReader

from accounts.models import User
from accounts.tools import Tool
from core.languages import in_language
from messenger_logs.choices import MessageType
from messenger_logs.models import SentMessage
from reports import services
from reports.document import Document
from reports.kinds.call_sheet import CallSheet
from reports.kinds.sent_message import SentMessageReport, devices_of
from reports.models import ReportJob
from reports.writers import Format
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.documents import csv_rows, pdf, together, workbook, written, xlsx_lines
from tests.reports.messages import EVERYBODY, classic, log_2_document, message_by
from tests.reports.pdf_tags import UNSURE, faults
from tests.stored import path_of

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]


@pytest.fixture
def spanish() -> Iterator[None]:
    with in_language("es"):
        yield


@pytest.fixture
def message() -> SentMessage:
    message = message_by(subject="Día de nieve", bodies={"email": "School is closed.", "text": "Closed."})
    mai = make_recipient(message, name="Vang, Mai", student_name="Vang, Lia")
    make_delivery(mai, mode="inbox")
    make_delivery(mai, mode="email", email_outcome="failed-permanent")
    make_delivery(mai, mode="voice", status="busy", code=1, address="+16125550143")
    make_delivery(mai, mode="text", status="opt_out", address="+16125550144")
    make_delivery(make_recipient(message, name="Lee, Tou"), mode="email", address="")
    return message


def call_sheet(message: SentMessage) -> Document:
    options = {"tool": Tool.ADMIN_SENT_MESSAGE_LOG.name, "message": message.pk}
    return CallSheet.open(EVERYBODY, options).document()


@pytest.mark.usefixtures("spanish")
def test_the_cells_are_in_spanish_and_the_statuses_are_not(message: SentMessage) -> None:
    lines = csv_rows(classic(message))
    pairs = dict(line[:2] for line in lines if len(line) > 1)
    assert (pairs["Título"], pairs["Estado del mensaje"]) == ("Informe de mensaje enviado", "Sent")
    assert pairs["Dispositivos incluidos"] == "Sin dispositivo, Buzón, Correo, Llamada/Mensaje de texto"
    assert lines[-6] == ["Destinatario", "Estudiante", "Dispositivo de entrega", "Estado", "Hora"]
    devices = {(line[2], line[3]) for line in lines[-5:]}
    assert ("Llamada (612) 555-0143", "Busy (code 1: Busy)") in devices
    assert ("Mensaje de texto (612) 555-0144", "Opt Out") in devices
    assert ("Buzón", "Sent") in devices
    assert any(status == "Sent, but provider: Failed (permanent)" for device, status in devices)


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize("make", [classic, log_2_document, call_sheet])
def test_all_formats_say_the_same_in_spanish(message: SentMessage, make: Callable[..., Document]) -> None:
    if make is log_2_document:
        SentMessage.objects.filter(pk=message.pk).update(engine="v2", message_type=MessageType.GENERAL)
    assert make(message).language == "es"
    headings = csv_rows(make(message))[-1 - len(list(make(message).rows.rows))]
    said = "".join(page.extract_text() for page in pdf(make(message)).pages)
    word = docx.Document(io.BytesIO(written(Format.DOCX, make(message))))
    sheets = workbook(make(message)).worksheets
    assert [cell.text for cell in word.tables[-1].rows[0].cells] == headings
    assert xlsx_lines(sheets[1])[0] == headings
    assert sheets[0].title == "Resumen"
    assert all(together(heading) in together(said) for heading in headings)
    for text in (said, "\n".join(paragraph.text for paragraph in word.paragraphs)):
        assert "Generado el" in text
        assert "Generated on" not in text


@pytest.mark.usefixtures("spanish")
def test_a_file_says_that_it_is_in_spanish(message: SentMessage) -> None:
    data = written(Format.PDF, classic(message))
    assert faults(data, but=UNSURE) == []
    reader: Any = PdfReader(io.BytesIO(data))
    assert reader.trailer["/Root"]["/Lang"] == "es"
    assert "Página 1 de " in reader.pages[0].extract_text()
    word = docx.Document(io.BytesIO(written(Format.DOCX, classic(message))))
    assert word.core_properties.language == "es"
    normal: Any = word.styles["Normal"]
    assert normal.element.rPr.find(qn("w:lang")).get(qn("w:val")) == "es"
    assert word.sections[0].footer.paragraphs[0].text.startswith("Página ")


def test_in_english_a_file_says_english(message: SentMessage) -> None:
    assert classic(message).language == "en"


def test_a_report_in_the_background_is_in_the_language_of_who_asked(message: SentMessage, make_user: MakeUser) -> None:
    owner = make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    options = {"tool": Tool.ADMIN_SENT_MESSAGE_LOG.name, "message": message.pk, "devices": devices_of(message)}
    report = SentMessageReport.open(owner, options)
    with in_language("es"):
        job = services.request_report(report, format=Format.CSV, by=owner)
        again = services.request_report(report, format=Format.CSV, by=owner)
    assert again == job
    assert services.request_report(report, format=Format.CSV, by=owner) != job, "the English one is another file"
    services.make_report(job_id=job.pk)
    job = ReportJob.objects.get(pk=job.pk)
    assert job.title.startswith("Informe de mensaje enviado")
    assert path_of(job).read_text("utf-8-sig").startswith("Título,Informe de mensaje enviado")


def test_a_report_that_fails_says_why_in_the_language_of_who_asked(message: SentMessage, make_user: MakeUser) -> None:
    owner = make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    options = {"tool": Tool.ADMIN_SENT_MESSAGE_LOG.name, "message": message.pk, "devices": devices_of(message)}
    with in_language("es"):
        job = services.request_report(SentMessageReport.open(owner, options), format=Format.PDF, by=owner)
    owner.groups.clear()
    services.make_report(job_id=job.pk)
    job = ReportJob.objects.get(pk=job.pk)
    assert job.status == "failed"
    assert job.error == "Usted ya no puede ver aquello de lo que trata este informe, o ya no existe."
