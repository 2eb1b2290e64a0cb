"""Mailgun's calls to our webhook: what is believed, what is stored, and what is answered."""

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import User
from accounts.tools import Tool
from mailgun_sync.choices import Refusal
from mailgun_sync.models import (
    MailgunEvent,
    QuarantinedEvent,
    RefusedCall,
    SendingDomain,
    SourceCount,
    SyncRun,
    TakenWebhook,
)
from mailgun_sync.services.retention import delete_expired
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.services.totals import recount
from sandbox.server import Sandbox
from tests.mailgun_sync.conftest import stored_ids
from tests.mailgun_sync.webhooks import ADDRESS, KEY, call, clock, event, mailgun, post, post_form
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.wait import wait_until

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture(autouse=True)
def domain(settings: Settings, db: None) -> SendingDomain:
    settings.MAILGUN_DOMAINS = ["mg.harrison.example"]
    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = [KEY]
    return SendingDomain.objects.create(name="mg.harrison.example")


def refusals() -> dict[str, int]:
    return dict(RefusedCall.objects.values_list("reason", "calls"))


def test_an_event_is_stored_as_it_came_and_its_outcome_is_known_at_once(client: Client) -> None:
    delivery = make_delivery(make_recipient(make_message()), address="mai@example.com")
    recount(message_id=delivery.message_id)
    told = event(user_variables={"message": str(delivery.message_id), "delivery": str(delivery.pk)})

    answer = post(client, call(told))

    assert (answer.status_code, answer.json()) == (200, {"events": 1})
    stored = MailgunEvent.objects.get()
    assert (stored.raw, stored.event_id, stored.delivery) == (json.dumps(told), "one", delivery)
    assert stored.occurred_at.microsecond == round(told["timestamp"] % 1 * 1e6)
    delivery.refresh_from_db()
    assert delivery.email_outcome == "delivered"


@pytest.mark.slow
def test_an_open_page_of_a_sent_message_has_it_at_its_next_refresh(
    client: Client, make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    """The page refreshes every 4 seconds, so it is there within 5."""
    reader = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG))
    delivery = make_delivery(make_recipient(make_message()), address="mai@example.com")
    recount(message_id=delivery.message_id)
    page = reverse("web:admin_sent_message_log_message", args=[delivery.message_id])
    shown = reader.get(page).text
    assert "data-live" in shown
    assert "const SHOWN = 4_000;" in (django_settings.BASE_DIR / "static" / "message.js").read_text()

    named = {"message": str(delivery.message_id), "delivery": str(delivery.pk)}
    post(client, call(event(event="failed", severity="permanent", reason="bounce", user_variables=named)))

    refreshed = reader.get(page, headers={"HX-Request": "true"}).text
    assert (failures(shown), failures(refreshed)) == ("0", "1")


def failures(html: str) -> str:
    """The number of e-mails that failed, as the summary of a message says it."""
    words = " ".join(re.sub("<[^>]*>", " ", html).split())
    return re.search(r"E-mails Delivered \d+ Failed (\d+)", words)[1]


LIVE: dict[str, tuple[dict[str, Any], bool]] = {
    "sent today": ({}, True),
    "sent two days ago": ({"days": 2}, True),
    "sent four days ago": ({"days": 4}, False),
    "in error": ({"status": "error"}, True),
    "sent, and refused at once": ({"email_outcome": "failed-permanent"}, True),
    "canceled before it began": ({"status": "canceled", "delivery_status": "canceled"}, False),
    "without e-mail": ({"mode": "text"}, False),
}


@pytest.mark.parametrize(("of", "live"), LIVE.values(), ids=LIVE)
def test_a_page_refreshes_while_outcomes_of_e_mail_are_awaited(of: dict[str, Any], live: bool) -> None:
    at = timezone.now() - timedelta(days=of.get("days", 0), minutes=1)
    message = make_message(status=of.get("status", "sent"), created_at=at)
    make_delivery(
        make_recipient(message),
        mode=of.get("mode", "email"),
        status=of.get("delivery_status", "sent"),
        email_outcome=of.get("email_outcome", ""),
    )
    recount(message_id=message.pk)

    assert DeliverySummary.of(message).live is live


def spoiled(**changed: Any) -> bytes:
    body = json.loads(call(event()))
    body["signature"] |= changed
    return json.dumps(body).encode()


