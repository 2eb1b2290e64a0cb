"""The section History of the message page: who did what with the message, in order of time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import issue_token, record_audit_event
from accounts.tools import Right, Tool
from messenger_logs.message_history import MOST_EVENTS, history_of
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

BEGUN = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)  # 8:00 AM in Chicago
PAGES = ["web:admin_sent_message_log_message", "web:sent_message_log_2_message", "web:upcoming_messages_message"]

MakeUser = Callable[..., User]
SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def in_chicago(settings) -> None:
    settings.TIME_ZONE = "America/Chicago"


@pytest.fixture
def mai(make_user: MakeUser) -> User:
    return make_user(
        Tool.ADMIN_SENT_MESSAGE_LOG,
        (Tool.ADMIN_SENT_MESSAGE_LOG, Right.WRITE),
        Tool.SENT_MESSAGE_LOG_2,
        (Tool.SENT_MESSAGE_LOG_2, Right.ALL_MESSAGES),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_GENERAL),
        Tool.UPCOMING_MESSAGES,
        (Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL),
        (Tool.MESSAGE_IMPORT, Right.WRITE),
        first_name="Mai",
        last_name="Vang",
    )


def sentences(message: SentMessage) -> list[str]:
    return [entry.text for entry in history_of(message).entries]


def history_lines(client: Client, name: str, message: SentMessage) -> list[str]:
    """The lines of the section on a page: time and words."""
    page = client.get(reverse(name, args=[message.pk])).content.decode()
    section = page.partition('aria-labelledby="history-heading"')[2].partition("</section>")[0]
    lines = re.findall(r"<li>(.*?)</li>", section, re.DOTALL)
    return [unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", line))).strip() for line in lines]


def message_for(page: str) -> SentMessage:
    kind = {"engine": "v2", "message_type": "Messenger 2.0 - General"} if page == PAGES[1] else {}
    return make_message(
        status="in_progress", created_at=BEGUN, dispatch_started_at=BEGUN + timedelta(minutes=5), **kind
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_message_page_tells_the_history_with_times(mai: User, signed_in: SignIn, page: str) -> None:
    message = message_for(page)
    with time_machine.travel(BEGUN + timedelta(minutes=7, seconds=3), tick=False):
        record_audit_event(by=mai, action="message.sent_again", details={"message": message.pk, "devices": 1_204})

    assert history_lines(signed_in(mai), page, message) == [
        "11/20/2026 8:00:00 AM Administrator, System created it.",
        "11/20/2026 8:05:00 AM Delivery began.",
        "11/20/2026 8:07:03 AM Vang, Mai had it sent again to 1,204 devices that may not have got it.",
    ]


def test_a_cancel_names_who_asked_and_when_it_was_complete(mai: User) -> None:
    message = message_for(PAGES[0])
    cancel_message(message_id=message.pk, by=mai)
    message.refresh_from_db()
    assert sentences(message)[2:] == ["Vang, Mai canceled it."]

    SentMessage.objects.filter(pk=message.pk).update(cancel_completed_at=timezone.now() + timedelta(minutes=1))
    message.refresh_from_db()
    assert sentences(message)[2:] == [
        "Vang, Mai canceled it.",
        "The cancel was complete: 0 left, 0 hung up while ringing, 0 never started, 0 not to be tried.",
    ]


def test_a_message_that_is_done_says_when_it_was_finished() -> None:
    message = make_message(
        created_at=BEGUN, dispatch_started_at=BEGUN, dispatch_finished_at=BEGUN + timedelta(minutes=20)
    )
    assert sentences(message)[1:] == ["Delivery began.", "Delivery was finished."]


def test_a_message_that_a_program_brought_in_says_so(mai: User, client: Client) -> None:
    token, _ = issue_token(user=mai)
    headers = {"Authorization": f"Token {token}"}
    data = {
        "external_id": "sis-7",
        "engine": "classic",
        "message_type": "Attendance",
        "subject": "Late",
        "sender_name": "Office",
        "created_at": "2026-11-20T14:00:00Z",
        "modes": ["email"],
        "recipients": [
            {"person_id": "1", "name": "Her, Blong", "devices": [{"mode": "email", "address": "b@example.com"}]}
        ],
    }
    answer = client.post(reverse("api:messages"), data, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    more = [{"person_id": "2", "name": "Lee, Kong", "devices": []}]
    message = SentMessage.objects.get(external_id="sis-7")
    answer = client.post(
        reverse("api:recipients", args=[message.pk]), more, content_type="application/json", headers=headers
    )
    assert answer.status_code == 200, answer.content

    assert sentences(message) == [
        "Office created it in another system, as sis-7.",
        "Vang, Mai brought it in, with 1 recipient.",
        "Vang, Mai added 1 recipient.",
    ]


def test_reports_and_exports_of_its_recipients_are_told(mai: User, signed_in: SignIn) -> None:
    message = make_message(created_at=BEGUN)
    make_delivery(make_recipient(message))
    with time_machine.travel(timezone.now() - timedelta(minutes=1)):
        record_audit_event(by=mai, action="report.sent_message", details={"message": message.pk, "format": "pdf"})
    signed_in(mai).get(reverse("web:admin_sent_message_log_message_recipients", args=[message.pk]), {"export": "csv"})

    assert sentences(message)[1:] == ["Vang, Mai asked for a report (PDF).", "Vang, Mai exported its recipients (CSV)."]


def test_who_only_looked_and_what_is_about_other_messages_is_not_told(mai: User, signed_in: SignIn) -> None:
    message, other = make_message(), make_message()
    signed_in(mai).get(reverse("web:admin_sent_message_log_message", args=[message.pk]))
    record_audit_event(by=mai, action="report.sent_message", details={"message": other.pk, "format": "pdf"})
    record_audit_event(by=mai, action="report.sent_message", details={"message": str(message.pk), "format": "pdf"})

    assert sentences(message) == ["Administrator, System created it."]


def test_only_those_to_whom_the_message_is_shown_see_its_history(make_user: MakeUser, signed_in: SignIn) -> None:
    message = make_message(sender=make_user())
    client = signed_in(make_user(Tool.SENT_MESSAGE_LOG))

    answer = client.get(reverse("web:sent_message_log_message", args=[message.pk]))

    assert answer.status_code == 404
    assert "history-heading" not in answer.content.decode()


def test_names_are_shown_as_text(mai: User, signed_in: SignIn) -> None:
    message = make_message(sender_name="<b>Office</b>", created_at=BEGUN)
    page = signed_in(mai).get(reverse(PAGES[0], args=[message.pk])).content.decode()
    assert "&lt;b&gt;Office&lt;/b&gt; created it." in page


@pytest.mark.slow
def test_much_history_is_cut_at_its_beginning_and_says_so(mai: User, signed_in: SignIn) -> None:
    message = make_message(created_at=BEGUN)
    for number in range(MOST_EVENTS + 1):
        record_audit_event(by=mai, action="import.recipients", details={"message": message.pk, "recipients": number})

    history = history_of(message)

    assert history.cut
    assert history.entries[0].text == "Administrator, System created it."
    assert [entry.text for entry in history.entries[1:3]] == [
        "Vang, Mai added 1 recipient.",
        "Vang, Mai added 2 recipients.",
    ]
    assert (
        "the Audit Trail has those before" in signed_in(mai).get(reverse(PAGES[0], args=[message.pk])).content.decode()
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_history(mai: User, signed_in: SignIn, page: str) -> None:
    message, client = message_for(page), signed_in(mai)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse(page, args=[message.pk]))
        return len(captured)

    queries()  # the first look also writes its row of the audit trail
    few = queries()
    for _ in range(20):
        record_audit_event(by=mai, action="report.sent_message", details={"message": message.pk, "format": "pdf"})
    assert queries() == few
