"""The call sheet: the people whom a message did not reach, with a line to tick, in every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import docx
import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from messenger_logs.choices import Reach
from messenger_logs.models import PersonReach, SentMessage
from reports.kinds.call_sheet import BOX, CallSheet
from reports.models import ReportJob
from reports.report import BadOptions, report_kind
from reports.services import request_report
from reports.writers import Format, write
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.reach.people import BOUNCED, BUSY, REACHED, counted, person, snow_day
from tests.reports.documents import together, xlsx_lines
from tests.reports.messages import EVERYBODY, column, csv_of, figures, rows
from tests.reports.pdf_tags import faults
from web.message_urls import message_url

pytestmark = pytest.mark.django_db

LOG = Tool.ADMIN_SENT_MESSAGE_LOG


def sheet(message: SentMessage, user: User = EVERYBODY, tool: Tool = LOG, **chosen: object) -> CallSheet:
    return CallSheet.open(user, {"tool": tool.name, "message": message.pk, **chosen})


def test_it_has_a_line_to_tick_for_each_unreached_person_by_school_and_family() -> None:
    document = sheet(snow_day()).document()
    assert document.rows
    labels = [column.label for column in document.rows.columns]
    cells = dict(zip(labels, zip(*rows(document), strict=True), strict=True))
    assert cells["Done"] == (BOX,) * 3
    assert cells["School"] == ("North", "South", "South")
    assert cells["Student"] == ("Nothing, N's child", "Adams, A", "Young, Y")
    assert cells["Language"] == ("", "", "Spanish")
    assert [text.startswith("(763) 555-") for text in cells["Call"]] == [False, False, True]
    assert "The line was busy." in cells["Why Not Reached"][2]


def test_its_header_says_what_it_is_about_and_who_asked(make_user: Callable[..., User]) -> None:
    user = make_user(LOG, first_name="Mai", last_name="Vang")
    message = snow_day(drill=True)
    header = dict(sheet(message, user).document().header)
    assert header["Subject"] == "Snow day"
    assert header["Type"] == "Message Builder (drill)"
    assert header["Who Is Listed"] == "Not reached, No device"
    assert header["Asked For By"] == user.listed_name
    assert "School" not in header
    assert figures(sheet(message, user).document(), "People") == {
        "Total Recipients": "6",
        "Reached": "1",
        "Handed over, not confirmed": "1",
        "Not reached": "2",
        "Canceled": "1",
        "No device": "1",
    }


@pytest.mark.parametrize("kinds", [[kind] for kind in Reach if kind is not Reach.REACHED] + [["canceled", "no_device"]])
def test_it_lists_the_kinds_that_are_chosen(kinds: list[str]) -> None:
    message = snow_day()
    expected = PersonReach.objects.filter(message=message, reach__in=kinds).order_by("filed_under")
    report = sheet(message, reach=kinds)
    assert column(report.document(), "Recipient") == [row.recipient.name for row in expected]
    assert report.count() == len(expected)


def test_it_may_be_of_one_school() -> None:
    message = snow_day()
    document = sheet(message, school="North").document()
    assert (column(document, "Recipient"), dict(document.header)["School"]) == (["Nothing, N"], "North")
    with pytest.raises(BadOptions, match="Choose a school of this message"):
        sheet(message, school="Elsewhere")
    with pytest.raises(BadOptions, match="kinds of people who were not reached"):
        sheet(message, reach=["reached"])


def test_a_number_that_the_message_does_not_have_comes_from_messages_that_the_person_may_see(
    make_user: Callable[..., User],
) -> None:
    sender = make_user(Tool.SENT_MESSAGE_LOG)
    earlier = {"modes": ["voice"], "created_at": timezone.now() - timedelta(days=3)}
    own, others = make_message(sender=sender, **earlier), make_message(**earlier)
    person(own, "Vang, Pa", REACHED | {"address": "+16125550101"}, person_id="7")
    person(others, "Vang, Pa", REACHED | {"address": "+16125550102"}, person_id="7")
    message = make_message(sender=sender, modes=["email"])
    person(message, "Vang, Pa", BOUNCED, person_id="7")
    counted(message)
    assert column(sheet(message, sender, Tool.SENT_MESSAGE_LOG).document(), "Call") == [
        "(612) 555-0101 (from an earlier message)"
    ]


def cells(message: SentMessage, format: Format) -> list[list[str]]:
    file = io.BytesIO()
    write(format, sheet(message, rows_only=True).document(), file)
    if format is Format.CSV:
        return list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    if format is Format.DOCX:
        return [[cell.text for cell in row.cells] for row in docx.Document(file).tables[-1].rows]
    if format is Format.XLSX:
        return xlsx_lines(openpyxl.load_workbook(file).worksheets[1])
    return [["".join(page.extract_text() for page in PdfReader(file).pages)]]


@pytest.mark.slow
def test_every_format_has_the_same_cells() -> None:
    message = make_message(modes=["email", "voice"])
    person(message, "Vaj, Nplooj", BUSY, BOUNCED, language="hmn", student_name="王, 小明")
    person(message, "أمينة, ليلى", BOUNCED, school="Näs", student_name="Nguyễn, Liên")
    counted(message)
    in_csv = cells(message, Format.CSV)
    assert len(in_csv) == 3
    assert cells(message, Format.DOCX) == cells(message, Format.XLSX) == in_csv
    [[text]] = cells(message, Format.PDF)
    for cell in [cell for row in in_csv for cell in row]:
        assert together(cell) in together(text), cell


@pytest.mark.slow
def test_the_csv_has_the_header_above_its_lines() -> None:
    file = io.BytesIO()
    write(Format.CSV, sheet(snow_day()).document(), file)
    lines = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    assert ["Asked For By", "everybody"] in [line[:2] for line in lines]
    assert lines[-4][:3] == ["Done", "School", "Student"]


@pytest.mark.slow
def test_it_comes_from_the_browser_in_one_click_and_leaves_a_row_in_the_trail(
    make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    message, client = snow_day(), signed_in(make_user(LOG))
    address = message_url(LOG, message.pk, "call_sheet")
    assert "Who Is Listed" in client.get(address).content.decode()
    assert faults(client.get(address, {"format": "pdf"}).getvalue()) == []
    assert len(csv_of(client.get(address, {"format": "csv", "reach": ["no_device"], "rows_only": "on"}))) == 2
    events = AuditEvent.objects.filter(action="report.call_sheet")
    assert [event.details["rows"] for event in events.order_by("pk")] == [3, 1]


def test_in_the_background_it_is_the_sheet_of_the_person_who_asked(make_user: Callable[..., User]) -> None:
    message, user = snow_day(), make_user(LOG)
    job: ReportJob = request_report(sheet(message, user, reach=["not_reached"]), format=Format.PDF, by=user)
    again = report_kind(job.kind).open(user, job.options)
    assert isinstance(again, CallSheet)
    assert (again.count(), dict(again.document().header)["Asked For By"]) == (2, user.listed_name)
    with pytest.raises(Http404):
        report_kind(job.kind).open_shared(make_user(Tool.SENT_MESSAGE_LOG), job.options)
    assert report_kind(job.kind).open_shared(make_user(LOG), job.options).count() == 2


@pytest.mark.parametrize("engine", ["classic", "v2", "olr"])
def test_it_comes_by_the_command(engine: str, tmp_path: Path) -> None:
    message = snow_day(engine=engine, message_type="Messenger 2.0 - Emergency" if engine == "v2" else "Notice")
    file = tmp_path / "sheet.csv"
    for options, expected in (({}, 3), ({"reach": "no_device,unconfirmed"}, 2)):
        call_command("report", "call-sheet", str(message.pk), format="csv", output=str(file), rows_only=True, **options)
        assert len(list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))) == expected + 1
    with pytest.raises(CommandError, match="There is no message"):
        call_command("report", "call-sheet", str(message.pk + 1), output=str(file))


def test_a_message_that_reached_everybody_has_an_empty_sheet() -> None:
    message = make_message(modes=["voice"])
    person(message, "Vang, Pa", REACHED)
    assert rows(sheet(counted(message)).document()) == []