def without(name: str) -> bytes:
    body = json.loads(call(event()))
    del body["signature"][name]
    return json.dumps(body).encode()


def stamped(age: float) -> bytes:
    return call(event(), stamp=clock.now() - age)


SIGNATURES: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "of now": (lambda: call(event()), 200, ""),
    "8 hours old": (lambda: stamped(8 * HOUR), 200, ""),
    "9 hours old": (lambda: stamped(9 * HOUR), 406, "stamp"),
    "of a clock that is a bit fast": (lambda: stamped(-60), 200, ""),
    "of tomorrow": (lambda: stamped(-24 * HOUR), 406, "stamp"),
    "of another key": (lambda: call(event(), key="another"), 406, "signature"),
    "in capital letters": (lambda: spoiled_letters(), 200, ""),
    "empty": (lambda: spoiled(signature=""), 406, "unsigned"),
    "not ASCII": (lambda: spoiled(signature="ä" * 64), 406, "signature"),
    "half a surrogate": (lambda: spoiled(token="\ud800"), 406, "signature"),
    "of another time": (lambda: spoiled(timestamp=str(int(clock.now()) - 1)), 406, "signature"),
    "with a time that is none": (lambda: spoiled(timestamp="soon"), 406, "unsigned"),
    "with a time as a number": (lambda: as_number(), 200, ""),
    "with a list for a token": (lambda: spoiled(token=["x"]), 406, "unsigned"),
    "without a token": (lambda: without("token"), 406, "unsigned"),
    "missing": (lambda: json.dumps({"event-data": event()}).encode(), 406, "unsigned"),
    "no object": (lambda: json.dumps({"signature": 7, "event-data": event()}).encode(), 406, "unsigned"),
    "without an event": (lambda: json.dumps({"signature": mailgun.signature()}).encode(), 406, "unreadable"),
    "no JSON": (lambda: b"<html>", 406, "unreadable"),
    "nothing": (lambda: b"", 406, "unreadable"),
    "JSON without an end": (lambda: call(event())[:-9], 406, "unreadable"),
    "nested without an end": (lambda: b'{"event-data": ' + b"[" * 100_000, 406, "unreadable"),
}


def spoiled_letters() -> bytes:
    body = json.loads(call(event()))
    body["signature"]["signature"] = body["signature"]["signature"].upper()
    return json.dumps(body).encode()


def as_number() -> bytes:
    body = json.loads(call(event()))
    body["signature"]["timestamp"] = int(body["signature"]["timestamp"])
    return json.dumps(body).encode()


