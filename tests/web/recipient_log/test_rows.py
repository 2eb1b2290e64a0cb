"""What the Recipient Log says of each device."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.failure_reasons import why_not_reached
from messenger_logs.models import Recipient
from messenger_logs.statuses import CODES, OUTCOMES, STATUSES
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.web.recipient_log.conftest import ALL, NOON, OWN, exported_rows, rows, search, text_of

pytestmark = pytest.mark.django_db

CHICAGO = ZoneInfo("America/Chicago")


def test_the_columns(administrator: Client, mai: Recipient) -> None:
    make_delivery(
        mai,
        mode=Mode.EMAIL,
        address="mai@example.com",
        last_attempt_at=NOON - timedelta(minutes=50),
        email_outcome="failed-permanent",
        email_reason="550 No such user",
    )

    (row,) = exported_rows(administrator, "4711")

    assert row == {
        "Date Created": "11/20/2026 11:00 AM",
        "Recipient": "Vang, Mai",
        "PersonID": "4711",
        "Student": "Vang, Tou",
        "Message Subject": "Library Hours",
        "Sender": "Administrator, System",
        "Delivery Mode": "Email",
        "Device": "mai@example.com",
        "Status": "Sent",
        "Status Detail": "",
        "Why Not Reached": "Bounced: the e-mail was sent, but the recipient's mail server refused it.",
        "Time": "11/20/2026 11:10 AM",
        "E-mail Provider Says": "Failed (permanent): 550 No such user",
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mode": Mode.TEXT, "address": ""}, "No phone number on record"),
        ({"mode": Mode.EMAIL, "address": ""}, "No e-mail address on record"),
        ({"mode": Mode.TEXT, "status": DeliveryStatus.OPT_OUT, "code": -33}, "Opted out: the recipient replied STOP"),
        ({"mode": Mode.VOICE, "status": DeliveryStatus.RESTRICTED, "code": -9}, "outside the hours"),
        ({"mode": Mode.VOICE, "status": DeliveryStatus.RESTRICTED}, "Restricted"),
        ({"mode": Mode.EMAIL, "email_outcome": "failed-permanent"}, "Bounced"),
        ({"mode": Mode.EMAIL, "email_outcome": "suppressed"}, "Suppressed"),
        ({"mode": Mode.TEXT, "status": DeliveryStatus.NOT_ELIGIBLE}, "cannot get texts"),
        ({"mode": Mode.VOICE, "status": DeliveryStatus.CANCELED}, "canceled"),
        ({"mode": Mode.EMAIL, "email_outcome": "delivered"}, ""),
        ({"mode": Mode.VOICE, "status": DeliveryStatus.WAITING}, ""),
    ],
)
def test_why_somebody_was_not_reached_is_said_in_words(
    administrator: Client, mai: Recipient, fields: dict[str, Any], words: str
) -> None:
    make_delivery(mai, **fields)

    (row,) = exported_rows(administrator, "4711")

    assert words in row["Why Not Reached"]
    assert bool(words) == bool(row["Why Not Reached"])


def test_whoever_was_not_reached_gets_a_reason_whatever_the_status_and_code(mai: Recipient) -> None:
    delivery = make_delivery(mai)
    for mode, statuses in STATUSES.items():
        for status in statuses:
            delivery.mode, delivery.status, delivery.outcome, delivery.code = mode, status, OUTCOMES[status], None
            unreached = delivery.outcome not in (Outcome.SUCCESS, Outcome.PENDING)
            assert bool(why_not_reached(delivery)) == unreached, status
    for code in CODES.values():
        delivery.mode, delivery.status = min(code.modes), code.status
        delivery.outcome, delivery.code = code.outcome, code.number
        unreached = delivery.outcome not in (Outcome.SUCCESS, Outcome.PENDING)
        assert bool(why_not_reached(delivery)) == unreached, code


def test_a_person_in_a_message_for_two_students_has_both_rows(administrator: Client, mai: Recipient) -> None:
    make_delivery(mai, address="mai@example.com")
    again = make_recipient(mai.message, person_id="4711", name="Vang, Mai", student_name="Vang, Lia")
    make_delivery(again, address="mai@example.com", status=DeliveryStatus.DUPLICATE)

    found = exported_rows(administrator, "4711")

    assert {(row["Student"], row["Device"]) for row in found} == {
        ("Vang, Tou", "mai@example.com"),
        ("Vang, Lia", "mai@example.com &"),
    }
    (duplicate,) = (row for row in found if row["Student"] == "Vang, Lia")
    assert "once more" in duplicate["Why Not Reached"]


def test_messages_of_every_engine_are_there_and_scheduled_ones_from_their_start(
    administrator: Client, mai: Recipient
) -> None:
    for engine in ("classic", "v2", "olr"):
        message = make_message(engine=engine, subject=engine)
        make_delivery(make_recipient(message, person_id="4711"))
    later = make_message(subject="later", listed_from=NOON + timedelta(hours=1))
    make_delivery(make_recipient(later, person_id="4711"))

    assert {row[2] for row in rows(search(administrator, "4711"))} == {"classic", "v2", "olr"}


class TestDays:
    def add(self, created_at: datetime) -> None:
        make_delivery(make_recipient(make_message(created_at=created_at, subject=str(created_at)), person_id="4711"))

    def count(self, client: Client, first: str, last: str) -> int:
        return len(exported_rows(client, "4711", created_from=first, created_to=last))

    def test_the_last_30_days_are_shown_at_first(self, administrator: Client, mai: Recipient) -> None:
        self.add(datetime(2026, 10, 22, 0, 0, tzinfo=CHICAGO))
        self.add(datetime(2026, 10, 21, 23, 59, 59, tzinfo=CHICAGO))

        assert len(exported_rows(administrator, "4711")) == 1

    def test_days_begin_and_end_at_midnight_of_the_district(self, administrator: Client, mai: Recipient) -> None:
        self.add(datetime(2026, 11, 10, 0, 0, tzinfo=CHICAGO))
        self.add(datetime(2026, 11, 10, 23, 59, 59, 999999, tzinfo=CHICAGO))
        self.add(datetime(2026, 11, 11, 5, 59, tzinfo=UTC))

        assert self.count(administrator, "2026-11-10", "2026-11-10") == 3
        assert self.count(administrator, "2026-11-09", "2026-11-09") == 0
        assert self.count(administrator, "2026-11-11", "2026-11-11") == 0

    def test_the_day_of_25_hours_is_whole(self, administrator: Client, mai: Recipient) -> None:
        self.add(datetime(2026, 11, 1, 5, 0, tzinfo=UTC))
        self.add(datetime(2026, 11, 2, 5, 59, 59, tzinfo=UTC))
        self.add(datetime(2026, 11, 2, 6, 0, tzinfo=UTC))

        assert self.count(administrator, "2026-11-01", "2026-11-01") == 2

    def test_the_day_of_23_hours_is_whole(self, administrator: Client, mai: Recipient) -> None:
        self.add(datetime(2026, 3, 8, 6, 0, tzinfo=UTC))
        self.add(datetime(2026, 3, 9, 4, 59, 59, tzinfo=UTC))
        self.add(datetime(2026, 3, 9, 5, 0, tzinfo=UTC))

        assert self.count(administrator, "2026-03-08", "2026-03-08") == 2

    def test_a_district_elsewhere_has_other_days(
        self, administrator: Client, mai: Recipient, settings: Settings
    ) -> None:
        self.add(datetime(2026, 11, 11, 7, 0, tzinfo=UTC))
        settings.TIME_ZONE = "America/Los_Angeles"

        assert self.count(administrator, "2026-11-10", "2026-11-10") == 1


class TestLinksToMessages:
    def link(self, client: Client, name: str = ALL) -> str:
        found = re.search(r'<a class="row-link" href="([^"]+)"', search(client, "4711", name))
        return found[1] if found else ""

    @pytest.mark.parametrize(
        ("engine", "kind", "mine", "rights", "page"),
        [
            ("classic", "Behavior", False, [Tool.ADMIN_SENT_MESSAGE_LOG], "admin_sent_message_log_message"),
            ("classic", "Behavior", True, [Tool.ADMIN_SENT_MESSAGE_LOG], "admin_sent_message_log_message"),
            ("classic", "Behavior", True, [Tool.SENT_MESSAGE_LOG], "sent_message_log_message"),
            ("classic", "Behavior", False, [Tool.SENT_MESSAGE_LOG], ""),
            ("classic", "Behavior", True, [], ""),
            ("v2", "Messenger 2.0 - Priority", True, [Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG], ""),
            ("v2", "Messenger 2.0 - Priority", True, "my priority", "sent_message_log_2_message"),
            ("v2", "Messenger 2.0 - Priority", False, "my priority", ""),
            ("v2", "Messenger 2.0 - General", True, "my priority", ""),
        ],
    )
    def test_the_subject_leads_to_the_page_for_those_who_may(
        self,
        mai: Recipient,
        make_user: Callable[..., User],
        signed_in: Callable[[User], Client],
        engine: str,
        kind: str,
        mine: bool,
        rights: Any,
        page: str,
    ) -> None:
        log_2 = Tool.SENT_MESSAGE_LOG_2
        if rights == "my priority":
            rights = [log_2, (log_2, Right.MY_MESSAGES), (log_2, Right.TYPE_PRIORITY)]
        user = make_user(Tool.ADMIN_RECIPIENT_LOG, *rights)
        sender = user if mine else make_user()
        message = make_message(engine=engine, message_type=kind, sender=sender)
        make_delivery(make_recipient(message, person_id="4711"))

        link = self.link(signed_in(user))

        assert link == (reverse(f"web:{page}", kwargs={"pk": message.pk}) if page else "")
        if link:
            assert signed_in(user).get(link).status_code == 200


class TestOwnLog:
    """The own log shows what the user sent, and nobody else's messages by any way in."""

    @pytest.fixture
    def sender(self, make_user: Callable[..., User]) -> User:
        return make_user(Tool.RECIPIENT_LOG)

    @pytest.fixture
    def client(self, sender: User, mai: Recipient, make_user: Callable[..., User], signed_in: Any) -> Client:
        own = make_recipient(make_message(sender=sender, subject="mine"), person_id="4711", name="Vang, Mai")
        make_delivery(own, mode=Mode.EMAIL, address="mai@example.com")
        others = make_message(sender=make_user(), subject="theirs")
        make_delivery(make_recipient(others, person_id="4711", name="Vang, Mai", student_name="Vang, Secret"))
        stranger = make_recipient(others, person_id="4712", name="Vang, Stranger")
        make_delivery(stranger, mode=Mode.EMAIL, address="stranger@example.com")
        make_delivery(stranger, mode=Mode.VOICE, address="+16515550199")
        client: Client = signed_in(sender)
        return client

    @pytest.mark.parametrize("text", ["Vang, Mai", "4711", "mai@example.com"])
    def test_by_search_and_by_chosen_person(self, client: Client, text: str) -> None:
        page = search(client, text, OWN)

        assert [row[2] for row in rows(page)] == ["mine"]
        assert "Secret" not in page, "not even the students whom others wrote about"
        assert "Stranger" not in page

    @pytest.mark.parametrize("text", ["Stranger", "4712", "stranger@", "651-555-0199"])
    def test_people_whom_the_user_wrote_nothing_are_not_found(self, client: Client, text: str) -> None:
        page = search(client, text, OWN)

        assert "Nobody was found" in page
        assert rows(page) == []

    def test_by_export(self, client: Client) -> None:
        assert [row["Message Subject"] for row in exported_rows(client, "4711", OWN)] == ["mine"]

    @pytest.mark.parametrize("sort", ["created_at", "-subject", "sender", "device"])
    @pytest.mark.parametrize("direction", ["after", "before"])
    def test_by_page_key(self, client: Client, mai: Recipient, sort: str, direction: str) -> None:
        theirs = make_delivery(make_recipient(make_message(), person_id="4711"))
        found = client.post(reverse(OWN), {"person": "4711"})["Location"]

        page = text_of(client.get(f"{found}&sort={sort}&{direction}=delivery-{theirs.pk}"))

        assert [row[2] for row in rows(page)] == ["mine"]

    def test_by_the_search_of_somebody_else(self, client: Client, administrator: Client) -> None:
        found = administrator.post(reverse(ALL), {"person": "4712"})["Location"]

        page = text_of(client.get(found.replace(reverse(ALL), reverse(OWN))))

        assert "not kept here any more" in page
        assert rows(page) == []

    def test_by_the_administration_log(self, client: Client) -> None:
        assert client.post(reverse(ALL), {"person": "4711"}).status_code == 403
        assert client.get(reverse(ALL), {"export": "csv"}).status_code == 403

    def test_the_administration_log_has_them_all(self, client: Client, administrator: Client) -> None:
        assert {row["Message Subject"] for row in exported_rows(administrator, "4711")} == {"mine", "theirs"}


