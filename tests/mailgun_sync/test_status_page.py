"""The part of System Health about Mailgun's events: the state of the sync, and the actions of its administrators."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from mailgun_sync import tasks
from mailgun_sync.choices import Refusal
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, RefusedCall, SendingDomain, SyncGap, SyncRun
from mailgun_sync.services.ingest import store_events
from sandbox.server import Sandbox
from tests.mailgun_sync import payloads
from tests.mailgun_sync.webhooks import KEY, call, event, post
from tests.queue import do_at_once, refuse_all

pytestmark = pytest.mark.django_db
URL = "web:system_health"


@pytest.fixture
def reader(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.MAILGUN_SYNC))


@pytest.fixture
def operator(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.MAILGUN_SYNC, (Tool.MAILGUN_SYNC, Right.WRITE), first_name="Mai", last_name="Vang"))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that runs each task at once."""
    do_at_once(monkeypatch, tasks.sync_one)


def show(client: Client) -> str:
    return client.get(reverse(URL)).content.decode()


def press(client: Client, action: str, pk: int) -> str:
    response = client.post(reverse(f"web:{action}", args=[pk]), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_domains_and_how_far_they_are(reader: Client, domain: SendingDomain) -> None:
    assert "Not synced yet" in show(reader)
    SendingDomain.objects.update(
        settled_through=datetime(2026, 11, 20, 16, 5, tzinfo=UTC), covered_from=datetime(2026, 10, 21, 16, tzinfo=UTC)
    )

    text = show(reader)

    assert domain.name in text
    assert "11/20/2026 10:05 AM" in text
    assert "10/21/2026 11:00 AM" in text
    assert "Synced" in text
    assert "next scheduled sync starts" in text


@pytest.mark.slow
def test_it_shows_the_last_runs_and_their_errors(
    reader: Client, domain: SendingDomain, sync: Callable[..., SyncRun], mailgun: Sandbox, now: datetime
) -> None:
    mailgun.add_many(1234, now - timedelta(minutes=20), now)
    sync()
    mailgun.fail(401)
    sync()

    text = show(reader)

    assert "1,234" in text
    assert "Succeeded" in text
    assert text.count("Mailgun did not accept the API key (401).") == 2, "at the domain and at its run"


def test_it_shows_late_events_and_the_longer_wait(
    reader: Client, domain: SendingDomain, sync: Callable[..., SyncRun], mailgun: Sandbox, now: datetime
) -> None:
    sync()
    mailgun.add(timestamp=now - timedelta(minutes=41))
    sync(sweep=timedelta(hours=3))

    text = show(reader)

    assert "1 (by up to 41 min)" in text
    assert "45 min" in text


def test_it_shows_gaps(reader: Client, domain: SendingDomain) -> None:
    assert "There are no gaps" in show(reader)
    begin = datetime(2026, 8, 1, 12, tzinfo=UTC)
    SyncGap.objects.create(domain=domain, begin=begin, end=begin + timedelta(hours=3))

    text = show(reader)

    assert "08/01/2026 7:00:00 AM" in text
    assert "08/01/2026 10:00:00 AM" in text


def test_it_shows_the_quarantine_with_the_raw_event(reader: Client, domain: SendingDomain) -> None:
    assert "No event is in quarantine" in show(reader)
    store_events(domain_id=domain.pk, events=[reread('{"id": "<b>", "event": "delivered"}')])

    text = show(reader)

    assert "1 event could not be stored" in text
    assert "It has no timestamp." in text
    assert "{&quot;id&quot;: &quot;&lt;b&gt;&quot;, &quot;event&quot;: &quot;delivered&quot;}" in text


def test_only_those_who_may_write_see_buttons(reader: Client, operator: Client, domain: SendingDomain) -> None:
    assert "Sync now" not in show(reader)
    assert "Sync now" in show(operator)


def test_the_state_refreshes_as_a_fragment(reader: Client, domain: SendingDomain) -> None:
    fragment = reader.get(reverse(URL), headers={"HX-Request": "true"}).content.decode()

    assert domain.name in fragment
    assert "<html" not in fragment
    assert "Quarantine" not in fragment.partition("<table")[0]


@pytest.mark.slow
def test_sync_now_syncs_and_says_who_asked(
    operator: Client, domain: SendingDomain, mailgun: Sandbox, now: datetime, worker: None
) -> None:
    mailgun.add(id="new", timestamp=now)

    text = press(operator, "sync_now", domain.pk)

    assert "was asked for" in text
    assert "Sync, asked for by Vang, Mai" in text
    assert MailgunEvent.objects.get().event_id == "new"
    assert AuditEvent.objects.get(action="mailgun_sync.asked").target == domain.name


@pytest.mark.thorough
@pytest.mark.slow
def test_read_all_again_starts_a_backfill(
    operator: Client, domain: SendingDomain, mailgun: Sandbox, now: datetime, worker: None
) -> None:
    assert "never synced" in press(operator, "backfill_sync", domain.pk)
    press(operator, "sync_now", domain.pk)
    mailgun.add(id="lost and found", timestamp=now - timedelta(days=20))

    press(operator, "backfill_sync", domain.pk)

    assert MailgunEvent.objects.get().event_id == "lost and found"


@pytest.mark.slow
def test_pause_and_resume(operator: Client, domain: SendingDomain) -> None:
    assert "Paused" in press(operator, "pause_sync", domain.pk)
    press(operator, "pause_sync", domain.pk)
    domain.refresh_from_db()
    assert domain.paused is True

    press(operator, "resume_sync", domain.pk)
    domain.refresh_from_db()
    assert not domain.paused
    actions = (
        AuditEvent.objects.filter(action__startswith="mailgun_sync.").order_by("pk").values_list("action", flat=True)
    )
    assert list(actions) == ["mailgun_sync.paused", "mailgun_sync.resumed"]


@pytest.mark.slow
def test_retry_takes_an_event_out_of_quarantine_when_it_can_be_read(operator: Client, domain: SendingDomain) -> None:
    readable = QuarantinedEvent.objects.create(domain=domain, digest="x", raw=payloads.OPENED, error="an older program")
    store_events(domain_id=domain.pk, events=[reread(payloads.WITHOUT_TIMESTAMP)])

    assert "is in the log now" in press(operator, "retry_event", readable.pk)
    assert MailgunEvent.objects.get().raw == payloads.OPENED

    still = QuarantinedEvent.objects.get()
    assert "still cannot be stored" in press(operator, "retry_event", still.pk)
    assert QuarantinedEvent.objects.get() == still


@pytest.mark.parametrize("action", ["sync_now", "backfill_sync"])
def test_a_broker_that_is_down_is_told_in_words(
    operator: Client, domain: SendingDomain, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    refuse_all(monkeypatch, tasks.sync_one)
    SendingDomain.objects.update(settled_through=datetime.now(UTC))

    assert "task queue does not answer" in press(operator, action, domain.pk)


@pytest.mark.parametrize("action", ["sync_now", "backfill_sync", "pause_sync", "resume_sync", "retry_event"])
def test_actions_want_the_right_a_post_and_something_to_act_on(
    reader: Client, operator: Client, domain: SendingDomain, action: str
) -> None:
    url = reverse(f"web:{action}", args=[domain.pk])

    assert reader.post(url).status_code == 403
    assert operator.get(url).status_code == 405
    assert operator.post(reverse(f"web:{action}", args=[2**62])).status_code == 404
    assert Client(enforce_csrf_checks=True).post(url).status_code == 403


def test_an_installation_without_domains_says_what_to_do(reader: Client, settings: Settings) -> None:
    settings.MAILGUN_DOMAINS = []

    assert "MAILGUN_DOMAINS" in show(reader)


def test_it_shows_the_address_of_the_webhook_the_last_call_and_what_is_wrong(
    reader: Client, domain: SendingDomain, settings: Settings
) -> None:
    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = []
    text = show(reader)
    assert "http://testserver/mailgun/webhook/" in text
    assert "Delivered, Permanent Failure" in text
    assert "MAILGUN_WEBHOOK_SIGNING_KEY and restart" in text
    assert "None so far." in text

    settings.MAILGUN_WEBHOOK_SIGNING_KEYS = [KEY, "the old one"]
    with time_machine.travel(datetime(2026, 11, 20, 16, 5, 7, tzinfo=UTC), tick=False):
        post(reader, call(event(recipient="lia@example.com")))
    with time_machine.travel(datetime(2026, 11, 20, 16, 6, 8, tzinfo=UTC), tick=False):
        post(reader, call(event(), key="wrong"))
    RefusedCall.objects.update(last_at=timezone.now() + timedelta(minutes=1))

    text = show(reader)

    assert "2 keys are valid" in text
    assert "1 call so far" in text
    assert "The last call had a wrong signature" in text
    assert str(Refusal.SIGNATURE.label) in text
    assert "Webhooks</td>" in text
    assert "lia@" not in text


@pytest.mark.slow
def test_it_says_which_source_is_in_use_and_why(
    reader: Client, domain: SendingDomain, sync: Callable[..., SyncRun], mailgun: Sandbox
) -> None:
    sync()
    assert "Events API is gone" not in show(reader)
    mailgun.events_api_gone = 410
    sync()

    text = show(reader)

    assert "Events API is gone for mg.harrison.example" in text.replace("&#x27;", "'")
    assert text.count("Logs API</td>") >= 2