@pytest.mark.parametrize(("body", "status", "reason"), SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_decides(client: Client, body: Callable[[], bytes], status: int, reason: str) -> None:
    answer = post(client, body())

    assert answer.status_code == status
    assert refusals() == ({reason: 1} if reason else {})
    assert MailgunEvent.objects.count() == (status == 200)
    assert TakenWebhook.objects.count() == (status == 200)


def test_while_a_key_is_renewed_both_are_valid(client: Client, settings: Settings) -> None:
    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = ["the new one", KEY]
    assert post(client, call(event(id="old key"))).status_code == 200
    assert post(client, call(event(id="new key"), key="the new one")).status_code == 200

    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = ["the new one"]
    assert post(client, call(event(id="too late"))).status_code == 406
    assert stored_ids() == ["new key", "old key"]


def test_without_a_key_nothing_is_believed_and_mailgun_comes_again(client: Client, settings: Settings) -> None:
    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = []

    assert post(client, call(event(), key="")).status_code == 503

    assert refusals() == {"no_key": 1}
    assert not MailgunEvent.objects.exists()


def test_a_token_counts_once_whatever_comes_with_it(client: Client) -> None:
    body = json.loads(call(event()))
    forged = body | {"event-data": event(id="forged", event="complained")}

    assert post(client, json.dumps(body).encode()).status_code == 200
    assert post(client, json.dumps(body).encode()).status_code == 406
    assert post(client, json.dumps(forged).encode()).status_code == 406

    assert stored_ids() == ["one"]
    assert refusals() == {"replayed": 2}


def test_tokens_are_forgotten_when_their_signatures_are_too_old_anyway(client: Client) -> None:
    body = call(event())
    post(client, body)

    delete_expired(now=timezone.now() + timedelta(hours=12))
    assert TakenWebhook.objects.exists()
    delete_expired(now=timezone.now() + timedelta(days=3))

    assert not TakenWebhook.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        assert post(client, body).status_code == 406


def test_the_same_event_twice_is_one_row_and_no_contradiction(client: Client) -> None:
    told = event()

    assert post(client, call(told)).status_code == 200
    assert post(client, call(told)).status_code == 200

    assert (MailgunEvent.objects.count(), QuarantinedEvent.objects.count()) == (1, 0)
    count = SourceCount.objects.get()
    assert (count.source, count.calls, count.events_seen, count.events_new) == ("webhook", 2, 2, 1)


def test_a_call_may_have_several_events(client: Client) -> None:
    assert post(client, call(event(id="a"), event(id="b"))).json() == {"events": 2}
    listed = b"[" + call(event(id="c")) + b"," + call(event(id="d")) + b"]"
    assert post(client, listed).json() == {"events": 2}

    assert stored_ids() == ["a", "b", "c", "d"]
    one_is_forged = b"[" + call(event(id="e")) + b"," + call(event(id="f"), key="another") + b"]"
    assert post(client, one_is_forged).status_code == 406
    assert stored_ids() == ["a", "b", "c", "d"]


DOMAINS: dict[str, tuple[dict[str, Any], bool]] = {
    "named": ({"domain": {"name": "mg.harrison.example"}, "message": {}}, True),
    "named in capitals": ({"domain": {"name": "MG.Harrison.example"}, "message": {}}, True),
    "named as text": ({"domain": "mg.harrison.example", "message": {}}, True),
    "another one is named": ({"domain": {"name": "mg.elsewhere.example"}}, False),
    "where it is stored": (
        {"storage": {"url": "https://x.example/v3/domains/mg.harrison.example/messages/k"}, "message": {}},
        True,
    ),
    "where it is stored, as a list": (
        {"storage": {"url": ["https://x.example/v3/domains/mg.harrison.example/messages/k"]}, "message": {}},
        True,
    ),
    "its sender": ({"envelope": {"sender": "bounce@mg.harrison.example"}, "message": {}}, True),
    "its Message-Id": ({}, True),
    "a Message-Id of another system, and our sender": (
        {
            "envelope": {"sender": "office@mg.harrison.example"},
            "message": {"headers": {"message-id": "1@campus.example"}},
        },
        True,
    ),
    "a Message-Id of another system alone": ({"message": {"headers": {"message-id": "1@campus.example"}}}, False),
    "it names none, and there is one domain": ({"message": {}}, True),
}


@pytest.mark.parametrize(("fields", "ours"), DOMAINS.values(), ids=DOMAINS)
def test_an_event_belongs_to_the_domain_that_it_names(client: Client, fields: dict[str, Any], ours: bool) -> None:
    answer = post(client, call(event() | fields))

    assert answer.status_code == (200 if ours else 406)
    assert MailgunEvent.objects.filter(domain__name="mg.harrison.example").count() == ours
    assert refusals() == ({} if ours else {"domain": 1})


def test_an_event_that_cannot_be_read_is_kept_in_quarantine(client: Client) -> None:
    broken = event()
    del broken["timestamp"]

    assert post(client, call(broken)).status_code == 200

    assert QuarantinedEvent.objects.get().error == "It has no timestamp."


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        (b" " * (2 * 1024 * 1024 + 1), {}, 413),
        (gzip.compress(call(event())), {"headers": {"Content-Encoding": "gzip"}}, 413),
        (b"x=1", {"content_type": "multipart/form-data"}, 406),
        (b"a=1&" * 2_000, {"content_type": "application/x-www-form-urlencoded"}, 406),
    ],
    ids=["too large", "compressed", "no multipart", "too many fields"],
)
def test_what_is_too_large_or_no_call_is_refused(
    client: Client, body: bytes, options: dict[str, Any], status: int
) -> None:
    assert post(client, body, **options).status_code == status
    assert sum(refusals().values()) == 1


