"""The certificate of a cancel: its four figures, who may have it and when."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.status_reports import StatusReport, report_statuses
from reports.document import Document
from reports.kinds.cancel_certificate import CancelCertificate
from reports.report import BadOptions
from tests.messenger_logs.factories import make_message
from web.message_urls import message_url

pytestmark = pytest.mark.django_db

LOG = Tool.SENT_MESSAGE_LOG
FIGURES = {
    "Left": "2",
    "Hung up while ringing": "0",
    "Never started": "2",
    "Not to be tried": "1",
    "All devices": "5",
}


@pytest.fixture
def canceled(under_way: Callable[..., SentMessage], sender: User) -> SentMessage:
    message = under_way(dispatched_here=False)
    cancel_message(message_id=message.pk, by=sender)
    complete_cancel(message_id=message.pk)
    message.refresh_from_db()
    assert message.cancel_completed_at
    return message


def certificate(message: SentMessage, user: User, **chosen: Any) -> Document:
    return CancelCertificate.open(user, {"tool": LOG.name, "message": message.pk, **chosen}).document()


def pairs(document: Document) -> dict[str, str]:
    return {label: text for section in document.sections for label, text in getattr(section, "pairs", ())}


def test_it_has_the_four_figures_and_their_sum(canceled: SentMessage, sender: User) -> None:
    document = certificate(canceled, sender)
    found = pairs(document)
    assert {label: found[label] for label in FIGURES} == FIGURES
    assert found["Canceled By"] == "Vang, Mai"
    assert dict(document.header)["Message ID"] == str(canceled.pk)
    assert dict(document.header)["Asked For By"] == "Vang, Mai"


def test_a_later_report_moves_no_figure_and_is_said(canceled: SentMessage, sender: User) -> None:
    def notes() -> list[str]:
        return [label for label, _ in certificate(canceled, sender).sections[-1].paragraphs]

    assert "Later Reports" not in notes()
    stopped = canceled.deliveries.filter(status="canceled").first()
    assert stopped
    report_statuses(message_id=canceled.pk, reports=[StatusReport(delivery_id=stopped.pk, status="sent")])
    found = pairs(certificate(canceled, sender))
    assert {label: found[label] for label in FIGURES} == FIGURES
    assert notes()[-2:] == ["Another System", "Later Reports"]


def test_there_is_none_before_the_cancel_is_complete(under_way: Callable[..., SentMessage], sender: User) -> None:
    running = under_way()
    for _ in range(2):
        with pytest.raises(Http404):
            certificate(running, sender)
        cancel_message(message_id=running.pk, by=sender)


def test_it_is_a_pdf_and_nothing_else(canceled: SentMessage, sender: User) -> None:
    with pytest.raises(BadOptions, match="is a PDF"):
        certificate(canceled, sender, format="csv")


@pytest.mark.slow
def test_the_page_of_the_message_leads_to_it_and_it_is_audited(
    canceled: SentMessage, sender: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(sender)
    address = f"{message_url(LOG, canceled.pk, 'certificate')}?format=pdf"
    assert address in client.get(message_url(LOG, canceled.pk)).text
    answer = client.get(address)
    assert (answer["Content-Type"], answer.getvalue()[:4]) == ("application/pdf", b"%PDF")
    event = AuditEvent.objects.get(action="report.cancel_certificate")
    assert (event.who, event.details["message"]) == ("Vang, Mai", canceled.pk)
    assert "Vang, Mai asked for the certificate of its cancel." in client.get(message_url(LOG, canceled.pk)).text


def test_the_command_makes_it(canceled: SentMessage, tmp_path: Any) -> None:
    file = tmp_path / "certificate.pdf"
    call_command("report", "cancel-certificate", str(canceled.pk), output=str(file))
    assert file.read_bytes()[:4] == b"%PDF"
    with pytest.raises(CommandError, match="not complete"):
        call_command("report", "cancel-certificate", str(make_message().pk), output=str(file))
