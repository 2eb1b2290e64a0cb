"""The Mailgun Message Log of a user, who sees only the events of their own messages."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent
from tests.web.mailgun_message_log.conftest import ALL, OWN, exported_rows, page, recipients, text_of

pytestmark = pytest.mark.django_db


class TestTheOwnLog:
    """A user sees no event of another user's message."""

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