def test_a_refusal_keeps_and_logs_nothing_personal(client: Client) -> None:
    with capture_logs() as logged:
        answer = post(client, call(event(recipient="mai@example.com"), key="another"))

    ours = [line for line in logged if not line["event"].startswith("request_")]
    assert ours == [{"event": "mailgun_webhook.refused", "log_level": "warning", "reason": "signature"}]
    assert "mai@" not in str(logged)
    assert "mai@" not in answer.content.decode()
    assert RefusedCall.objects.get().get_reason_display() == Refusal.SIGNATURE.label


@pytest.mark.slow
@pytest.mark.parametrize("path", [ADDRESS, ADDRESS.removesuffix("/")])
def test_the_address_takes_post_alone_with_and_without_its_slash(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405
    assert client.post(path, call(event()), content_type="application/json").status_code == 200


# Form posts


@pytest.mark.parametrize("multipart", [False, True], ids=["urlencoded", "multipart"])
def test_an_old_form_post_is_an_event(client: Client, multipart: bool) -> None:
    told = event(
        event="failed",
        severity="permanent",
        reason="bounce",
        timestamp=float(int(clock.now())),
        delivery_status={"code": 550, "message": "550 5.1.1 No such user", "description": ""},
        user_variables={"person_id": "77"},
    )

    assert post_form(client, told, multipart=multipart).status_code == 200

    stored = MailgunEvent.objects.get()
    assert stored.occurred_at.timestamp() == told["timestamp"]
    assert (stored.event, stored.kind, stored.recipient) == ("failed", "failed-permanent", "mai@example.com")
    assert (stored.message_id, stored.subject) == ("20261120.1@mg.harrison.example", "Snow day")
    assert (stored.code, stored.detail) == ("550", "550 5.1.1 No such user")
    assert SourceCount.objects.get().source == "form"


OLD_WORDS = {
    "delivered": ({"event": "delivered"}, "delivered"),
    "complained": ({"event": "complained"}, "complained"),
    "opened": ({"event": "opened"}, "opened"),
    "dropped": ({"event": "failed", "severity": "permanent", "reason": "generic"}, "failed-permanent"),
    "suppressed": (
        {"event": "failed", "severity": "permanent", "reason": "suppress-bounce", "delivery-status": {"code": 605}},
        "suppressed",
    ),
}


@pytest.mark.parametrize(("fields", "kind"), OLD_WORDS.values(), ids=OLD_WORDS)
def test_old_words_mean_todays_kinds(client: Client, fields: dict[str, Any], kind: str) -> None:
    assert post_form(client, event() | fields).status_code == 200
    assert MailgunEvent.objects.get().kind == kind


def test_a_form_is_believed_by_its_signature_alone(client: Client) -> None:
    assert post_form(client, event(), key="another").status_code == 406
    assert not MailgunEvent.objects.exists()


# With the provider


def test_a_webhook_never_moves_the_cursor_and_the_sync_finds_nothing_new(
    client: Client, domain: SendingDomain, sync_from: Sandbox, sync: Callable[..., SyncRun]
) -> None:
    told = sync_from.add(timestamp=round(clock.now() - 60, 6))
    before = SendingDomain.objects.values().get()

    post(client, call(told))

    assert SendingDomain.objects.values().get() == before
    run = sync()
    assert (run.outcome, run.events_seen, run.events_new, run.quarantined) == ("succeeded", 1, 0, 0)


@pytest.fixture
def sync_from(sandbox: Sandbox, settings: Settings) -> Sandbox:
    settings.MAILGUN_API_BASE, settings.MAILGUN_API_KEY, settings.MAILGUN_SLICES = sandbox.url, sandbox.api_key, 1
    return sandbox


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_stand_in_tells_each_event_within_seconds(sandbox: Sandbox, live_server: Any) -> None:
    sandbox.webhooks.start(live_server.url + ADDRESS, KEY)
    sandbox.webhooks.pace = 0.001
    for kind in ["bad-signature", "replay", "twice", "late", "several", "form", "multipart", "lost"]:
        sandbox.webhooks.fail(kind, seconds=7 * HOUR)
    told = [sandbox.add(id=f"{number:02}") for number in range(10)]

    wait_until(lambda: len(sandbox.webhooks.calls) >= 10)
    wait_until(lambda: MailgunEvent.objects.count() == len(told) - 2, what="all but the forged and the lost one")

    assert refusals() == {"signature": 1, "replayed": 1}
    assert sorted(call.status for call in sandbox.webhooks.calls)[-2:] == [406, 406]