def test_everything_sent_to_a_person_in_a_year_is_on_paper_after_three_clicks(
    administrator: Client, mai: Recipient
) -> None:
    """After the search: last 12 months, Generate Report (which opens a menu), PDF."""
    for days in (1, 364, 366):
        created_at = NOON - timedelta(days=days)
        make_delivery(make_recipient(make_message(created_at=created_at), person_id="4711", name="Vang, Mai"))
    page = search(administrator, "Vang, Mai")
    (year,) = re.findall(r'href="([^"]+)">last 12 months</a>', page)
    page = text_of(administrator.get(unescape(year)))
    assert len(rows(page)) == 2
    (pdf,) = re.findall(r'href="([^"]+)"[^>]* id="grid-export-pdf"', page)
    assert "created_from=2025-11-21&created_to=2026-11-20" in unescape(pdf)
    assert administrator.get(unescape(pdf), follow=True)["Content-Type"] == "application/pdf"


def test_an_export_wants_one_person(administrator: Client, mai: Recipient) -> None:
    make_delivery(make_recipient(mai.message, person_id="1", name="Vang, Lia"))
    for query in ("?export=csv", administrator.post(reverse(ALL), {"person": "vang"})["Location"] + "&export=csv"):
        response = administrator.get(reverse(ALL) + query.removeprefix(reverse(ALL)))

        assert response["Content-Type"].startswith("text/html")
        assert "An export is of one person" in text_of(response)
    assert not AuditEvent.objects.filter(action__startswith="export").exists()


