"""Scheduled reports: one for each reader and time, with the rights of that moment; what is missed, when they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from core.recurrence import Every, Recurrence
from reports.models import ReportJob
from reports.services import make_report
from reports.writers import Format
from saved_views.models import ReportSchedule, ScheduledReport
from saved_views.services import running, schedules
from saved_views.services.running import run_schedule, run_schedules
from saved_views.services.schedules import (
    AttachmentsOff,
    NotShared,
    add_schedule,
    allow_attachments,
    choose_report,
    end_schedule,
)
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_message, make_school
from tests.saved_views.factories import make_schedule, make_view
from tests.saved_views.test_views import fresh, share
from tests.stored import path_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

MakeUser = Callable[..., User]
ADMIN = Tool.ADMIN_SENT_MESSAGE_LOG
LOG = "admin_sent_message_log"
SIX = datetime(2026, 11, 20, 12, tzinfo=UTC)  # 6 AM in Chicago, a Friday


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    return make_user(ADMIN, email="owner@example.org")


@pytest.fixture
def schedule(owner: User) -> ReportSchedule:
    view = make_view(owner, listing=LOG, values={"subject": "bus"}, days="last_7_days")
    return make_schedule(view, next_at=SIX)


def state(schedule: ReportSchedule) -> ReportSchedule:
    return ReportSchedule.objects.get(pk=schedule.pk)


def test_each_time_makes_one_report_with_days_that_move_on(schedule: ReportSchedule, owner: User) -> None:
    assert run_schedules(now=SIX - timedelta(seconds=1)) == 0
    for now in (SIX, SIX, SIX + timedelta(hours=5)):
        run_schedules(now=now)
    job = ReportJob.objects.get()
    assert (job.owner, job.format, job.options["listing"]) == (owner, "csv", LOG)
    days = {"created_from": "2026-11-14", "created_to": "2026-11-20"}
    assert job.options["values"] == {"subject": "bus", "sort": "-created_at", **days}
    assert state(schedule).next_at == SIX + timedelta(days=1)
    assert ScheduledReport.objects.get().due_at == SIX
    assert "asked for 1 report." in state(schedule).note
    assert {"scheduled_report.ran", f"export.{LOG}"} <= set(AuditEvent.objects.values_list("action", flat=True))


@pytest.mark.parametrize(
    ("away", "made", "skipped"),
    [
        (timedelta(minutes=1), ["11/20/2026"], ""),
        (timedelta(hours=23), ["11/20/2026"], ""),
        (timedelta(days=1), ["11/20/2026", "11/21/2026"], ""),
        (timedelta(days=1, minutes=1), ["11/21/2026"], "The report of 11/20/2026 6:00 AM was skipped"),
        (timedelta(days=3, hours=1), ["11/23/2026"], "from 11/20/2026 6:00 AM to 11/22/2026 6:00 AM were skipped"),
    ],
)
def test_a_time_missed_by_more_than_a_day_is_skipped_and_said(
    schedule: ReportSchedule, away: timedelta, made: list[str], skipped: str
) -> None:
    run_schedules(now=SIX + away)
    due = [f"{timezone.localdate(report.due_at):%m/%d/%Y}" for report in ScheduledReport.objects.order_by("due_at")]
    assert due == made
    note = state(schedule).note
    assert skipped in note
    assert ("skipped" in note) == bool(skipped)
    last_days = [job.options["values"]["created_to"] for job in ReportJob.objects.order_by("pk")]
    assert last_days == [f"2026-11-{day[3:5]}" for day in made], "the days are those of the time, not of the clock"


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_two_ticks_at_the_same_moment_make_one_report(schedule: ReportSchedule) -> None:
    both, answers = Barrier(2), []

    def tick() -> None:
        both.wait(10)
        answers.append(run_schedule(schedule.pk, now=SIX))
        connection.close()

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [False, True]
    assert ReportJob.objects.count() == 1


def test_a_clock_that_was_far_ahead_stops_nothing(schedule: ReportSchedule) -> None:
    ReportSchedule.objects.update(next_at=SIX + timedelta(days=4000))
    run_schedules(now=SIX)
    assert state(schedule).next_at == SIX + timedelta(days=1)
    assert not ReportJob.objects.exists()


# Whose report it is


def test_each_reader_gets_the_rows_of_their_own_rights_and_schools(make_user: MakeUser, schedule: Any) -> None:
    east, west = make_school("East"), make_school("West")
    make_message(subject="bus east", school=east, created_at=SIX - timedelta(hours=1))
    make_message(subject="bus west", school=west, created_at=SIX - timedelta(hours=1))
    narrow, declined, blind = (hold_for(make_user(ADMIN), east), make_user(ADMIN), make_user(Tool.SENT_MESSAGE_LOG))
    closed = make_user(ADMIN, is_active=False)
    share(schedule.view, narrow, declined, blind, closed)
    ReportSchedule.objects.update(for_group=True)
    choose_report(by=declined, schedule=schedule, wanted=False)
    run_schedules(now=SIX)
    jobs = {job.owner_id: job for job in ReportJob.objects.all()}
    assert set(jobs) == {schedule.view.owner_id, narrow.pk}
    texts = {}
    for owner_id, job in jobs.items():
        make_report(job_id=job.pk)
        job.refresh_from_db()
        texts[owner_id] = path_of(job).read_text()
    assert "bus east" in texts[narrow.pk]
    assert "bus west" not in texts[narrow.pk]
    assert "bus west" in texts[schedule.view.owner_id]


def test_the_rights_count_when_the_report_is_made(schedule: ReportSchedule, owner: User) -> None:
    run_schedules(now=SIX)
    owner.groups.clear()
    make_report(job_id=ReportJob.objects.get().pk)
    assert ReportJob.objects.get().status == "failed"


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda schedule: User.objects.update(is_active=False), running.ACCOUNT_CLOSED),
        (lambda schedule: schedule.view.owner.groups.clear(), running.NO_RIGHT),
        (lambda schedule: type(schedule.view).objects.update(listing="gone"), running.NO_LIST),
    ],
)
def test_it_ends_without_account_right_or_list_and_says_so(
    schedule: ReportSchedule, change: Callable[[ReportSchedule], Any], because: str
) -> None:
    change(schedule)
    run_schedules(now=SIX)
    ended = state(schedule)
    assert ended.ended_at
    assert ended.ended_because == because
    assert not ReportJob.objects.exists()
    assert AuditEvent.objects.get(action="scheduled_report.ended").who == ""
    run_schedules(now=SIX + timedelta(days=1))
    assert state(schedule).next_at == ended.next_at, "it does not go on"


@pytest.mark.parametrize("values", [{"color": "red"}, {"created_from": "tomorrow"}, {"sort": "color"}])
def test_a_view_that_the_list_does_not_understand_makes_no_report_of_more_rows(
    schedule: ReportSchedule, values: dict[str, str]
) -> None:
    type(schedule.view).objects.update(values=values, days="")
    run_schedules(now=SIX)
    assert not ReportJob.objects.exists()
    assert running.NOT_MADE in state(schedule).note
    assert state(schedule).next_at == SIX + timedelta(days=1)


@pytest.mark.slow
def test_one_that_fails_does_not_stop_the_others(
    schedule: ReportSchedule, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_schedule(make_view(owner, name="Other", listing=LOG), next_at=SIX)
    real = running.why_over
    monkeypatch.setattr(running, "why_over", lambda each: 1 / 0 if each.pk == schedule.pk else real(each))
    run_schedules(now=SIX)
    assert [report.schedule_id for report in ScheduledReport.objects.all()] == [other.pk]
    assert state(schedule).next_at == SIX, "it is tried again"
    assert "failed" in caplog.text


# Changes


def test_a_schedule_begins_with_the_next_time(owner: User, time_machine: Any) -> None:
    time_machine.move_to(SIX + timedelta(minutes=1))
    view = make_view(owner, listing=LOG)
    weekly = add_schedule(by=owner, view=view, format=Format.PDF, recurrence=Recurrence(Every.WEEK, 6, weekday=0))
    assert weekly.next_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    with pytest.raises(NotShared):
        add_schedule(by=owner, view=view, format=Format.PDF, recurrence=Recurrence(Every.DAY, 6), for_group=True)


@pytest.mark.slow
def test_one_person_has_so_many_schedules(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MOST_SCHEDULES", 1)
    view = make_view(owner, listing=LOG)
    recurrence = Recurrence(Every.DAY, 6)
    add_schedule(by=owner, view=view, format=Format.PDF, recurrence=recurrence)
    with pytest.raises(schedules.TooManySchedules):
        add_schedule(by=owner, view=view, format=Format.PDF, recurrence=recurrence)


def test_attachments_need_the_setting_too(schedule: ReportSchedule, make_user: MakeUser, settings: Any) -> None:
    administrator = make_user(Tool.SCHEDULED_REPORTS)
    settings.REPORT_ATTACHMENTS = False
    with pytest.raises(AttachmentsOff):
        allow_attachments(schedule_id=schedule.pk, allowed=True, by=administrator)
    settings.REPORT_ATTACHMENTS = True
    answers = [allow_attachments(schedule_id=schedule.pk, allowed=True, by=administrator) for _ in range(2)]
    assert answers == [True, False]
    assert AuditEvent.objects.filter(action="scheduled_report.attachments_allowed").count() == 1


def test_it_ends_once(schedule: ReportSchedule, owner: User) -> None:
    assert [end_schedule(schedule_id=schedule.pk, because="So.", by=owner) for _ in range(2)] == [True, False]


def test_a_person_reads_the_schedules_of_their_groups_alone(schedule: ReportSchedule, make_user: MakeUser) -> None:
    member, blind, other = make_user(ADMIN), make_user(Tool.SENT_MESSAGE_LOG), make_user(ADMIN)
    share(schedule.view, member, blind)
    ReportSchedule.objects.update(for_group=True)
    shown = [ReportSchedule.objects.read_by(fresh(user)).exists() for user in (member, blind, other)]
    assert shown == [True, False, False]
