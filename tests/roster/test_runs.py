"""Runs: asked for by people, the night and the command; one at a time; files that are kept and removed."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEvent, User
from core.leases import lease
from messenger_logs.models import School
from roster import tasks
from roster.choices import RunStatus, Source
from roster.models import RosterAccount, RosterRun
from roster.services import runs
from sandbox.oneroster import BASES
from tests.queue import do_at_once
from tests.roster.files import district, people, person, rest_orgs, rest_user, write_zip
from tests.stored import folder, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(administrator, settings, tmp_path):
    settings.REPORT_FOLDER = tmp_path
    settings.ROSTER_ROLE_GROUPS = ["administrator=Principals", "teacher="]

    def keep(files=None) -> RosterRun:
        content = write_zip(tmp_path / "mine.zip", files or district()).read_bytes()
        return runs.upload(chunks=[content[:100], content[100:]], name="mine.zip", by=administrator)

    return keep


def test_an_uploaded_file_is_checked_then_run_and_then_gone(upload, administrator):
    checked = upload()
    assert path_of(checked).stat().st_mode & 0o077 == 0
    runs.do_queued()
    checked.refresh_from_db()
    assert (checked.status, checked.check_only, checked.changes) == (RunStatus.DONE, True, 15)
    assert not RosterAccount.objects.exists()

    run = runs.start(seen=checked, by=administrator)
    runs.do_queued()
    run.refresh_from_db()
    assert (run.status, run.difference) == (RunStatus.DONE, checked.difference)
    assert not list(folder("roster").iterdir())
    with pytest.raises(runs.Refused):
        runs.start(seen=checked, by=administrator)
    actions = list(AuditEvent.objects.filter(action__startswith="roster.").order_by("pk").values_list("action", "who"))
    assert actions == [
        ("roster.check_asked", "boss"),
        ("roster.checked", "boss"),
        ("roster.run_asked", "boss"),
        ("roster.taken_over", "boss"),
    ]


def test_an_upload_that_is_too_large_leaves_nothing(upload, settings):
    settings.ROSTER_MEGABYTES = 0
    with pytest.raises(runs.Refused, match="larger than 0 MB"):
        upload()
    assert not list(folder("roster").iterdir())
    assert not RosterRun.objects.exists()


def test_old_runs_and_files_are_removed_and_those_that_wait_stay(upload):
    waits, ran = upload(), upload()
    old = (timezone.now() - timedelta(days=3)).timestamp()
    for run in (waits, ran):
        os.utime(path_of(run), (old, old))
    RosterRun.objects.filter(pk=ran.pk).update(status=RunStatus.DONE, asked_at=timezone.now() - timedelta(days=91))
    assert runs.delete_expired() == 1
    assert [file.name for file in folder("roster").iterdir()] == [path_of(waits).name]
    assert list(RosterRun.objects.all()) == [waits]


def test_one_run_at_a_time_and_the_others_wait(upload):
    upload()
    with lease(runs.LEASE):
        assert runs.do_queued() == 0
    assert runs.do_queued() == 1


def test_a_run_whose_process_died_is_told(upload):
    RosterRun.objects.filter(pk=upload().pk).update(status=RunStatus.RUNNING)
    runs.do_queued()
    run = RosterRun.objects.get()
    assert (run.status, run.error) == (RunStatus.FAILED, runs.INTERRUPTED)


def test_a_run_that_stood_still_takes_over_nothing_when_another_process_has_ended_it(upload, monkeypatch):
    upload()

    def stand_still(path, reading):
        RosterRun.objects.update(status=RunStatus.FAILED, error=runs.INTERRUPTED)

    monkeypatch.setattr(runs, "read_zip", stand_still)
    runs.do_queued()
    run = RosterRun.objects.get()
    assert (run.status, run.error, run.read) == (RunStatus.FAILED, runs.INTERRUPTED, "")


def test_a_file_that_cannot_be_read_fails_the_run_with_the_reason(upload):
    run = upload({"readme.txt": "hello"})
    runs.do_queued()
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert run.error.startswith("The zip has no roster")
    assert AuditEvent.objects.get(action="roster.failed").details["reason"] == run.error


def test_a_fault_of_ours_changes_nothing_and_does_not_stop_the_next_run(upload, monkeypatch):
    first, second = upload(), upload()
    taking = iter([RuntimeError("a fault"), None])

    def fail(*_, **__):
        if error := next(taking):
            raise error

    monkeypatch.setattr("roster.services.takeover.record_audit_events", fail)
    assert runs.do_queued() == 2
    assert [RosterRun.objects.get(pk=run.pk).status for run in (first, second)] == [RunStatus.FAILED, RunStatus.DONE]
    assert not School.objects.exists()


# The night


def test_at_night_the_configured_roster_is_taken_over_and_without_one_nothing_happens(
    sandbox, administrator, settings, monkeypatch
):
    do_at_once(monkeypatch, tasks.run_queued)
    tasks.nightly()
    assert not RosterRun.objects.exists()

    settings.ROSTER_URL, settings.ROSTER_VERSION = sandbox.url + BASES["1.2"], "1.2"
    settings.ROSTER_AUTH, settings.ROSTER_TOKEN = "bearer", "a-token"
    settings.ROSTER_ROLE_GROUPS = ["administrator=Principals"]
    sandbox.roster.tokens.add("a-token")
    sandbox.roster.orgs = rest_orgs()
    sandbox.roster.users = [rest_user(row, "1.2") for row in people()]
    tasks.nightly()
    run = RosterRun.objects.get()
    assert (run.status, run.source, run.asked_by, run.read) == (
        RunStatus.DONE,
        Source.REST,
        None,
        "OneRoster 1.2, REST",
    )
    assert sorted(RosterAccount.objects.values_list("sourced_id", flat=True)) == ["pam", "sue"]
    tasks.nightly()
    assert RosterRun.objects.latest("pk").changes == 0


# The command


def command(**options) -> str:
    out = StringIO()
    call_command("sync_roster", stdout=out, **options)
    return out.getvalue()


def test_the_command_checks_and_runs_a_zip(administrator, settings, tmp_path):
    settings.REPORT_FOLDER = tmp_path / "reports"
    settings.ROSTER_ROLE_GROUPS = ["teacher="]
    path = write_zip(tmp_path / "roster.zip", district())
    report = json.loads(command(zip=path, dry_run=True, json=True))
    assert (report["status"], report["dry_run"], report["difference"]["accounts"]["new"]) == ("done", True, 1)
    assert not User.objects.filter(username="tom").exists()
    assert "Accounts of staff: 1 new, 0 changed, 0 leaving; 0 before" in command(zip=path)
    assert User.objects.filter(username="tom").exists()
    with pytest.raises(CommandError, match="too many would leave"):
        command(zip=write_zip(path, district([person("new", "teacher", "oak")])))
    with pytest.raises(CommandError, match="No such file"):
        command(zip=tmp_path / "none.zip")


def test_the_command_without_a_roster_says_what_is_missing(db):
    with pytest.raises(CommandError, match="neither ROSTER_URL nor ROSTER_FILE"):
        command()
