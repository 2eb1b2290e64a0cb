"""Files of lists, as they are filtered: Generate Report of two logs, and the export of all."""

from datetime import timedelta

import docx
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import AuditEvent
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent, SendingDomain
from reports.document import Kind
from reports.kinds.listing import ListingReport
from reports.models import ReportJob
from reports.report import report_kind
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.messages import csv_of, message_by
from tests.reports.pdf_tags import faults

pytestmark = pytest.mark.django_db

TOOLS = [Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG, Tool.AUDIT_TRAIL]


@pytest.fixture
def user(make_user):
    return make_user(*TOOLS)


@pytest.fixture
def client(user, signed_in):
    return signed_in(user)


def pdf_text(response):
    content = response.getvalue()
    assert faults(content) == []
    return "\n".join(page.extract_text() for page in PdfReader(ContentFile(content)).pages)


def make_event(**fields):
    domain = SendingDomain.objects.get_or_create(name="mg.example.org")[0]
    number = MailgunEvent.objects.count()
    usual = {"event": "delivered", "event_id": f"e{number}", "occurred_at": timezone.now(), "raw": "{}"}
    return MailgunEvent.objects.create(domain=domain, **(usual | fields))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["web:admin_sent_message_log", "web:admin_mailgun_message_log", "web:audit_trail"])
def test_every_grid_offers_four_formats(client, name):
    page = Shown(client.get(reverse(name)))
    links = page.root.xpath("//details[summary/@id='grid-export']//a")
    rows_only = ["CSV, rows only"] if "mailgun" in name else []
    assert [link.text for link in links] == ["PDF", "CSV", *rows_only, "DOCX", "XLSX"]
    for link in links:
        assert client.get(link.get("href")).status_code == 200
        assert link.get("target") == "_blank"


def test_an_export_says_which_filters_were_on_and_has_their_rows_alone(client):
    message_by("email", subject="Library Hours")
    message_by("email", subject="School is closed")
    log = reverse("web:admin_sent_message_log")
    text = pdf_text(client.get(log, {"export": "pdf", "subject": "closed"}))
    assert "Message Subject: closed" in " ".join(text.split())
    assert "Asked For By" in text
    assert "School is closed" in text
    assert "Library Hours" not in text


def test_the_mailgun_report_has_all_events_those_too_that_the_grid_cuts(client, settings):
    settings.MAILGUN_SHOWN_A_DAY = 2
    for number in range(5):
        make_event(subject=f"Mail {number}")
    log = reverse("web:admin_mailgun_message_log")
    assert Shown(client.get(log)).count == "1–2 of 2"
    assert len(csv_of(client.get(log, {"export": "csv-rows"}))) == 6


def test_the_mailgun_report_counts_events_by_kind_and_says_how_complete_it_is(client):
    make_event()
    make_event(event="failed", severity="permanent", reason="bounce")
    make_event(event="failed", severity="permanent", reason="suppress-bounce")
    make_event(event="failed", severity="temporary")
    text = " ".join(pdf_text(client.get(reverse("web:admin_mailgun_message_log"), {"export": "pdf"})).split())
    for words in ("Mailgun Message Report", "Total Events: 4", "Delivered: 1", "Failed (suppressed): 1"):
        assert words in text
    assert "Failed (permanent): 1" in text
    assert "No e-mail domain is set up" in text or "Complete up to" in text or "Not complete yet" in text


def test_the_recipient_report_counts_an_email_that_was_sent_and_refused_as_an_error(client):
    message = message_by("email")
    mai = make_recipient(message, person_id="4711", name="Vang, Mai")
    for outcome in ("delivered", "suppressed", "failed-permanent"):
        make_delivery(mai, address=f"{outcome}@example.com", email_outcome=outcome)
    found = client.post(reverse("web:admin_recipient_log"), {"person": "4711"})["Location"]
    text = " ".join(pdf_text(client.get(f"{found}&export=pdf")).split())
    assert "Success: 1" in text
    assert "Error: 2" in text


