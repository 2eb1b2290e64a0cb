"""What machines ask: whether the process lives, whether it is ready, and its figures."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from health.services import figures, readiness
from health.services.heartbeats import BEAT, record_heartbeats
from health.services.readiness import LATE, WORKS, Check
from mailgun_sync.models import SendingDomain, SourceCount
from messenger_logs.choices import MessageStatus, Mode
from reports.models import ReportJob
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

NOBODY = "This process lives.\n"


def test_healthz_touches_nothing(settings, client: Client) -> None:
    # Without the database mark, any look into the database fails the test.
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["site.example"], True
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client.cookies["sessionid"] = "of-somebody"
    response = client.get("/healthz", headers={"host": "10.0.0.7"})
    assert (response.status_code, response.text) == (200, NOBODY)
    assert response["Cache-Control"] == "private, no-store"
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_readyz_says_what_works(settings, client: Client) -> None:
    names = ("database", "migrations", "cache", "broker")
    assert client.get("/readyz").text == "".join(f"{name}: works.\n" for name in names).rstrip("\n") + "\n"
    assert client.get("/readyz").status_code == 200
    settings.REDIS_URL = "redis://user:secret@127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "cache: does not answer (ConnectionError)." in response.text
    assert "database: works." in response.text
    assert "secret" not in response.text


@pytest.mark.django_db
def test_readyz_names_the_app_of_a_migration_that_is_missing(client: Client, monkeypatch) -> None:
    known = readiness._last_migrations()
    assert {app for app, _ in known} >= {"health", "messenger_logs", "auth"}
    monkeypatch.setattr(readiness, "_last_migrations", lambda: known | {("health", "9999_later")})
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "migrations: not applied in health.\n" in response.text


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_store_that_does_not_answer_holds_nobody_up_and_gets_one_thread(stuck, monkeypatch) -> None:
    begun: list[int] = []

    def wait() -> str:
        begun.append(1)
        stuck.wait()
        return WORKS

    check = Check("database", wait)
    monkeypatch.setattr(readiness, "_CHECKS", (check,))
    monkeypatch.setattr(readiness, "SECONDS", 0.05)
    assert [(finding.works, finding.words) for _ in range(3) for finding in readiness.findings()] == [(False, LATE)] * 3
    assert len(begun) == 1
    stuck.set()
    assert check._thread
    check._thread.join()
    assert [finding.words for finding in readiness.findings()] == [WORKS]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ResponseError("OOM command not allowed"), "does not answer (ResponseError)"),
        (OperationalError("amqp://user:secret@host"), "does not answer (OperationalError)"),
        (ValueError("secret"), "failed (ValueError)"),
    ],
)
def test_a_check_that_fails_names_no_detail(error: Exception, words: str) -> None:
    def fail() -> str:
        raise error

    check = Check("cache", fail)
    check.start()
    assert check.finding(seconds=10).words == words


# Figures


@pytest.mark.parametrize(
    ("token", "networks", "headers", "peer", "status"),
    [
        ("", [], {}, "127.0.0.1", 404),
        ("", [], {"Authorization": "Bearer "}, "127.0.0.1", 404),
        ("s3cret", [], {}, "127.0.0.1", 403),
        ("s3cret", [], {"Authorization": "Bearer other"}, "127.0.0.1", 403),
        ("s3cret", [], {"Authorization": "s3cret"}, "127.0.0.1", 403),
        ("s3cret", [], {"Authorization": "Bearer s3cret"}, "8.8.8.8", 200),
        ("", ["10.0.0.0/8"], {"Authorization": "Bearer "}, "8.8.8.8", 403),
        ("", ["10.0.0.0/8"], {}, "10.1.2.3", 200),
        ("", ["10.0.0.0/8"], {}, "::ffff:10.1.2.3", 200),
        ("", ["10.0.0.0/8"], {}, "fd00::1", 403),
        ("", ["10.0.0.0/8", "fd00::/8"], {}, "fd00::1", 200),
        ("", ["10.0.0.0/8"], {}, "", 403),
        # Somebody outside who comes through the proxy of this network, and one who names an address of it.
        ("", ["10.0.0.0/8"], {"X-Forwarded-For": "8.8.8.8"}, "10.1.2.3", 403),
        ("", ["10.0.0.0/8"], {"X-Forwarded-For": "10.9.9.9, 8.8.8.8"}, "10.1.2.3", 403),
        ("", ["10.0.0.0/8"], {"X-Forwarded-For": "10.9.9.9"}, "10.1.2.3", 200),
        ("", ["10.0.0.0/8"], {"X-Forwarded-For": "10.9.9.9"}, "8.8.8.8", 403),
        ("", ["10.0.0.0/8"], {"X-Forwarded-For": "10.9.9.9, nonsense"}, "10.1.2.3", 403),
    ],
)
def test_figures_are_for_the_token_and_for_named_networks(
    settings, monkeypatch, token: str, networks: list[str], headers: dict[str, str], peer: str, status: int
) -> None:
    from config.health_settings import _network

    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = token, [_network(name) for name in networks]
    monkeypatch.setattr("web.probes.exposition", lambda: b"figures")
    response = Client(REMOTE_ADDR=peer).get("/metrics", headers=headers)
    assert response.status_code == status
    assert ("figures" in response.text and "need" not in response.text) == (status == 200)


def read_metrics(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix("messenger_logs_"): float(value) for name, _, value in lines}


@pytest.fixture
def scrape(settings, client: Client, db: None):
    record_heartbeats([BEAT])
    settings.METRICS_TOKEN = "s3cret"
    return lambda: read_metrics(client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).text)


@pytest.mark.slow
def test_the_figures_are_those_of_the_stores(settings, scrape, make_user) -> None:
    settings.MAILGUN_DOMAINS, now = ["mg.example.org"], timezone.now()
    domain = SendingDomain.objects.create(name="mg.example.org", settled_through=now - timedelta(minutes=30))
    SourceCount.objects.create(domain=domain, source="events", events_new=12)
    message = make_message(
        status=MessageStatus.IN_PROGRESS,
        dispatched_here=True,
        scheduled_at=now - timedelta(minutes=10),
        modes=[Mode.TEXT],
    )
    make_delivery(make_recipient(message), mode=Mode.TEXT, status="waiting", address="+17635550199")
    fields = {"owner": make_user(), "kind": "message", "options": {}, "format": "csv", "title": "About Anna Vang"}
    ReportJob.objects.create(**fields, asked_at=now, expires_at=now + timedelta(days=1))
    figures.count(figures.HAND_OVERS, "text", "success", times=3)
    figures.write_down()
    figures.count(figures.PROVIDER_ERRORS, "Mailgun", "429")
    figures.write_down()

    found = scrape()

    assert found['settled_age_seconds{domain="mg.example.org"}'] == pytest.approx(1800, abs=30)
    assert found['events_total{source="events"}'] == 12
    assert found['due_age_seconds{mode="text"}'] == pytest.approx(600, abs=30)
    assert found['due_age_seconds{mode="email"}'] == 0
    assert found['jobs{kind="reportjob",status="queued"}'] == 1
    assert found['hand_overs_total{mode="text",result="success"}'] == 3
    assert found['provider_errors_total{error="429",provider="Mailgun"}'] == 1
    assert found["sign_in_failures_total"] == 0
    assert found['heartbeat_age_seconds{part="beat"}'] < 30
    assert found['troubles{urgent="true"}'] > 0, "no worker runs"
    assert found['store_up{store="database"}'] == found['store_up{store="valkey"}'] == 1
    assert 'queue_tasks{queue="dispatch"}' in found
    assert not [name for name in found if "Vang" in name or "7635550199" in name or str(message.pk) in name]


@pytest.mark.slow
def test_failed_sign_ins_are_counted(scrape, client: Client) -> None:
    client.post("/accounts/login/", {"login": "anna.vang", "password": "wrong"})
    assert scrape()["sign_in_failures_total"] == 1


@pytest.mark.slow
def test_without_valkey_the_other_figures_stay(settings, scrape) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = scrape()
    assert (found['store_up{store="valkey"}'], found['store_up{store="database"}']) == (0, 1)
    assert not [name for name in found if name.startswith("queue_tasks")]


@pytest.mark.slow
def test_answers_are_measured_by_the_name_of_their_address(scrape, client: Client) -> None:
    name = 'request_seconds_count{method="GET",view="account_login"}'
    before = scrape().get(name, 0)
    client.get("/accounts/login/?login=anna.vang")
    client.get("/nothing/anna.vang/")
    client.generic("ANNA", "/accounts/login/")
    found = scrape()
    assert found[name] == before + 1
    assert found['request_seconds_count{method="GET",view="none"}'] >= 1
    assert found['request_seconds_count{method="other",view="account_login"}'] >= 1
    assert not [name for name in found if re.search("anna", name, re.IGNORECASE)]
