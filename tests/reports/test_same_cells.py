"""One report in four formats, of messages as they may come: read back, all of them say the same."""

from __future__ import annotations

import csv
import io
import re
from random import Random

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from messenger_logs.models import Delivery, Recipient
from messenger_logs.services.status_reports import report_statuses
from reports.document import Document
from reports.kinds.sent_message import Device
from reports.writers import Format, write
from tests.examples import examples
from tests.messenger_logs.totals.random_messages import RandomMessage
from tests.reports.documents import together, workbook, xlsx_lines
from tests.reports.messages import classic, figures, log_2_document
from tests.reports.pdf_tags import UNSURE, faults

NAMES = [
    "Vaj, Nplooj",
    "Nguyễn, Thị Hạnh",
    "Cabdi, Faadumo",
    "王, 小明",
    "Müller, Jörg",
    '=HYPERLINK("x")',
    "O'Neil, Ann",
]

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def a_random_message(random: Random) -> RandomMessage:
    found = RandomMessage(random)
    for recipient in found.message.recipients.all():
        Recipient.objects.filter(pk=recipient.pk).update(name=random.choice(NAMES), student_name=random.choice(NAMES))
    emails = Delivery.objects.filter(message=found.message, mode="email").exclude(address="")
    for delivery in emails:
        emails.filter(pk=delivery.pk).update(email_outcome=random.choice(["", "delivered", "failed-permanent"]))
    report_statuses(message_id=found.message.pk, reports=found.reports(random.randint(0, 20)))
    return found


def written(document: Document, format: Format) -> bytes:
    file = io.BytesIO()
    write(format, document, file)
    return file.getvalue()


def docx_texts(data: bytes) -> tuple[list[list[str]], str]:
    found = docx.Document(io.BytesIO(data))
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in found.tables]
    everything = "".join(paragraph.text for paragraph in found.paragraphs)
    return tables[-1], everything + "".join(cell for table in tables for row in table for cell in row)


@examples(25)
@given(random=st.randoms(use_true_random=False), kind=st.sampled_from(["all", "failed", "2.0"]))
def test_pdf_csv_docx_and_xlsx_of_a_random_message_hold_the_same_cells(random: Random, kind: str) -> None:
    message = a_random_message(random).message

    def document(**more: bool) -> Document:
        if kind == "2.0":
            type(message).objects.filter(pk=message.pk).update(engine="v2", message_type="Messenger 2.0 - General")
            return log_2_document(message, **more)
        return classic(message, detail=kind, **more)

    def csv_lines(**more: bool) -> list[list[str]]:
        text = written(document(**more), Format.CSV).decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline="")))
        return [[re.sub(r"^'(?==)", "", cell) for cell in line] for line in lines]

    if kind == "failed":
        type(message).objects.filter(pk=message.pk).update(status="sent")
    in_csv, above = csv_lines(rows_only=True), csv_lines()
    assert above[-len(in_csv) :] == in_csv
    table, everything = docx_texts(written(document(), Format.DOCX))
    assert [[cell.replace(" &", " †") for cell in row] for row in in_csv] == table

    book = workbook(document())
    summary, in_xlsx = xlsx_lines(book.worksheets[0]), xlsx_lines(book.worksheets[1])
    assert in_xlsx == table

    pdf = written(document(), Format.PDF)
    assert faults(pdf, but=UNSURE) == []
    in_pdf = together("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))
    for row in table:
        for cell in row:
            assert together(cell) in in_pdf
    for label, value in figures(document()).items():
        assert [label, value] in [line[:2] for line in above]
        assert [label, value] in [line[:2] for line in summary]
        assert together(f"{label}:{value}") in in_pdf
        assert together(f"{label}:{value}") in together(everything)


@examples(40)
@given(random=st.randoms(use_true_random=False))
def test_the_totals_are_what_the_rows_add_up_to(random: Random) -> None:
    found = a_random_message(random)
    message = found.message
    everything = figures(classic(message))
    assert everything["Total Recipients"] == str(len(found.persons))
    lines = {device: list(classic(message, devices=[device]).rows.rows) for device in Device}
    counted = [row for row in lines[Device.PHONE] if "\ufdd0" not in row[2] and not row[3].startswith("Duplicate")]
    assert everything["Total Voice"] == str(len({row[2] for row in counted if row[2].startswith("Voice")}))
    assert everything["Total Text"] == str(len({row[2] for row in counted if row[2].startswith("Text")}))
    emails = {row[2] for row in lines[Device.EMAIL] if "\ufdd0" not in row[2]}
    assert everything["Total Emails"] == str(len(emails))
    inboxes = [row for row in lines[Device.INBOX] if row[3].startswith("Sent") and "\ufdd0" not in row[2]]
    assert everything["Total Inbox"] == str(len(inboxes))
    assert (everything["Total No Device"] == "0") == (not lines[Device.NO_DEVICE])
