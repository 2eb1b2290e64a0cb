"""Schedules of reports are made, ended, removed, declined, and allowed to go out as attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import ENGLISH, english, in_language, in_language_of
from core.recurrence import Recurrence
from reports.writers import Format
from saved_views.models import ReportSchedule, SavedView
from saved_views.services.views import Refused, recorded_title

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_SCHEDULES = 50


class TooManySchedules(Refused):
    """The person has as many scheduled reports as one person may have."""


class NotShared(Refused):
    """The view is shared with no group, so nobody but its owner can get its reports."""


class AttachmentsOff(Refused):
    """The installation sends no reports as attachments."""


def add_schedule(
    *, by: User, view: SavedView, format: Format, recurrence: Recurrence, for_group: bool = False
) -> ReportSchedule:
    """Make reports of an own view at fixed times. Raises TooManySchedules, or NotShared."""
    if for_group and view.group_id is None:
        raise NotShared
    now = timezone.now()
    with in_language(ENGLISH):
        in_english = str(recurrence)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        if ReportSchedule.objects.running().filter(view__owner=by).count() >= MOST_SCHEDULES:
            raise TooManySchedules
        schedule = ReportSchedule.objects.create(
            view=view,
            format=format,
            every=recurrence.every,
            hour=recurrence.hour,
            weekday=recurrence.weekday,
            day=recurrence.day,
            for_group=for_group,
            created_at=now,
            next_at=recurrence.next_after(now),
        )
        record(by, "scheduled_report.made", schedule, when=in_english, for_group=for_group)
    return schedule


def remove_schedule(*, by: User, schedule: ReportSchedule) -> None:
    """Remove an own schedule. Reports that it has made stay under My Reports."""
    with transaction.atomic():
        pk = schedule.pk
        if ReportSchedule.objects.filter(pk=pk, view__owner=by).delete()[0]:
            schedule.pk = pk
            record(by, "scheduled_report.removed", schedule)


def end_schedule(*, schedule_id: int, because: StrOrPromise, by: User | None) -> bool:
    """End a schedule. Returns False if it had ended before. `by` is None where the product ends it.

    The owner reads `because` in the language that the owner chose. The audit trail has it in English.
    """
    reason, running = english(because), ReportSchedule.objects.running().filter(pk=schedule_id)
    with transaction.atomic():
        schedule = running.select_related("view__owner").first()
        if schedule is None:
            return False
        with in_language_of(schedule.view.owner):
            told = gettext(reason)[:200]
        ended = bool(running.update(ended_at=timezone.now(), ended_because=told))
        if ended:
            record(by, "scheduled_report.ended", schedule, because=reason)
    return ended


def allow_attachments(*, schedule_id: int, allowed: bool, by: User) -> bool:
    """Let the reports of a schedule go out as attachments, or only as links. Returns False if it is so already.

    Raises AttachmentsOff where the installation sends none.
    """
    if allowed and not settings.REPORT_ATTACHMENTS:
        raise AttachmentsOff
    with transaction.atomic():
        changed = bool(ReportSchedule.objects.filter(pk=schedule_id).exclude(attach=allowed).update(attach=allowed))
        if changed:
            schedule = ReportSchedule.objects.select_related("view__owner").get(pk=schedule_id)
            action = "scheduled_report.attachments_allowed" if allowed else "scheduled_report.attachments_ended"
            record(by, action, schedule)
    return changed


def choose_report(*, by: User, schedule: ReportSchedule, wanted: bool) -> None:
    """Get the reports that somebody else schedules for a group, or do not."""
    with transaction.atomic():
        if wanted:
            schedule.declined_by.remove(by)
        else:
            schedule.declined_by.add(by)
        record(by, "scheduled_report.wanted" if wanted else "scheduled_report.declined", schedule)


def record(by: User | None, action: str, schedule: ReportSchedule, **more: object) -> None:
    """Record what happened to a schedule, without the name of its view, which may be about people."""
    details = {"schedule": schedule.pk, "view": schedule.view_id, "owner": schedule.view.owner.username, **more}
    record_audit_event(by=by, action=action, target=recorded_title(schedule.view.listing), details=details)
