"""The Mailgun Message Log, own and administration, as a browser asks for it."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain, SyncGap
from web.listings.mailgun_message_log import RecipientFilter

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))
OWN, ALL = "web:mailgun_message_log", "web:admin_mailgun_message_log"


@pytest.fixture(autouse=True)
def a_friday_at_noon(settings: Settings) -> Any:
    settings.MAILGUN_DOMAINS = ["mg.harrison.example"]
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def domain() -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


@pytest.fixture
def add(domain: SendingDomain) -> Callable[..., MailgunEvent]:
    """Store an event of an hour ago, with a recipient of its own."""

    def add(**fields: Any) -> MailgunEvent:
        number = MailgunEvent.objects.count()
        given = {
            "event": "delivered",
            "event_id": f"id{number}",
            "occurred_at": NOON - timedelta(hours=1),
            "recipient": f"family{number}@example.com",
            "raw": '{"secret": "raw json"}',
        }
        event = MailgunEvent.objects.create(domain=domain, **(given | fields))
        RecipientAddress.objects.get_or_create(address=event.recipient)
        return event

    return add


@pytest.fixture
def administrator(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG))


def text_of(response: HttpResponseBase) -> str:
    content: Any = response
    return b"".join(content.streaming_content).decode("utf-8-sig") if response.streaming else content.content.decode()


def page(client: Client, name: str = ALL, /, **query: str) -> str:
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return text_of(response)


def recipients(text: str) -> list[str]:
    body = re.search(r"<tbody.*?</tbody>", text, re.DOTALL)
    return re.findall(r"[\w.-]+@example\.com", body[0]) if body else []


def exported_rows(client: Client, name: str = ALL, /, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page(client, name, export="csv", **query))))


def test_the_columns_are_those_of_the_original(administrator: Client, add: Callable[..., MailgunEvent]) -> None:
    add()

    headings = re.findall(r'<th scope="col".*?</th>', page(administrator), re.DOTALL)

    labels = [
        re.sub(r"<details.*?</details>|<[^>]+>|[^\w ]", "", heading, flags=re.DOTALL).strip() for heading in headings
    ]
    assert [label.split("  ")[0].strip() for label in labels] == [
        "Event",
        "Event Time Stamp",
        "Recipient PersonID",
        "Recipient Email",
        "Subject",
        "Reason",
    ]


def test_a_row_shows_what_became_of_an_email(administrator: Client, add: Callable[..., MailgunEvent]) -> None:
    add(
        event="failed",
        severity="permanent",
        reason="bounce",
        person_id="4711",
        recipient="mai@example.com",
        subject="Attendance",
        detail="550 No such user",
    )

    (row,) = exported_rows(administrator)

    assert row == {
        "Event": "Failed (permanent)",
        "Event Time Stamp": "11/20/2026 11:00:00 AM",
        "Recipient PersonID": "4711",
        "Recipient Email": "mai@example.com",
        "Subject": "Attendance",
        "Reason": "550 No such user",
    }
    assert "secret" not in page(administrator)


def test_failed_says_whether_it_is_for_good_and_suppressed_is_told_apart(
    administrator: Client, add: Callable[..., MailgunEvent]
) -> None:
    add(event="failed", severity="permanent", reason="generic")
    add(event="failed", severity="temporary", reason="generic")
    add(event="failed", severity="permanent", reason="suppress-bounce")
    for kind in ["accepted", "rejected", "delivered", "complained"]:
        add(event=kind)

    assert [row["Event"] for row in exported_rows(administrator, sort="recipient")] == [
        "Failed (permanent)",
        "Failed (temporary)",
        "Failed (suppressed)",
        "Accepted",
        "Rejected",
        "Delivered",
        "Complained",
    ]
    for kind, label in [
        ("failed-permanent", "Failed (permanent)"),
        ("failed-temporary", "Failed (temporary)"),
        ("suppressed", "Failed (suppressed)"),
        ("complained", "Complained"),
    ]:
        assert [row["Event"] for row in exported_rows(administrator, event=kind)] == [label]


def test_other_kinds_are_shown_on_request_only(administrator: Client, add: Callable[..., MailgunEvent]) -> None:
    add(event="delivered")
    for kind in ["opened", "clicked", "brand_new_kind"]:
        add(event=kind)

    assert [row["Event"] for row in exported_rows(administrator)] == ["Delivered"]
    assert {row["Event"] for row in exported_rows(administrator, event="other")} == {
        "opened",
        "clicked",
        "brand_new_kind",
    }
    assert len(exported_rows(administrator, event="every")) == 4


def test_today_is_shown_by_default(administrator: Client, add: Callable[..., MailgunEvent]) -> None:
    midnight = NOON.replace(hour=0)
    add(occurred_at=midnight - timedelta(microseconds=1), recipient="yesterday@example.com")
    add(occurred_at=midnight, recipient="today@example.com")

    assert recipients(page(administrator)) == ["today@example.com"]
    assert recipients(page(administrator, created_from="2026-11-19", created_to="2026-11-19")) == [
        "yesterday@example.com"
    ]


def test_nothing_older_than_30_days_is_shown_though_it_is_kept(
    administrator: Client, add: Callable[..., MailgunEvent]
) -> None:
    add(occurred_at=NOON - timedelta(days=31), recipient="older@example.com")
    add(occurred_at=NOON - timedelta(days=30), recipient="oldest@example.com")

    text = page(administrator, created_from="2026-01-01", created_to="2026-11-20")

    assert recipients(text) == ["oldest@example.com"]
    assert "last 30 days" in text
    values = {"created_from": "2026-01-01", "created_to": "2026-11-20"}
    assert [row["Recipient Email"] for row in exported_rows(administrator, **values)] == ["oldest@example.com"]


class TestTheOwnLog:
    """A user sees no event of a message that is not his."""

    @pytest.fixture
    def me(self, make_user: Callable[..., User]) -> User:
        return make_user(Tool.MAILGUN_MESSAGE_LOG, username="me")

    @pytest.fixture
    def mine(self, me: User, add: Callable[..., MailgunEvent]) -> MailgunEvent:
        return add(sender=me, recipient="mine@example.com", subject="Snow day")

    @pytest.fixture
    def other(self, make_user: Callable[..., User], add: Callable[..., MailgunEvent]) -> MailgunEvent:
        return add(
            sender=make_user(username="other"), recipient="other@example.com", subject="Snow day", person_id="4711"
        )

    @pytest.fixture
    def client(self, me: User, mine: MailgunEvent, other: MailgunEvent, add: Callable[..., MailgunEvent]) -> Client:
        add(sender=None, recipient="nobodys@example.com")
        client = Client()
        client.force_login(me)
        return client

    def test_it_shows_the_users_own_messages(self, client: Client) -> None:
        assert recipients(page(client, OWN)) == ["mine@example.com"]

    @pytest.mark.parametrize(
        "sort", ["event", "recipient", "-recipient", "subject", "person_id", "detail", "-occurred_at"]
    )
    def test_by_sort_key(self, client: Client, sort: str) -> None:
        assert recipients(page(client, OWN, sort=sort)) == ["mine@example.com"]

    @pytest.mark.parametrize(
        "query", [{"event": "every"}, {"event": "delivered"}, {"subject": "snow"}, {"created_from": "2026-11-01"}]
    )
    def test_by_filter(self, client: Client, query: dict[str, str]) -> None:
        assert recipients(page(client, OWN, **query)) == ["mine@example.com"]

    @pytest.mark.parametrize("search", [{"recipient": "other"}, {"person_id": "4711"}, {"recipient": "nobodys"}])
    def test_by_search_for_people(self, client: Client, search: dict[str, str]) -> None:
        response = client.post(reverse(OWN), search, follow=True)

        assert recipients(text_of(response)) == []
        assert "other@example.com" not in text_of(response)

    @pytest.mark.parametrize("direction", ["after", "before"])
    @pytest.mark.parametrize("sort", ["recipient", "-recipient", "-occurred_at"])
    def test_by_page_key(self, client: Client, other: MailgunEvent, direction: str, sort: str) -> None:
        text = page(client, OWN, sort=sort, **{direction: f"mailgunevent-{other.pk}"})

        assert recipients(text) == ["mine@example.com"], "the key of a row that one may not see leads to the first page"
        assert "not there any more" in text

    def test_by_export(self, client: Client) -> None:
        assert [row["Recipient Email"] for row in exported_rows(client, OWN, event="every")] == ["mine@example.com"]

    def test_by_fragment(self, client: Client) -> None:
        response = client.get(reverse(OWN), headers={"HX-Request": "true"})

        assert recipients(text_of(response)) == ["mine@example.com"]

    @pytest.mark.parametrize("query", [{}, {"export": "csv"}])
    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_by_the_administration_log(self, client: Client, query: dict[str, str], headers: dict[str, str]) -> None:
        response = client.get(reverse(ALL), query, headers=headers)

        assert response.status_code == 403
        assert "@example.com" not in text_of(response)

    def test_the_total_counts_own_rows_only(self, client: Client) -> None:
        text = page(client, OWN)

        assert "1–1 of 1" in text


def test_an_address_typed_into_the_search_is_in_no_address(
    administrator: Client, add: Callable[..., MailgunEvent]
) -> None:
    add(recipient="mai@example.com")
    add(recipient="liam@example.com")

    response = administrator.post(reverse(ALL), {"recipient": "MAI@", "subject": ""})

    assert response.status_code == 302
    assert "mai" not in response["Location"].lower().partition("?")[2]
    assert recipients(text_of(administrator.get(response["Location"]))) == ["mai@example.com"]


def test_a_search_matches_its_characters_and_no_patterns(
    administrator: Client, add: Callable[..., MailgunEvent]
) -> None:
    add(recipient="a_b@example.com")
    add(recipient="axb@example.com")

    response = administrator.post(reverse(ALL), {"recipient": "a_b"}, follow=True)

    assert recipients(text_of(response)) == ["a_b@example.com"]


@pytest.mark.parametrize("few", [0, 1000])
def test_an_address_is_found_in_either_way(
    administrator: Client, add: Callable[..., MailgunEvent], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(RecipientFilter, "FEW", few)
    for recipient in ("Mai.Vang@example.com", "mai_vang@example.com", "paj@example.com"):
        add(recipient=recipient)

    for text, found in {
        "MAI.VANG@": ["Mai.Vang@example.com"],
        "i_v": ["mai_vang@example.com"],
        "%": [],
        "vang": ["mai_vang@example.com", "Mai.Vang@example.com"],
    }.items():
        assert recipients(text_of(administrator.post(reverse(ALL), {"recipient": text}, follow=True))) == found


class TestTheDailyCut:
    @pytest.fixture(autouse=True)
    def a_busy_day(self, settings: Settings, domain: SendingDomain) -> None:
        settings.MAILGUN_SHOWN_A_DAY = 60
        MailgunEvent.objects.bulk_create(
            MailgunEvent(
                domain=domain,
                event="delivered",
                event_id=f"{day}-{number}",
                occurred_at=NOON - timedelta(days=day, minutes=number // 2),
                recipient=f"d{day}n{number:03}@example.com",
                raw="{}",
            )
            for day, count in [(0, 100), (1, 60), (2, 130)]
            for number in range(count)
        )
        addresses = MailgunEvent.objects.values_list("recipient", flat=True).distinct()
        RecipientAddress.objects.bulk_create(RecipientAddress(address=address) for address in addresses)

    def walk(self, client: Client, **query: str) -> list[str]:
        """All recipients, page by page, as the links lead."""
        found: list[str] = []
        address = f"{reverse(ALL)}?rows=25&" + "&".join(f"{name}={quote(text)}" for name, text in query.items())
        while address:
            text = text_of(client.get(address))
            found += recipients(text)
            links = re.findall(r'href="([^"]*[?;&]after=[^"]*)"', text)
            address = links[0].replace("&amp;", "&") if links else ""
        return found

    @pytest.mark.parametrize("sort", ["-occurred_at", "occurred_at", "recipient", "-subject"])
    def test_the_grid_shows_the_newest_so_many_of_each_day(self, administrator: Client, sort: str) -> None:
        found = self.walk(administrator, created_from="2026-11-18", created_to="2026-11-20", sort=sort)

        assert len(found) == len({*found}) == 180
        for day in (0, 1, 2):
            # Two events share each minute; of the pair that the cut divides, the one stored later is the newer.
            assert {name for name in found if name.startswith(f"d{day}")} == {
                f"d{day}n{number:03}@example.com" for number in range(60)
            }

    def test_it_says_so(self, administrator: Client) -> None:
        text = page(administrator, created_from="2026-11-20", created_to="2026-11-20")

        assert "60 of 100 on 11/20/2026" in text
        assert "Generate Report gives all of them" in text
        assert " on 11/19/2026 are shown" not in page(administrator, created_from="2026-11-19", created_to="2026-11-19")

    def test_the_report_has_all_of_them(self, administrator: Client) -> None:
        assert len(exported_rows(administrator, created_from="2026-11-18", created_to="2026-11-20")) == 290

    def test_what_a_search_finds_is_counted_for_itself(self, administrator: Client) -> None:
        response = administrator.post(reverse(ALL), {"recipient": "d0n09"}, follow=True)

        assert len(recipients(text_of(response))) == 10


def test_the_line_on_top_says_how_fresh_the_data_is(
    administrator: Client, domain: SendingDomain, add: Callable[..., MailgunEvent], settings: Settings
) -> None:
    assert "Not complete yet; no event so far; next sync" in page(administrator)
    add(occurred_at=NOON - timedelta(minutes=4))
    SendingDomain.objects.update(settled_through=NOON - timedelta(minutes=32))

    assert "Complete up to 11:28 AM; newest event 11:56 AM; next sync 1:00 PM." in page(administrator)

    SendingDomain.objects.update(settled_through=NOON - timedelta(days=2))
    assert "Complete up to 11/18/2026 12:00 PM;" in page(administrator)

    SendingDomain.objects.update(paused=True)
    assert "syncs are paused" in page(administrator)


def test_the_domain_that_is_furthest_behind_decides_how_fresh_it_is(
    administrator: Client, domain: SendingDomain, settings: Settings
) -> None:
    settings.MAILGUN_DOMAINS = ["mg.harrison.example", "mg.two.example"]
    SendingDomain.objects.update(settled_through=NOON - timedelta(minutes=30))
    two = SendingDomain.objects.create(name="mg.two.example", settled_through=NOON - timedelta(hours=5))
    assert "Complete up to 7:00 AM" in page(administrator)

    SendingDomain.objects.filter(pk=two.pk).update(settled_through=None)
    assert "Not complete yet" in page(administrator)


def test_what_is_missing_is_said(administrator: Client, domain: SendingDomain) -> None:
    SyncGap.objects.create(domain=domain, begin=NOON - timedelta(hours=5), end=NOON - timedelta(hours=2))
    SyncGap.objects.create(domain=domain, begin=NOON - timedelta(days=9), end=NOON - timedelta(days=8))
    SendingDomain.objects.update(
        last_error="Mailgun did not accept the API key (401).",
        backfill_from=NOON - timedelta(days=30),
        backfill_next=NOON - timedelta(days=15),
        backfill_until=NOON,
    )

    text = page(administrator)

    assert "Events from 11/20/2026 7:00 AM to 11/20/2026 10:00 AM are missing" in text
    assert "11/11/2026" not in text
    assert "The last sync with Mailgun failed" in text
    assert "50% done" in text


def test_an_installation_without_mailgun_says_so(administrator: Client, settings: Settings) -> None:
    settings.MAILGUN_DOMAINS = []

    assert "No e-mail domain is set up" in page(administrator)


def test_an_export_is_in_the_audit_trail_without_what_was_searched_for(
    administrator: Client, add: Callable[..., MailgunEvent]
) -> None:
    add(recipient="mai@example.com")
    search = administrator.post(reverse(ALL), {"recipient": "mai@"})

    text_of(administrator.get(f"{search['Location']}&export=csv"))

    event = AuditEvent.objects.get(action="export.admin_mailgun_message_log")
    assert event.details["rows"] == 1
    assert "mai@" not in str(event.details)


@pytest.mark.parametrize(
    ("rights", "leads_to"),
    [
        ([Tool.MAILGUN_MESSAGE_LOG, Tool.RECIPIENT_LOG], "web:recipient_log"),
        ([Tool.MAILGUN_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG], "web:admin_recipient_log"),
        ([Tool.MAILGUN_MESSAGE_LOG], ""),
    ],
)
def test_a_person_id_leads_to_the_recipient_log_for_those_who_may(
    make_user: Callable[..., User],
    signed_in: Callable[[User], Client],
    add: Callable[..., MailgunEvent],
    rights: list[Tool],
    leads_to: str,
) -> None:
    user = make_user(*rights)
    add(sender=user, person_id="4711")

    text = page(signed_in(user), OWN)

    assert "4711" in text
    assert ('<button form="find-recipient" name="person" value="4711"' in text) == bool(leads_to)
    assert (f'id="find-recipient" method="post" action="{leads_to and reverse(leads_to)}"' in text) == bool(leads_to)
    if leads_to:
        found = signed_in(user).post(reverse(leads_to), {"person": "4711"})
        assert "4711" not in found["Location"], "a person id is in no address"
    assert [row["Recipient PersonID"] for row in exported_rows(signed_in(user), OWN)] == ["4711"]


BAD = [
    {"created_from": "yesterday"},
    {"created_from": "2026-02-30"},
    {"created_from": "99999-01-01"},
    {"created_from": "2026-11-20", "created_to": "2026-11-01"},
    {"created_from": "0001-01-01", "created_to": "9999-12-31"},
    {"sort": "raw"},
    {"sort": "sender__password"},
    {"sort": "--occurred_at"},
    {"after": "auditevent-1"},
    {"after": "mailgunevent-99999999999999999999999"},
    {"after": "mailgunevent--1"},
    {"before": "1"},
    {"after": "\x00"},
    {"n": "-5"},
    {"n": "9" * 400},
    {"rows": "0"},
    {"rows": "ten"},
    {"event": "nonsense"},
    {"event": "\x00"},
    {"subject": "\x00"},
    {"subject": "x" * 10_000},
    {"subject": "%_\\'\";--"},
    {"subject": "\ud800"},
    {"find": "nonsense"},
    {"find": "\x00"},
    {"export": "exe"},
    {"unknown": "x"},
]


@pytest.mark.parametrize("query", BAD, ids=lambda query: "&".join(f"{k}={v[:20]!r}" for k, v in query.items()))
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_bad_input_gives_words_or_nothing(
    administrator: Client, add: Callable[..., MailgunEvent], query: dict[str, str], headers: dict[str, str]
) -> None:
    add()
    address = "&".join(f"{name}={quote(text, errors='surrogatepass')}" for name, text in query.items())

    for suffix in ("", "&export=csv"):
        response = administrator.get(f"{reverse(ALL)}?{address}{suffix}", headers=headers)
        assert response.status_code == 200
        text_of(response)


@pytest.mark.parametrize("search", [{"recipient": "\x00"}, {"recipient": "x" * 10_000}, {"person_id": "\x00" * 300}])
def test_a_bad_search_gives_words(administrator: Client, search: dict[str, str]) -> None:
    response = administrator.post(reverse(ALL), search, follow=True)

    assert response.status_code == 200
    assert 'role="alert"' in text_of(response)


@pytest.mark.parametrize("rows", [10, 100])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    administrator: Client,
    add: Callable[..., MailgunEvent],
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        add()
    page(administrator)

    # Session, user, rights (2), filter by time limit (3), page, cut of the day, count, freshness (2), gaps.
    with django_assert_num_queries(12, exact=False):
        text = page(administrator, rows="100")
    assert len(recipients(text)) == rows
