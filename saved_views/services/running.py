"""Makes the reports whose time has come: an ordinary report for each reader, with the rights of that moment."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from accounts.models import User
from core.dates import time_text
from core.languages import in_language_of
from core.queue import call_worker
from listings.registry import UnknownListing, registry
from reports import tasks
from reports.files import NotMade
from reports.kinds import report_of
from reports.services import request_report
from reports.writers import Format
from saved_views.models import ReportSchedule, ScheduledReport
from saved_views.opening import open_view
from saved_views.services.schedules import end_schedule, record

# A time that was missed by more is skipped.
LATEST = timedelta(days=1)
# So many schedules a run; the next run goes on.
MOST = 500

ACCOUNT_CLOSED = gettext_noop("The account of the owner is closed.")
NO_RIGHT = gettext_noop("The owner may not open the list any more.")
NO_LIST = gettext_noop("The list is not there any more.")
OTHERS = gettext_noop("Some members of the group got none.")
NOT_MADE = gettext_noop("No report was made.")

log = logging.getLogger(__name__)


class NotOpened(Exception):
    """The report of a view cannot be made. The message says why, without personal data."""


def run_schedules(*, now: datetime | None = None) -> int:
    """Ask for the reports of all schedules that are due. Returns how many times of schedules were taken."""
    now = now or timezone.now()
    taken = 0
    for pk in list(ReportSchedule.objects.due(now).values_list("pk", flat=True)[:MOST]):
        try:
            taken += run_schedule(pk, now=now)
        except Exception:
            # The others go on. This one is tried again, until its time is too long ago.
            log.exception("Schedule %s failed.", pk)
    return taken


def run_schedule(pk: int, *, now: datetime) -> bool:
    """Take the times of a schedule up to now. Returns False if another worker was quicker, or it is not due."""
    schedule = ReportSchedule.objects.due(now).select_related("view__owner", "view__group").filter(pk=pk).first()
    if schedule is None:
        return False
    with transaction.atomic():
        following = schedule.recurrence.next_after(now)
        same = ReportSchedule.objects.running().filter(pk=pk, next_at=schedule.next_at)
        if not same.update(next_at=following):
            return False
        # What is kept here is for the owner.
        with in_language_of(schedule.view.owner):
            if because := why_over(schedule):
                end_schedule(schedule_id=pk, because=because, by=None)
                return True
            notes = list(_notes(schedule, schedule.recurrence.missed(schedule.next_at, now), now))
        ReportSchedule.objects.filter(pk=pk).update(note=" ".join(notes)[:500])
    return True


def _notes(schedule: ReportSchedule, times: list[datetime], now: datetime) -> Iterator[str]:
    """Ask for the reports of these times. Yields what the owner should know, in sentences."""
    late = [due for due in times if now - due > LATEST]
    if late:
        yield _skipped(late)
    for due in times:
        if due not in late:
            yield from _ask_for_all(schedule, due)


def why_over(schedule: ReportSchedule) -> str:
    """Return why a schedule ends, in English; "" if it goes on."""
    view = schedule.view
    if not view.owner.is_active:
        return ACCOUNT_CLOSED
    try:
        tool = registry[view.listing].tool
    except UnknownListing:
        return NO_LIST
    return "" if view.owner.may(tool) else NO_RIGHT


def readers_of(schedule: ReportSchedule) -> list[User]:
    """Return who gets a report: the owner, and the members of the group who did not decline. In the order of ids."""
    view = schedule.view
    who = Q(pk=view.owner_id)
    if schedule.for_group and view.group_id:
        declined = schedule.declined_by.values("pk")
        who |= Q(pk__in=User.objects.people().filter(groups=view.group_id).exclude(pk__in=declined).values("pk"))
    return list(User.objects.filter(who, is_active=True).order_by("pk"))


def _skipped(times: list[datetime]) -> str:
    first, last = time_text(times[0]), time_text(times[-1])
    skipped = ngettext(
        "The report of %(first)s was skipped: the product was away for more than a day.",
        "The reports from %(first)s to %(last)s were skipped: the product was away for more than a day.",
        len(times),
    )
    return skipped % {"first": first, "last": last}


def _ask_for_all(schedule: ReportSchedule, due: datetime) -> Iterable[str]:
    """Ask for the report of each reader. Yields what the owner should know, in sentences."""
    asked, reasons = 0, dict[str, None]()
    for reader in readers_of(schedule):
        try:
            with in_language_of(reader):
                asked += ask_for(schedule, reader, due=due)
        except NotOpened as reason:
            is_owner = reader.pk == schedule.view.owner_id
            reasons[str(reason) if is_owner else gettext(OTHERS)] = None
    told = ngettext("%(time)s: asked for %(count)s report.", "%(time)s: asked for %(count)s reports.", asked)
    yield told % {"time": time_text(due), "count": asked}
    yield from reasons


def ask_for(schedule: ReportSchedule, reader: User, *, due: datetime) -> bool:
    """Ask for the report of one reader. Returns False for one who may not see the list. Raises NotOpened."""
    try:
        listing = open_view(schedule.view, reader, today=timezone.localdate(due))
    except (PermissionDenied, Http404):
        return False
    listing.check_export()
    if listing.errors:
        # A list without one of its filters would have rows that nobody asked for.
        raise NotOpened(f"{gettext(NOT_MADE)} {' '.join(listing.errors)}")
    try:
        job = request_report(report_of(listing), format=Format(schedule.format), by=reader)
    except NotMade as reason:
        raise NotOpened(str(reason)) from None
    ScheduledReport.objects.get_or_create(job=job, defaults={"schedule": schedule, "due_at": due})
    record(reader, "scheduled_report.ran", schedule, report=job.pk, due=time_text(due))
    transaction.on_commit(partial(call_worker, tasks.make, job.pk))
    return True