@pytest.mark.slow
def test_the_recipient_report_is_of_one_person_in_three_formats(client):
    message = message_by("email", subject="Snow day")
    mai = make_recipient(message, person_id="4711", name="Vang, Mai", student_name="Vang, Pa")
    make_delivery(mai, status="failed", email_outcome="failed-permanent")
    make_delivery(make_recipient(message, name="Somebody, Else"))
    found = client.post(reverse("web:admin_recipient_log"), {"person": "Vang Mai"})["Location"]
    text = " ".join(pdf_text(client.get(f"{found}&export=pdf")).split())
    for words in ("Recipient Report", "Recipient: Vang, Mai", "Person ID: 4711", "Students: Vang, Pa", "Messages: 1"):
        assert words in text
    assert "Somebody" not in text
    tables = docx.Document(ContentFile(client.get(f"{found}&export=docx").getvalue())).tables
    assert [row.cells[1].text for row in tables[-1].rows] == ["Recipient", "Vang, Mai"]
    rows = csv_of(client.get(f"{found}&export=csv-rows"))
    assert len(rows) == 2
    lines = csv_of(client.get(f"{found}&export=csv"))
    assert lines[-2:] == rows
    assert ["Recipient", "Vang, Mai"] in [line[:2] for line in lines]
    assert "Bounced: the e-mail was sent, but the recipient's mail server refused it." in rows[1]


def test_duplicates_carry_a_cross_in_pdf_and_an_ampersand_in_csv(client):
    message = message_by("email")
    for _ in range(2):
        make_delivery(make_recipient(message), address="same@example.com")
    address = reverse("web:admin_sent_message_log_message_recipients", kwargs={"pk": message.pk})
    assert sorted(row[3] for row in csv_of(client.get(address, {"export": "csv"}))[1:]) == [
        *("same@example.com", "same@example.com &"),
    ]
    assert "same@example.com †" in " ".join(pdf_text(client.get(address, {"export": "pdf"})).split())


def test_an_export_is_audited_with_its_format(client):
    client.get(reverse("web:admin_sent_message_log"), {"export": "docx"})
    event = AuditEvent.objects.get(action="export.admin_sent_message_log")
    assert event.details["format"] == "docx"
    assert event.details["rows"] == 0


def test_an_export_says_who_asked_for_it_and_knows_which_columns_are_times(user):
    document = ListingReport.open(user, {"listing": "audit_trail", "arguments": {}, "values": {}}).document()
    assert dict(document.header)["Asked For By"] == user.listed_name
    kinds = {column.label: column.kind for column in document.rows.columns}
    assert (kinds["When"], kinds["Who"]) == (Kind.TIME, Kind.TEXT)


def test_rows_alone_are_rows_alone_in_the_background_too(client, user, settings):
    settings.REPORT_AT_ONCE_ROWS = 0
    make_event(subject="Snow day")
    client.get(reverse("web:admin_mailgun_message_log"), {"export": "csv-rows"})
    client.get(reverse("web:admin_mailgun_message_log"), {"export": "csv"})
    whole, alone = (report_kind(job.kind).open(user, job.options).document() for job in user_jobs(user))
    assert (whole.summary_in_csv, alone.summary_in_csv) == (True, False)


def test_a_large_export_is_made_in_the_background_of_the_rows_as_they_were_filtered(client, user, settings):
    settings.REPORT_AT_ONCE_ROWS = 1
    for subject in ("Closed today", "Closed tomorrow", "Library Hours"):
        message_by("email", subject=subject)
    message_by("email", subject="Closed long ago", created_at=timezone.now() - timedelta(days=20))
    response = client.get(
        reverse("web:admin_sent_message_log"), {"export": "csv", "subject": "closed", "sort": "subject"}
    )
    (job,) = user_jobs(user)
    assert response["Location"] == reverse("web:report_job", kwargs={"pk": job.pk})
    (rows,) = [
        part for part in report_kind(job.kind).open(user, job.options).document().sections if hasattr(part, "rows")
    ]
    assert [row[3] for row in rows.rows] == ["Closed today", "Closed tomorrow"]


def test_a_search_for_a_person_holds_in_the_background_too(client, user, settings):
    settings.REPORT_AT_ONCE_ROWS = 0
    message = message_by("email")
    make_delivery(make_recipient(message, person_id="4711", name="Vang, Mai"))
    make_delivery(make_recipient(message, name="Somebody, Else"))
    found = client.post(reverse("web:admin_recipient_log"), {"person": "Vang, Mai"})["Location"]
    client.get(f"{found}&export=pdf")
    (job,) = user_jobs(user)
    assert report_kind(job.kind).open(user, job.options).count() == 1
    assert "Vang" not in job.title


def user_jobs(user):
    return list(ReportJob.objects.of(user))
