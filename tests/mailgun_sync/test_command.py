"""manage.py sync_mailgun, which other programs rely on, and the schedule."""

import json
import runpy
from datetime import datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from mailgun_sync.models import MailgunEvent, SendingDomain, SyncRun
from sandbox.server import Sandbox
from tests.mailgun_sync import payloads

pytestmark = pytest.mark.django_db


def reports(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.slow
def test_json_has_one_line_for_each_domain(
    mailgun: Sandbox, settings: Settings, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    mailgun.add_domain("mg.two.example")
    settings.MAILGUN_DOMAINS = [mailgun.domain, "mg.two.example"]
    mailgun.add_many(301, now - timedelta(minutes=20), now)
    mailgun.add_raw(payloads.WITHOUT_TIMESTAMP, timestamp=now - timedelta(minutes=1))

    call_command("sync_mailgun", json=True)

    first, second = reports(capsys)
    settled = SendingDomain.objects.get(name=mailgun.domain).settled_through
    assert settled
    assert first == {
        "domain": mailgun.domain,
        "pages": 2,
        "events_new": 301,
        "events_seen": 302,
        "quarantined": 1,
        "settled_through": settled.isoformat(),
        "error": None,
    }
    assert (second["domain"], second["pages"]) == ("mg.two.example", 0)


@pytest.mark.slow
def test_a_failing_domain_is_the_exit_code_and_stops_no_other(
    mailgun: Sandbox, settings: Settings, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAILGUN_DOMAINS = ["gone.example", mailgun.domain]
    mailgun.add(timestamp=now)

    with pytest.raises(CommandError, match=r"Not synced: gone\.example\."):
        call_command("sync_mailgun", json=True)

    gone, good = reports(capsys)
    assert "404" in str(gone["error"])
    assert gone["settled_through"] is None
    assert good["events_new"] == 1


def test_one_domain_can_be_named_even_if_it_is_paused(mailgun: Sandbox, domain: SendingDomain, now: datetime) -> None:
    SendingDomain.objects.update(paused=True)
    mailgun.add(timestamp=now)

    call_command("sync_mailgun")
    assert not MailgunEvent.objects.exists()

    call_command("sync_mailgun", domain=domain.name)
    assert MailgunEvent.objects.count() == 1


@pytest.mark.slow
def test_a_sweep_reads_again_from_so_many_hours_ago(mailgun: Sandbox, domain: SendingDomain, now: datetime) -> None:
    call_command("sync_mailgun")

    call_command("sync_mailgun", sweep=48)

    run = SyncRun.objects.get(kind="sweep")
    assert run.begin
    assert abs(run.begin - (now - timedelta(hours=48))) < timedelta(seconds=20)


@pytest.mark.thorough
@pytest.mark.slow
def test_a_backfill_reads_everything_again(mailgun: Sandbox, domain: SendingDomain, now: datetime) -> None:
    call_command("sync_mailgun")
    mailgun.add(timestamp=now - timedelta(days=25))

    call_command("sync_mailgun")
    assert not MailgunEvent.objects.exists()

    call_command("sync_mailgun", backfill=True)
    assert MailgunEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [({"domain": "typo.example"}, "typo.example is not in MAILGUN_DOMAINS"), ({"sweep": 0}, "whole number of hours")],
)
def test_wrong_options_are_told_in_words(mailgun: Sandbox, options: dict[str, object], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("sync_mailgun", **options)


def test_without_domains_it_says_what_is_missing(settings: Settings) -> None:
    settings.MAILGUN_DOMAINS = []

    with pytest.raises(CommandError, match="MAILGUN_DOMAINS"):
        call_command("sync_mailgun")


def test_the_schedule_syncs_at_every_full_hour_and_sweeps_daily_and_weekly() -> None:
    schedule = django_settings.CELERY_BEAT_SCHEDULE

    assert 0 in schedule["mailgun-sync"]["schedule"].minute
    assert schedule["mailgun-sync"]["schedule"].hour == set(range(24))
    sweeps = {
        entry["kwargs"]["sweep_hours"]: entry["schedule"]
        for entry in schedule.values()
        if "sweep_hours" in entry.get("kwargs", {})
    }
    assert sweeps.keys() == {72, 24 * django_settings.MAILGUN_RETENTION_DAYS}
    assert len(sweeps[72].day_of_week) == 7
    assert len(sweeps[24 * django_settings.MAILGUN_RETENTION_DAYS].day_of_week) == 1


@pytest.mark.parametrize(("minutes", "count"), [("", 1), ("30", 2), ("15,30,45", 4), ("*/5", 12), ("*", 60)])
def test_the_settings_add_minutes_to_the_full_hour(monkeypatch: pytest.MonkeyPatch, minutes: str, count: int) -> None:
    monkeypatch.setenv("MAILGUN_SYNC_MINUTES", minutes)
    times = runpy.run_path(str(django_settings.BASE_DIR / "config" / "mailgun_settings.py"))["MAILGUN_SYNC_TIMES"]
    assert 0 in times.minute
    assert len(times.minute) == count
