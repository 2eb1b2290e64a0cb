"""The Mailgun Message Log as JSON."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import issue_token
from accounts.tools import Tool
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain

pytestmark = pytest.mark.django_db


@pytest.fixture
def add():
    domain = SendingDomain.objects.create(name="mg.harrison.example")

    def add(number, **fields):
        given = {"event": "delivered", "event_id": f"e{number}", "occurred_at": timezone.now(), "raw": '{"raw": 1}'}
        recipient = f"family{number}@example.com"
        RecipientAddress.objects.create(address=recipient)
        return MailgunEvent.objects.create(domain=domain, recipient=recipient, **(given | fields))

    return add


@pytest.fixture
def headers(make_user):
    user = make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG)
    return {"Authorization": f"Token {issue_token(user=user)[0]}"}


def get(headers, **query):
    response = Client().get("/api/v1/mailgun-events/", {"log": "all"} | query, headers=headers)
    assert response.status_code == 200, response.content
    return response.json()


def test_todays_events_are_listed_without_their_raw_json(headers, add):
    add(1, event="failed", severity="temporary", reason="generic")
    add(2, occurred_at=timezone.now() - timedelta(days=2))
    [event] = get(headers)["results"]
    assert (event["kind"], event["recipient"], event["domain"]) == (
        "failed-temporary",
        "family1@example.com",
        "mg.harrison.example",
    )
    assert "raw" not in event


def test_nothing_older_than_30_days_is_shown_and_the_answer_says_so(headers, add):
    add(1, occurred_at=timezone.now() - timedelta(days=40))
    found = get(headers, created_from="2020-01-01", created_to=timezone.localdate().isoformat())
    assert found["results"] == []
    assert "30 days" in found["notes"][0]


def test_a_recipient_is_searched_by_post_only(headers, add):
    add(1)
    add(2)
    body = {"recipient": "family2"}
    found = Client().post(
        "/api/v1/mailgun-events/search/?log=all", body, content_type="application/json", headers=headers
    )
    assert [event["recipient"] for event in found.json()["results"]] == ["family2@example.com"]
    assert Client().get("/api/v1/mailgun-events/", {"log": "all"} | body, headers=headers).status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_events(headers, add):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            get(headers)
        return len(captured)

    for number in range(2):
        add(number)
    cost()  # The first look is recorded.
    before = cost()
    for number in range(2, 12):
        add(number)
    assert cost() == before