def test_an_export_is_in_the_audit_trail_without_whom_it_was_of(administrator: Client, mai: Recipient) -> None:
    make_delivery(mai, address="mai@example.com")

    exported_rows(administrator, "mai@example.com")

    event = AuditEvent.objects.get(action="export.admin_recipient_log")
    assert event.details["rows"] == 1
    assert "mai@" not in str(event.details)


BAD: list[dict[str, str]] = [
    {"person": "\x00"},
    {"person": "x" * 10_000},
    {"person": "a"},
    {"person": "a b c"},
    {"person": "+"},
    {"person": "@"},
    {"person": "(((((((("},
    {"person": "4711", "created_from": "yesterday"},
    {"person": "4711", "created_from": "2026-02-30"},
    {"person": "4711", "mode": "pigeon"},
    {"person": "4711", "status": "\x00"},
    {"person": "4711", "sort": "why"},
    {"person": "4711", "sort": "recipient__message__sender__password"},
    {"person": "4711", "rows": "-1"},
    {"person": "4711", "subject": "\x00"},
]


@pytest.mark.parametrize("values", BAD, ids=lambda values: "&".join(f"{k}={v[:20]!r}" for k, v in values.items()))
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_bad_input_gives_words(
    administrator: Client, mai: Recipient, values: dict[str, str], headers: dict[str, str]
) -> None:
    make_delivery(mai)

    response = administrator.post(reverse(ALL), values, headers=headers, follow=True)

    assert response.status_code == 200
    assert 'role="alert"' in text_of(response) or "Nobody was found" in text_of(response)


@pytest.mark.slow
@pytest.mark.parametrize("number", [5, 60])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    make_user: Callable[..., User],
    signed_in: Callable[[User], Client],
    mai: Recipient,
    number: int,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    client = signed_in(make_user(Tool.ADMIN_RECIPIENT_LOG, Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG))
    for _ in range(number):
        make_delivery(make_recipient(make_message(), person_id="4711", name="Vang, Mai"))
    found = client.post(reverse(ALL), {"person": "vang mai"})["Location"]

    client.get(found)  # the first look also writes its row of the audit trail
    # Session, user, rights (2), views, columns, scopes, time limit (3), person (by id, by name), students, page,
    # states of devices, message pages (2), look.
    with django_assert_num_queries(18, exact=False):
        text = text_of(client.get(f"{found}&rows=100"))
    assert len(rows(text)) == number
