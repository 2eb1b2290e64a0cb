"""What a look at people leaves in the audit trail: whose record, which search, which refusal; however they look."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services import hashed_search, issue_token
from accounts.tools import Tool
from core.timeouts import StatementTimeout
from mailgun_sync.models import QuarantinedEvent, SendingDomain
from messenger_logs.models import SentMessage
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.web.html import table_body
from web.listings.recipient_log import RecipientLog
from web.listings.recipients import Recipients

pytestmark = pytest.mark.django_db

PEOPLE = "/messenger-administration/recipient-log/"
TOOL = "Messenger Administration > Recipient Log"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def message() -> SentMessage:
    """A message to Mai and to Lia Vang."""
    message = make_message(subject="Snow day")
    for person_id, name in (("4711", "Vang, Mai"), ("4712", "Vang, Lia")):
        make_delivery(make_recipient(message, person_id=person_id, name=name))
    return message


@pytest.fixture
def reader(make_user: Callable[..., User]) -> User:
    return make_user(Tool.ADMIN_RECIPIENT_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG)


@pytest.fixture
def client(reader: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(reader)


def left(*, after: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
    events = AuditEvent.objects.exclude(action__startswith="sign_in").exclude(action__startswith="api_token")
    return [(event.action, event.target, event.details) for event in events.filter(pk__gt=after).order_by("pk")]


def days(details: dict[str, Any]) -> dict[str, Any]:
    """The details without the days, which are those of today."""
    return {name: value for name, value in details.items() if name != "days"}


def searched(text: str) -> dict[str, Any]:
    return {"searched": [hashed_search(text)]}


# People


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_opening_the_record_of_a_person_says_whose(client: Client, message: SentMessage, headers: Any) -> None:
    client.post(PEOPLE, {"person": "Vang, Mai"}, headers=headers, follow=True)
    [(action, target, details)] = left()
    assert (action, target) == ("person.viewed", TOOL)
    assert days(details) == {"person": "4711"} | searched("Vang, Mai")


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_search_that_names_several_or_nobody_is_a_search(client: Client, message: SentMessage, headers: Any) -> None:
    for text in ("vang", "nobody"):
        client.post(PEOPLE, {"person": text}, headers=headers, follow=True)
    assert [(action, days(details)) for action, _, details in left()] == [
        ("person.searched", searched("vang")),
        ("person.searched", searched("nobody")),
    ]


@pytest.mark.slow
def test_paging_sorting_and_refreshing_a_record_is_one_look(client: Client, message: SentMessage) -> None:
    address = client.post(PEOPLE, {"person": "4711"})["Location"]
    for more in ("", "&sort=created_at", "&rows=25", "&n=1", ""):
        client.get(address + more)
        client.get(address + more, headers=HTMX)
    assert [action for action, _, _ in left()] == ["person.viewed"]


@pytest.mark.slow
def test_the_page_without_a_search_shows_nobody_and_leaves_nothing(client: Client, message: SentMessage) -> None:
    client.get(PEOPLE)
    client.get(PEOPLE, {"find": "0123456789abcdef"})
    client.post(PEOPLE, {"person": "x"}, follow=True)
    assert left() == []


def test_a_search_that_was_not_made_leaves_nothing(
    client: Client, message: SentMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[str] = []
    monkeypatch.setattr("web.listings.recipient_log.find_people", lambda _, text, **__: searches.append(text))
    page = client.post(PEOPLE, {"person": "4711", "created_from": "no day"}, follow=True)
    assert 'role="alert"' in page.content.decode()
    assert (left(), searches) == ([], [])


@pytest.mark.slow
def test_the_search_in_the_top_bar_is_a_search_for_people_where_it_finds_people(
    client: Client, message: SentMessage, make_user: Any, signed_in: Any
) -> None:
    client.post("/search/", {"person": "vang"}, follow=True)
    assert left() == [("person.searched", "Search", searched("vang"))]
    signed_in(make_user(Tool.SENT_MESSAGE_LOG)).post("/search/", {"person": "vang"}, follow=True)
    assert len(left()) == 1, "without a log of people it searches messages alone"


def test_an_export_of_a_record_names_the_person(client: Client, message: SentMessage) -> None:
    address = client.post(PEOPLE, {"person": "Vang, Mai"})["Location"]
    client.get(address + "&export=csv")
    [(action, _, details)] = left()
    assert action == "export.admin_recipient_log"
    assert details["person"] == "4711"
    assert details["searched"] == [hashed_search("Vang, Mai")]


# Lists of people


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_search_among_recipients_says_what_was_searched(client: Client, message: SentMessage, headers: Any) -> None:
    address = reverse("web:admin_sent_message_log_message_recipients", args=[message.pk])
    client.post(address, {"recipient": "Vang", "device": "parent"}, headers=headers, follow=True)
    [(action, target, details)] = left()
    assert (action, target) == ("message.viewed", f"Message {message.pk}")
    assert details["shown"] == "recipients"
    assert sorted(details["searched"]) == sorted(map(hashed_search, ("Vang", "parent")))


@pytest.mark.slow
def test_page_fragment_and_api_are_one_look(client: Client, reader: User, message: SentMessage) -> None:
    address = reverse("web:admin_sent_message_log_message_recipients", args=[message.pk])
    client.get(address, headers=HTMX)
    client.get(address)
    token = {"Authorization": f"Token {issue_token(user=reader)[0]}"}
    Client().get(reverse("api:deliveries", args=[message.pk]), {"limit": 1}, headers=token)
    assert left() == [("message.viewed", f"Message {message.pk}", {"message": message.pk, "shown": "recipients"})]


@pytest.mark.slow
def test_rows_that_took_too_long_are_not_shown_and_not_recorded(
    client: Client, message: SentMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> None:
        raise StatementTimeout

    monkeypatch.setattr(Recipients, "notices", slow)
    page = client.get(reverse("web:admin_sent_message_log_message_recipients", args=[message.pk]))
    assert "This took too long" in page.content.decode()
    assert "Vang" not in page.content.decode()
    monkeypatch.setattr(RecipientLog, "notices", slow)
    assert "Vang" not in client.post(PEOPLE, {"person": "4711"}, follow=True).content.decode()
    assert left() == []


@pytest.mark.slow
def test_events_in_quarantine_have_addresses_and_a_look_at_them_is_recorded(
    make_user: Any, signed_in: Any, settings: Any
) -> None:
    settings.MAILGUN_DOMAINS = ["mg.example.org"]
    operator = signed_in(make_user(Tool.MAILGUN_SYNC))
    operator.get(reverse("web:system_health"))
    assert left() == []
    domain, _ = SendingDomain.objects.get_or_create(name="mg.example.org")
    QuarantinedEvent.objects.create(domain=domain, raw='{"recipient": "mai@example.org"}', error="no id")
    operator.get(reverse("web:system_health"), headers=HTMX)
    assert left() == [], "the fragment has no events"
    operator.get(reverse("web:system_health"))
    assert [action for action, _, _ in left()] == ["list.viewed"]


# Refusals


@pytest.mark.slow
def test_a_refusal_says_who_wanted_what(make_user: Any, signed_in: Any, message: SentMessage) -> None:
    stranger = signed_in(make_user(Tool.SENT_MESSAGE_LOG))
    hidden = reverse("web:sent_message_log_message", args=[message.pk])
    for _ in range(3):
        stranger.get(hidden)
        stranger.get(hidden, headers=HTMX)
    stranger.get(PEOPLE)
    assert left() == [
        (
            "access.refused",
            "/messenger/sent-message-log/<int:pk>/",
            {"answer": 404, "method": "GET", "pk": message.pk},
        ),
        ("access.refused", PEOPLE, {"answer": 403, "method": "GET"}),
    ]


def test_strangers_leave_one_row_however_much_they_try_and_no_secret(client: Client) -> None:
    for number in range(1, 5):
        Client().get(f"/api/v1/messages/{number}/")
        Client().get(f"/api/v1/messages/{number}/", headers={"Authorization": f"Token {number}"})
        Client().post(f"/voxology/guess-{number}/texts/")
        Client().get(f"/no-such-page/{number}/")
    refused = left()
    assert [(action, details) for action, _, details in refused] == [
        ("access.refused", {"answer": 401, "method": "GET"}),
        ("access.refused", {"answer": 404, "method": "POST"}),
    ]
    assert "guess" not in str(refused)


def test_methods_that_a_stranger_made_up_are_one_row(client: Client) -> None:
    for number in range(3):
        Client().generic(f"SECRET-{number}", "/api/v1/messages/1/")
    [(action, _, details)] = left()
    assert (action, details) == ("access.refused", {"answer": 401, "method": "another"})


def test_a_report_that_is_not_ones_own_is_a_refusal(client: Client) -> None:
    client.get(reverse("web:report_file", args=[4711]))
    [(action, _, details)] = left()
    assert (action, details["pk"]) == ("access.refused", 4711)


def test_what_is_refused_for_its_form_alone_is_none(client: Client) -> None:
    client.put(PEOPLE)
    client.get("/no-such-page/")
    assert left() == []


# The trail itself


@pytest.mark.slow
def test_an_auditor_finds_the_searches_for_a_text_and_the_looks_at_a_person(
    client: Client, message: SentMessage, make_user: Any, signed_in: Any
) -> None:
    client.post(PEOPLE, {"person": "vang"}, follow=True)
    client.post(PEOPLE, {"person": "4711"}, follow=True)
    client.post(PEOPLE, {"person": "4712"}, follow=True)
    trail = signed_in(make_user(Tool.AUDIT_TRAIL))

    def found(text: str) -> str:
        page: str = trail.post("/system-administration/audit-trail/", {"searched": text}, follow=True).content.decode()
        return table_body(page)

    assert found("VANG").count("searched for a person in Messenger Administration") == 1
    assert found("4711").count("looked at the record of person 4711") == 1
    assert "4712" not in found("4711")
    assert "person" not in found("va")


@pytest.mark.slow
def test_each_search_for_a_person_by_the_api_is_recorded(make_user: Any, message: SentMessage) -> None:
    user = make_user(Tool.PORTAL_INBOX, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG)
    token = {"Authorization": f"Token {issue_token(user=user)[0]}"}

    def search(name: str, body: dict[str, str], query: str = "", **arguments: Any) -> None:
        address = reverse(name, kwargs=arguments) + query
        answer = Client().post(address, body, content_type="application/json", headers=token)
        assert answer.status_code == 200, answer.content

    search("api:inbox_search", {"person_id": "4711"})
    search("api:delivery_search", {"recipient": "Vang"}, pk=message.pk)
    search("api:message_search", {"sender": "Matthews"}, "?log=sent_administration")
    search("api:mailgun_event_search", {"recipient": "mai@example.org"}, "?log=all")
    actions = [(action, days(details)) for action, _, details in left()]
    assert actions == [
        ("person.viewed", {"person": "4711"}),
        ("message.viewed", {"message": message.pk, "shown": "recipients"} | searched("Vang")),
        ("person.searched", searched("Matthews")),
        ("person.searched", searched("mai@example.org")),
    ]
