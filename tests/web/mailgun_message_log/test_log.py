"""The Mailgun Message Log of the administration, as a browser asks for it."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, SendingDomain, SyncGap
from mailgun_sync.services.ingest import store_events
from tests.web.mailgun_message_log.conftest import ALL, NOON, OWN, exported_rows, page, recipients, text_of
from web.listings.mailgun_message_log import RecipientFilter

pytestmark = pytest.mark.django_db


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


def test_a_row_shows_the_result_of_an_email(administrator: Client, add: Callable[..., MailgunEvent]) -> None:
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("typed", ["bücher", "BU\u0308CHER", "xn--bcher-kva", "MOM@xn--bcher-kva.example"])
def test_a_mailbox_is_found_in_any_spelling_of_it(
    administrator: Client, domain: SendingDomain, monkeypatch: pytest.MonkeyPatch, few: int, typed: str
) -> None:
    monkeypatch.setattr(RecipientFilter, "FEW", few)
    spellings = ["mom@xn--bcher-kva.example", "Mom@bücher.example", "mom@bu\u0308cher.example"]
    texts = [
        json.dumps({"event": "delivered", "id": one, "timestamp": NOON.timestamp() - 60, "recipient": one})
        for one in [*spellings, "dad@example.com"]
    ]
    store_events(domain_id=domain.pk, events=[reread(text) for text in texts])

    shown = text_of(administrator.post(reverse(ALL), {"recipient": typed}, follow=True))

    assert all(one in shown for one in spellings)
    assert "dad@example.com" not in shown


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


@pytest.mark.slow
@pytest.mark.parametrize("rows", [10, 100])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    administrator: Client,
    add: Callable[..., MailgunEvent],
    rows: int,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    for _ in range(rows):
        add()
    page(administrator)

    # Session, user, rights (2), views, columns, schools, filter by time limit (3), page, cut of the day, count,
    # freshness (2), gaps, and the look.
    with django_assert_num_queries(16, exact=False):
        text = page(administrator, rows="100")
    assert len(recipients(text)) == rows
