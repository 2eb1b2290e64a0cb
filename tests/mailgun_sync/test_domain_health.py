"""Domain health: what Mailgun says of a domain, and the rates of bounces and complaints."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from mailgun_sync import tasks
from mailgun_sync.models import DomainHealth, MailgunEvent, SendingDomain
from mailgun_sync.services.domain_health import Rates, check_domain
from providers import mailgun_domains
from sandbox.server import Sandbox
from tests.queue import do_at_once, note_queued, refuse_all

pytestmark = pytest.mark.django_db


def checked(domain: SendingDomain) -> DomainHealth:
    check_domain(domain_id=domain.pk)
    return DomainHealth.objects.get(domain=domain)


def store(domain: SendingDomain, number: int, *, days: int = 1, **fields: Any) -> None:
    at = timezone.now() - timedelta(days=days)
    begun = MailgunEvent.objects.count()
    MailgunEvent.objects.bulk_create(
        MailgunEvent(domain=domain, event_id=str(begun + one), occurred_at=at, raw="{}", **fields)
        for one in range(number)
    )


def show(client: Client) -> str:
    return client.get(reverse("web:system_health")).content.decode()


@pytest.fixture
def reader(make_user: Callable[..., User], signed_in: Callable[[User], Client]) -> Client:
    return signed_in(make_user(Tool.MAILGUN_SYNC))


@pytest.mark.slow
def test_a_domain_with_all_its_records_is_active(mailgun: Sandbox, domain: SendingDomain, reader: Client) -> None:
    assert "Not checked yet" in show(reader)

    health = checked(domain)

    assert (health.state, health.error, len(health.records)) == ("active", "", 5)
    assert {record["valid"] for record in health.records} == {"valid"}
    text = show(reader)
    assert "All 5 DNS records are valid." in text
    assert "v=spf1 include:mailgun.org ~all" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "type", "state"),
    [("SPF", "TXT", "unverified"), ("DKIM", "TXT", "unverified"), ("CNAME", "CNAME", "active")],
)
def test_a_broken_record_is_named(
    mailgun: Sandbox, domain: SendingDomain, reader: Client, record: str, type: str, state: str
) -> None:
    mailgun.fail("broken-record", record=record)

    health = checked(domain)

    [broken] = [one for one in health.records if one["valid"] != "valid"]
    assert (broken["type"], health.state) == (type, state)
    assert "1 of 5 DNS records is not valid." in show(reader)
    assert checked(domain).state == "active", "the next check sees that it was mended"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"what": 401}, "Mailgun did not accept the API key (401)."),
        ({"what": 403}, "may not read the settings of this domain (403)"),
        ({"what": 404}, "does not know this domain (404)"),
        ({"what": 429}, "rate limit is used up (429)"),
        ({"what": 500}, "answered with status 500"),
        ({"what": "html"}, "is not about a domain"),
        ({"what": "half"}, "is not about a domain"),
        ({"what": "lost"}, "could not be reached"),
        ({"what": "endless"}, "more than"),
        ({"what": "drip", "seconds": 0.2}, "did not finish its answer within 0.5 seconds"),
    ],
    ids=lambda value: value["what"] if isinstance(value, dict) else "",
)
def test_a_check_that_fails_says_why_and_keeps_what_was_known(
    mailgun: Sandbox,
    domain: SendingDomain,
    reader: Client,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setattr(mailgun_domains, "TIMEOUT", (0.5, 0.5) if fault["what"] == "drip" else (5, 20))
    before = checked(domain)
    mailgun.fail(**fault)

    after = checked(domain)

    assert said in after.error
    assert (after.state, after.checked_at) == ("active", before.checked_at)
    text = show(reader)
    assert said in text
    assert "Active" in text


def test_without_a_key_a_check_says_so(domain: SendingDomain, settings: Settings) -> None:
    settings.MAILGUN_API_KEY = ""

    assert "no MAILGUN_API_KEY" in checked(domain).error


@pytest.mark.slow
def test_events_are_counted_for_7_and_30_days(mailgun: Sandbox, domain: SendingDomain, reader: Client) -> None:
    store(domain, 90, event="delivered")
    store(domain, 10, event="failed", severity="permanent")
    store(domain, 3, event="failed", severity="permanent", reason="suppress-bounce")
    store(domain, 5, event="failed", severity="temporary")
    store(domain, 1, event="complained")
    store(domain, 900, event="delivered", days=8)
    store(domain, 50, event="delivered", days=31)
    store(SendingDomain.objects.create(name="mg.two.example"), 7, event="complained")

    counts = checked(domain).counts

    assert Rates.of(counts["7"]) == Rates(delivered=90, bounced=10, suppressed=3, complained=1)
    assert Rates.of(counts["30"]) == Rates(delivered=990, bounced=10, suppressed=3, complained=1)
    text = show(reader)
    assert "10.00 %" in text
    assert "1.11 %" in text
    assert text.count("▲ more than 5.00 %") == 1, "of 7 days alone"
    assert text.count("▲ more than 0.10 %") == 2


@pytest.mark.parametrize(
    ("kinds", "bounces", "complaints"),
    [
        ({}, None, None),
        ({"delivered": 100}, 0.0, 0.0),
        ({"delivered": 95, "failed-permanent": 5, "suppressed": 50}, 0.05, 0.0),
        ({"failed-permanent": 5}, 1.0, None),
        ({"delivered": 1000, "complained": 1}, 0.0, 0.001),
        ({"delivered": 1, "complained": 3}, 0.0, 1.0),
    ],
)
def test_rates_are_of_what_was_tried(kinds: dict[str, int], bounces: float | None, complaints: float | None) -> None:
    rates = Rates.of(kinds)

    assert (rates.bounce_rate, rates.complaint_rate) == (bounces, complaints)
    assert rates.too_many_bounces == ((bounces or 0) > 0.05)
    assert rates.too_many_complaints == ((complaints or 0) > 0.001)


def test_the_night_checks_every_domain(mailgun: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    mailgun.add_domain("mg.two.example")
    settings.MAILGUN_DOMAINS = [mailgun.domain, "mg.two.example"]
    do_at_once(monkeypatch, tasks.check_domain)

    tasks.check_domains()
    tasks.check_domain(10**9)  # a domain that is not there any more

    assert set(DomainHealth.objects.values_list("domain__name", "state")) == {
        (mailgun.domain, "active"),
        ("mg.two.example", "active"),
    }


@pytest.mark.slow
def test_who_may_write_can_ask_now(
    mailgun: Sandbox,
    domain: SendingDomain,
    reader: Client,
    make_user: Callable[..., User],
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
) -> None:
    operator = signed_in(make_user(Tool.MAILGUN_SYNC, (Tool.MAILGUN_SYNC, Right.WRITE)))
    assert "Ask Mailgun now" not in show(reader)
    queued = note_queued(monkeypatch, tasks.check_domain)

    text = operator.post(reverse("web:check_domain", args=[domain.pk]), follow=True).content.decode()

    assert queued == [domain.pk]
    assert "Mailgun is being asked again." in text
    assert 'hx-trigger="every 3s"' in text
    assert AuditEvent.objects.filter(action="domain_health.asked", target=domain.name).count() == 1
    checked(domain)
    part = operator.get(reverse("web:domain_health")).content.decode()
    assert "hx-trigger" not in part
    assert "All 5 DNS records are valid." in part


@pytest.mark.slow
def test_without_the_queue_the_page_says_so(
    domain: SendingDomain,
    make_user: Callable[..., User],
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_all(monkeypatch, tasks.check_domain)
    operator = signed_in(make_user(Tool.MAILGUN_SYNC, (Tool.MAILGUN_SYNC, Right.WRITE)))

    text = operator.post(reverse("web:check_domain", args=[domain.pk]), follow=True).content.decode()

    assert "the task queue does not answer" in text
    assert "being asked again" not in text
