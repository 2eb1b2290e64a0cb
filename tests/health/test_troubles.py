"""What counts as a trouble: each rule by its edge, and nothing where all is well."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.replica import ReplicaState
from dispatch.models import Claim, Pace
from health.models import Heartbeat
from health.services.heartbeats import BEAT, queue_part, record_heartbeats
from health.troubles import SILENT_AFTER, _replica_trouble, all_troubles
from mailgun_sync.choices import RunKind, RunOutcome
from mailgun_sync.models import SendingDomain, SyncGap, SyncRun
from mailgun_sync.services.months import months
from mailgun_sync.troubles import troubles as sync_troubles
from messenger_logs.choices import DeliveryStatus, MessageStatus, MessageType, Mode
from messenger_logs.models import MessageModeTotals, MessageTotals
from reports.models import ReportJob
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.usefixtures("all_run")


@pytest.fixture
def sends_all(settings) -> None:
    """Every mode has somebody who sends it, at any hour."""
    settings.GATEWAYS = dict.fromkeys(Mode.values, "dispatch.gateways.inbox.gateway")


def keys() -> list[str]:
    return [trouble.key for trouble in all_troubles(timezone.now())]


def minutes_ago(minutes: float):
    return timezone.now() - timedelta(minutes=minutes)


def test_a_site_that_runs_has_no_troubles() -> None:
    assert keys() == []


@pytest.mark.parametrize("part", ["beat", "dispatch", "celery"])
@pytest.mark.parametrize(("early", "silent"), [(timedelta(seconds=2), False), (timedelta(seconds=-2), True)])
def test_who_does_not_beat_is_a_trouble_soon(part: str, early: timedelta, silent: bool) -> None:
    row = Heartbeat.objects.filter(part=BEAT if part == "beat" else queue_part(part))
    row.update(beaten_at=timezone.now() - SILENT_AFTER + early)
    found = all_troubles(timezone.now())
    assert [trouble.key for trouble in found] == (
        [f"health.{part}" if part == "beat" else f"health.worker.{part}"] if silent else []
    )
    assert all(trouble.since == row.get().beaten_at for trouble in found)
    assert all(trouble.urgent is (part != "celery") for trouble in found)


def test_a_store_of_files_that_cannot_be_used_is_a_trouble(settings, tmp_path) -> None:
    settings.REPORT_FOLDER = tmp_path / "reports"
    assert keys() == []
    (tmp_path / "file").touch()
    settings.REPORT_FOLDER = tmp_path / "file"
    assert keys() == ["health.files"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ReplicaState.NONE, ""),
        (ReplicaState.USED, ""),
        (ReplicaState.AWAY, "It does not answer"),
        (ReplicaState.BEHIND, "It is more than"),
    ],
)
def test_what_is_said_of_a_replica(state: ReplicaState, expected: str) -> None:
    found = _replica_trouble(state)
    assert (found.words if found else "").startswith(expected)
    assert bool(found) == bool(expected)


def test_a_month_without_a_part_of_the_table_of_events_is_a_trouble_a_month_before() -> None:
    ahead = max(month.begin for month in months() if month.begin)
    months_of = [trouble.key for trouble in sync_troubles(ahead - timedelta(days=32))]
    assert "events.months" not in months_of
    for now in (ahead, ahead + timedelta(days=40)):
        assert "events.months" in [trouble.key for trouble in sync_troubles(now)]


def test_heartbeats_are_a_row_for_each_part_however_often_they_come() -> None:
    rows = Heartbeat.objects.count()
    before = Heartbeat.objects.get(part=BEAT).beaten_at
    Heartbeat.objects.update(beaten_at=F("beaten_at") - timedelta(minutes=5))
    record_heartbeats([BEAT])
    assert Heartbeat.objects.count() == rows == 1 + len(settings.CELERY_TASK_QUEUES)
    assert Heartbeat.objects.get(part=BEAT).beaten_at >= before


def test_without_the_queue_nothing_else_is_said_of_workers(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    Heartbeat.objects.all().delete()
    assert keys() == ["health.queue"]


def test_a_paused_mode_is_a_trouble_until_its_pause_ends(sends_all) -> None:
    claimed = minutes_ago(3)
    Claim.objects.create(
        message=make_message(), mode=Mode.TEXT, deliveries=[], attempts=[], state="settled", claimed_at=claimed
    )
    words = "The provider takes no texts (401)."
    pace = Pace.objects.create(mode=Mode.TEXT, paused_until=minutes_ago(-5), words=words)
    [trouble] = all_troubles(timezone.now())
    assert (trouble.key, trouble.urgent, trouble.since) == ("dispatch.paused.text", True, claimed)
    assert trouble.words.endswith(words)
    assert trouble.words.startswith("Nothing goes out. It is paused until ")
    Pace.objects.filter(pk=pace.pk).update(paused_until=minutes_ago(1))
    assert keys() == []


@pytest.mark.parametrize(
    ("gateways", "late", "expected"),
    [
        ({}, 2, ["dispatch.missing.email"]),
        ({"email": "dispatch.gateways.inbox.gateway"}, 2, ["dispatch.hangs.email"]),
        ({"email": "dispatch.gateways.inbox.gateway"}, 0.5, []),
    ],
)
def test_what_is_due_and_does_not_go_out_is_a_trouble(settings, gateways, late: float, expected: list[str]) -> None:
    settings.GATEWAYS = gateways | {"inbox": "dispatch.gateways.inbox.gateway"}
    message = make_message(
        status=MessageStatus.IN_PROGRESS, dispatched_here=True, scheduled_at=minutes_ago(late), modes=[Mode.EMAIL]
    )
    make_delivery(make_recipient(message), status=DeliveryStatus.WAITING)
    assert keys() == expected
    assert all(trouble.since == message.scheduled_at for trouble in all_troubles(timezone.now()))


def test_what_is_in_doubt_is_a_trouble_that_is_not_urgent(sends_all) -> None:
    message = make_message(dispatched_here=True, modes=[Mode.TEXT])
    make_delivery(
        make_recipient(message), mode=Mode.TEXT, status=DeliveryStatus.VENDOR_RECEIVED, detail="Status unknown"
    )
    [trouble] = all_troubles(timezone.now())
    assert (trouble.key, trouble.urgent) == ("dispatch.in_doubt.text", False)
    assert trouble.words.startswith("1 device is in doubt")


@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({}, True),
        ({"status": MessageStatus.WAITING}, True),
        ({"scheduled_at": 59}, False),
        ({"voice_start_at": 59}, False),
        ({"email_start_at": 90, "voice_start_at": 61}, True),
        ({"status": MessageStatus.SENT}, False),
        ({"status": MessageStatus.CANCELED_IN_PROGRESS}, False),
        ({"drill": True}, False),
        ({"dispatched_here": False}, False),
        ({"message_type": MessageType.PRIORITY}, False),
    ],
)
def test_an_emergency_that_takes_long_is_urgent(fields, late: bool) -> None:
    message = make_message(
        **{
            "message_type": MessageType.EMERGENCY,
            "status": MessageStatus.IN_PROGRESS,
            "dispatched_here": True,
            "scheduled_at": minutes_ago(120),
            "subject": "Anna Vang was hurt",
        }
        | {name: minutes_ago(value) if name.endswith("_at") else value for name, value in fields.items()}
    )
    found = all_troubles(timezone.now())
    assert [trouble.key for trouble in found] == ([f"messages.emergency.{message.pk}"] if late else [])
    assert all(trouble.urgent and "Vang" not in repr(trouble) for trouble in found)


@pytest.mark.parametrize(
    ("modes", "fails"),
    [
        ([{"devices": 100, "error": 25}], False),
        ([{"devices": 100, "error": 26}], True),
        ([{"devices": 100, "error": 10}, {"devices": 100, "error": 42}], True),
        # The refused e-mails are in the successes; what waits, was canceled or opted out was not tried.
        ([{"devices": 100, "success": 90, "failed": 20, "suppressed": 6}], True),
        ([{"devices": 100, "pending": 50, "canceled": 20, "not_attempted": 10, "error": 6}], True),
        ([{"devices": 100, "pending": 50, "canceled": 20, "not_attempted": 10, "error": 5}], False),
        ([{"devices": 19, "error": 19}], False),
        ([{"devices": 20, "error": 6}], True),
    ],
)
def test_a_message_of_which_much_fails_is_a_trouble(modes, fails: bool) -> None:
    message = make_message()
    totals = MessageTotals.objects.create(message=message)
    for mode, counts in zip(Mode, modes, strict=False):
        MessageModeTotals.objects.create(totals=totals, mode=mode, **counts)
    assert keys() == ([f"messages.failures.{message.pk}"] if fails else [])
    message.scheduled_at = minutes_ago(24 * 60 + 1)
    message.save()
    assert keys() == []


@pytest.fixture
def domain(settings) -> SendingDomain:
    settings.MAILGUN_DOMAINS = ["mg.example.org"]
    return SendingDomain.objects.create(name="mg.example.org", settled_through=minutes_ago(40))


OK, BAD, DIED = RunOutcome.SUCCEEDED, RunOutcome.FAILED, RunOutcome.INTERRUPTED


@pytest.mark.parametrize(
    ("runs", "failing"),
    [([], 0), ([BAD], 0), ([BAD, BAD], 2), ([OK, BAD], 0), ([OK, BAD, DIED, BAD], 3), ([BAD, BAD, OK], 0)],
)
def test_a_sync_that_failed_twice_is_a_trouble(domain: SendingDomain, runs: list[RunOutcome], failing: int) -> None:
    stored = [
        SyncRun.objects.create(domain=domain, kind=RunKind.SYNC, outcome=outcome, started_at=minutes_ago(60 - number))
        for number, outcome in enumerate(runs)
    ]
    found = all_troubles(timezone.now())
    assert [trouble.key for trouble in found] == (["sync.failed.mg.example.org"] if failing else [])
    assert all(trouble.since == stored[-failing].started_at for trouble in found)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("hours", "behind"), [(2.9, False), (3.1, True)])
def test_events_that_are_hours_late_are_a_trouble(
    domain: SendingDomain, paused: bool, hours: float, behind: bool
) -> None:
    SendingDomain.objects.update(settled_through=minutes_ago(60 * hours), paused=paused)
    found = all_troubles(timezone.now())
    assert [trouble.key for trouble in found] == (["sync.behind.mg.example.org"] if behind else [])
    assert all(("paused" in trouble.words) is paused for trouble in found)


@pytest.mark.slow
def test_a_new_gap_is_a_trouble_for_a_day_and_another_one_is_a_new_trouble(domain: SendingDomain) -> None:
    def gap(days: int) -> SyncGap:
        day = timezone.now() - timedelta(days=days)
        return SyncGap.objects.create(domain=domain, begin=day, end=day + timedelta(hours=1))

    first = gap(30)
    assert keys() == [f"sync.gap.mg.example.org.{first.pk}"]
    second = gap(20)
    assert keys() == [f"sync.gap.mg.example.org.{second.pk}"]
    SyncGap.objects.update(recorded_at=minutes_ago(24 * 60 + 1))
    assert keys() == []


def test_a_domain_that_is_not_configured_any_more_is_no_trouble(domain: SendingDomain, settings) -> None:
    SendingDomain.objects.update(settled_through=minutes_ago(10_000))
    settings.MAILGUN_DOMAINS = []
    assert keys() == []


@pytest.mark.parametrize(("minutes", "running", "stands"), [(9, False, False), (11, False, True), (11, True, False)])
def test_jobs_that_stand_still_are_a_trouble(make_user, minutes: int, running: bool, stands: bool) -> None:
    fields = {"owner": make_user(), "kind": "message", "options": {}, "format": "csv", "title": "Library Hours"}
    fields |= {"expires_at": minutes_ago(-1000)}
    ReportJob.objects.create(**fields, asked_at=minutes_ago(minutes))
    if running:
        claim = "6f1c52a4-0000-4000-8000-000000000000"
        ReportJob.objects.create(
            **fields, asked_at=minutes_ago(30), status="running", claim=claim, lease_until=minutes_ago(-0.4)
        )
    assert keys() == (["jobs.reports.reportjob"] if stands else [])


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow_with_the_rows(domain: SendingDomain, sends_all) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            all_troubles(timezone.now())
        return len(captured)

    before = queries()
    for _ in range(3):
        message = make_message(
            message_type=MessageType.EMERGENCY,
            status=MessageStatus.IN_PROGRESS,
            dispatched_here=True,
            scheduled_at=minutes_ago(70),
        )
        totals = MessageTotals.objects.create(message=message)
        MessageModeTotals.objects.create(totals=totals, mode=Mode.EMAIL, devices=50, error=50)
        SyncRun.objects.create(domain=domain, kind=RunKind.SYNC, outcome=BAD)
    assert len(keys()) == 7
    assert queries() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("account", "missing"),
    [
        (None, True),
        ({"is_active": False, "password": "lantern"}, True),
        ({"password": None}, True),
        ({"password": "lantern"}, False),
    ],
)
def test_an_account_for_the_day_without_the_provider_is_there(settings, account, missing: bool) -> None:
    if account is not None:
        User.objects.create_user("Glass", **account)
    assert keys() == [], "while everybody may use a password, it is not needed"
    settings.PASSWORD_SIGN_IN, settings.BREAK_GLASS_ACCOUNT = False, "glass"
    assert keys() == (["accounts.break_glass"] if missing else [])
