"""The choices on the pages of messages, and the reports that they open."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.tools import Right, Tool
from reports.files import NO_ROOM, NotMade
from reports.models import ReportJob
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.messages import csv_of, message_by
from web import responses

pytestmark = pytest.mark.django_db

V2_RIGHTS = [(Tool.SENT_MESSAGE_LOG_2, right) for right in (Right.READ, Right.ALL_MESSAGES, Right.TYPE_GENERAL)]


@pytest.fixture
def administrator(make_user, signed_in):
    return signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, *V2_RIGHTS, username="administrator"))


def address(message, **choices):
    name = (
        "web:sent_message_log_2_message_report"
        if message.engine == "v2"
        else "web:admin_sent_message_log_message_report"
    )
    return reverse(name, kwargs={"pk": message.pk})


def page_of(client, message):
    name = "web:sent_message_log_2_message" if message.engine == "v2" else "web:admin_sent_message_log_message"
    return Shown(client.get(reverse(name, kwargs={"pk": message.pk})))


def v2_message(*modes):
    return message_by(*modes, engine="v2", message_type="Messenger 2.0 - General")


def test_the_options_are_on_the_message_page_and_open_in_a_new_tab(administrator):
    message = message_by("email")
    page = page_of(administrator, message)
    (form,) = page.root.xpath("//form[@class='report-options']")
    assert (form.get("action"), form.get("target"), form.get("method")) == (address(message), "_blank", "get")
    assert page.root.xpath("//input[@name='devices' and @checked]/@value") == ["no_device", "email"]
    assert page.root.xpath("//input[@name='devices' and @disabled]/@value") == ["inbox", "phone"]
    assert page.root.xpath("//input[@name='detail' and @checked]/@value") == ["all"]
    assert page.root.xpath("//select[@name='format']/option[@selected]/@value") == ["pdf"]


def test_failed_delivery_cannot_be_chosen_while_the_message_runs(administrator):
    page = page_of(administrator, message_by("email", status="in_progress"))
    assert page.root.xpath("//input[@name='detail' and @disabled]/@value") == ["failed"]


def test_build_report_is_a_side_panel_that_needs_no_script(administrator):
    message = v2_message("email", "text")
    page = page_of(administrator, message)
    (button,) = page.root.xpath("//button[@id='build-report']")
    (panel,) = page.root.xpath(f"//*[@id='{button.get('popovertarget')}' and @popover]")
    assert panel.xpath(".//input[@name='modes' and @checked]/@value") == ["email", "text"]
    assert len(panel.xpath(".//input[@name='statuses' and @checked]")) == len(panel.xpath(".//input[@name='statuses']"))
    assert panel.xpath(".//form/@action") == [address(message)]


def test_the_page_of_an_upcoming_message_offers_no_report(make_user, signed_in):
    user = make_user(Tool.UPCOMING_MESSAGES)
    message = message_by("email", status="waiting", sender=user)
    page = Shown(signed_in(user).get(reverse("web:upcoming_messages_message", kwargs={"pk": message.pk})))
    assert not page.root.xpath("//form[@class='report-options'] | //*[@id='build-report']")


@pytest.mark.parametrize(
    ("format", "begins", "shown"),
    [
        ("pdf", b"%PDF-", "inline"),
        ("csv", b"\xef\xbb\xbfTitle,", "attachment"),
        ("docx", b"PK", "attachment"),
        ("xlsx", b"PK", "attachment"),
    ],
)
def test_a_small_report_opens_at_once(administrator, format, begins, shown):
    message = message_by("email", subject="Mai was absent")
    make_delivery(make_recipient(message))
    response = administrator.get(address(message), {"devices": "email", "detail": "all", "format": format})
    assert response.status_code == 200
    assert response.getvalue().startswith(begins)
    # Not a word of what it is about.
    name = f"sent-message-report-{message.pk}.{format}"
    assert response["Content-Disposition"] == f'{shown}; filename="{name}"'
    assert response["Cache-Control"] == "private, no-store"
    assert not ReportJob.objects.exists()


@pytest.mark.slow
def test_what_makes_no_sense_is_said_in_words_beside_the_choices(administrator):
    message = message_by("email")
    for query, words in (
        ({"devices": "phone"}, "did not go by Voice/Text"),
        ({"detail": "all"}, "Choose at least one delivery device"),
        ({"devices": "email", "detail": "burnt"}, "Choose All, Summary or Failed Delivery."),
        ({"devices": "email", "format": "exe"}, "Choose PDF, CSV, DOCX or XLSX."),
        ({"devices": "\x00"}, "Choose devices from"),
    ):
        page = Shown(administrator.get(address(message), query))
        assert words in " ".join(page.texts("//p[contains(@class, 'invalid-feedback')]")), query
    page = Shown(administrator.get(address(v2_message("email")), {"modes": "email"}))
    assert page.texts("//p[contains(@class, 'invalid-feedback')]") == ["Choose at least one delivery status."]


def test_a_report_is_in_the_audit_trail(administrator):
    message = message_by("email", subject="School is closed")
    make_delivery(make_recipient(message))
    administrator.get(address(message), {"devices": "email", "format": "csv"})
    event = AuditEvent.objects.get(action="report.sent_message")
    assert (event.who, event.target) == ("administrator", f"Message {message.pk}")
    assert event.details == {
        "tool": "ADMIN_SENT_MESSAGE_LOG",
        "message": message.pk,
        "devices": ["email"],
        "detail": "all",
        "format": "csv",
        "rows": 1,
    }


def test_a_report_2_has_the_chosen_rows(administrator):
    message = v2_message("email", "voice")
    recipient = make_recipient(message)
    make_delivery(recipient)
    make_delivery(recipient, mode="voice", status="busy")
    query = {"modes": ["voice"], "statuses": ["busy", "failed"], "format": "csv", "rows_only": "on"}
    assert [row[2:4] for row in csv_of(administrator.get(address(message), query))[1:]] == [["Voice", "Busy"]]


def test_the_disk_being_full_is_said_in_words(administrator, monkeypatch):
    def full(*args, **kwargs):
        raise NotMade(NO_ROOM)

    monkeypatch.setattr(responses, "write_report", full)
    response = administrator.get(address(message_by("email")), {"devices": "email"})
    assert response.status_code == 503
    assert "no room left on the disk" in response.content.decode()


def test_a_message_of_the_other_engine_has_no_report_here(administrator):
    message = v2_message("email")
    response = administrator.get(reverse("web:admin_sent_message_log_message_report", kwargs={"pk": message.pk}))
    assert response.status_code == 404
