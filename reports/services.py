"""All writes of this app: reports are requested, made, canceled and removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import Scope
from accounts.services import record_audit_event
from core.files import FilesAway, discard, files
from core.languages import language_now
from core.leased_jobs import work
from core.leased_jobs.lease import Lease
from core.replica import from_replica
from core.timeouts import StatementTimeout
from reports.files import TOO_SLOW, NotMade, new_file, write_report
from reports.models import ReportJob
from reports.report import BadOptions, Report, report_kind
from reports.writers import Format

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The time limit for a statement in the background. The first one may have to sort a million rows.
SECONDS = 600
TOO_MANY = _("Too many of your reports are not finished yet. Wait for one of them, or cancel one under My Reports.")
NO_ROOM = _("Your reports have used up the room that one person may have. Remove some under My Reports.")
TOO_LARGE = _(
    "The file would be larger than the room that is left to you. Remove other reports under My Reports, or choose less."
)
NO_LONGER = _("You may not see what this report is of any more, or it is gone.")
FEWER_RIGHTS = _(
    "This file has rows that you may not see (any more): your rights are fewer, or for fewer schools, than those with"
    " which it was made. Make the report again: it will have what you may see now."
)
FAILED = _("Something went wrong here while the report was made. Tell your administrator.")

_REASONS: dict[type[Exception], StrOrPromise] = {
    Http404: NO_LONGER,
    PermissionDenied: NO_LONGER,
    NotMade: "",
    FilesAway: "",
    BadOptions: "",
    StatementTimeout: TOO_SLOW,
}


def request_report(report: Report, *, format: Format, by: User) -> ReportJob:
    """Queue a report for the background. If the same report is unfinished, return its job instead of a new one.

    Raises NotMade if this person has as many reports, or as many bytes of them, as one person may have.
    """
    now = timezone.now()
    with work.jobs_of(ReportJob, by) as own:
        unfinished = own.unfinished()
        same: ReportJob | None = unfinished.same(
            kind=report.kind, options=report.options, format=format, language=language_now()
        ).first()
        if same:
            return same
        if unfinished.count() >= settings.REPORT_UNFINISHED_EACH:
            raise NotMade(TOO_MANY)
        if own.kept_bytes() >= _most_bytes():
            raise NotMade(NO_ROOM)
        job = ReportJob.objects.create(
            owner=by,
            kind=report.kind,
            options=report.options,
            format=format,
            title=report.title,
            criteria="; ".join(f"{label}: {value}" for label, value in report.criteria),
            asked_at=now,
            expires_at=now + timedelta(days=settings.REPORT_DAYS),
        )
        report.record_request(by=by, format=format, rows=None)
    return job


def _most_bytes() -> int:
    return int(settings.REPORT_MEGABYTES_EACH) * 2**20


def make_report(*, job_id: int | None = None) -> bool:
    """Make the report whose turn it is, or this one alone. Returns False if there was none to make."""
    return work.do_next(ReportJob, _make, job_id=job_id, reasons=_REASONS, failed=FAILED)


def _make(job: ReportJob, lease: Lease) -> None:
    rows, report = from_replica(partial(_write, job, lease), shows=job.asked_at)
    _finish(job, rows, report)


def _write(job: ReportJob, lease: Lease) -> tuple[int, Report]:
    """Write the file of a report. Returns its number of rows, and the report as its owner may see it now."""
    report = report_kind(job.kind).open(job.owner, job.options)
    room = _most_bytes() - ReportJob.objects.of(job.owner).kept_bytes()
    with new_file(job.stored_name) as file:

        def progress(rows: int) -> None:
            lease.progress(rows)
            if file.tell() > room:
                raise NotMade(TOO_LARGE)

        lease.total = report.count()
        rows = write_report(report, Format(job.format), file, seconds=SECONDS, progress=progress)
        progress(rows)
    return rows, report


def _finish(job: ReportJob, rows: int, report: Report) -> None:
    size = files().size(job.stored_name)
    with work.jobs_of(ReportJob, job.owner) as own:
        # Another report of the same person may have taken the room meanwhile.
        fits = own.kept_bytes() + size <= _most_bytes()
        done = fits and work.finish(
            job,
            rows=rows,
            size=size,
            permissions=report.permissions,
            schools=report.scope.stored,
            expires_at=timezone.now() + timedelta(days=settings.REPORT_DAYS),
        )
    if not done:
        # If another attempt took over, that one's file is the report.
        files().remove(job.stored_name)
    if not fits:
        raise NotMade(TOO_LARGE)


class NotReadable(Exception):
    """The file of a report is not for this person (any more), or it is not there."""


def still_allowed(job: ReportJob, user: User) -> Report:
    """Open the report of a job. Raises PermissionDenied or Http404 if the user may not see it (any more)."""
    kind, is_own = report_kind(job.kind), job.owner_id == user.pk
    if is_own and not user.has_perms(job.permissions):
        # The file keeps the rows of the rights that the user had; the report opens with those of now.
        raise PermissionDenied(FEWER_RIGHTS)
    try:
        report = (kind.open if is_own else kind.open_shared)(user, job.options)
    except BadOptions as reason:
        # The message has changed (it may run again), so the report is not true any more.
        raise PermissionDenied(str(reason)) from None
    if not report.scope.covers(Scope.of(job.schools)):
        raise PermissionDenied(FEWER_RIGHTS)
    return report


def open_file(job: ReportJob, user: User) -> tuple[str, BinaryIO]:
    """Return the name and the open file of a report. Raises NotReadable if the user may not see it (any more)."""
    try:
        report = still_allowed(job, user)
        return f"{report.file_name}.{job.format}", files().reading(job.stored_name)
    except (Http404, PermissionDenied, FileNotFoundError, FilesAway) as reason:
        raise NotReadable from reason


def record_use(job: ReportJob, *, by: User, action: str) -> None:
    """Record what somebody did with a report. The trail has its kind and its message: its title may name a person."""
    about = {"report": job.pk, "kind": job.kind, "message": job.message_id, "list": job.options.get("listing")}
    details = {name: value for name, value in about.items() if value}
    record_audit_event(by=by, action=action, target=f"Report {job.pk}", details=details)


def cancel(*, job: ReportJob, by: User) -> bool:
    """Cancel an unfinished report. Returns False if it had finished, or somebody else had canceled it."""
    with transaction.atomic():
        canceled = work.cancel(job)
        if canceled:
            record_use(job, by=by, action="report.canceled")
    return canceled


def remove(*, job: ReportJob, by: User) -> None:
    """Remove a finished report with its file."""
    finished = ReportJob.objects.exclude(status__in=ReportJob.UNFINISHED).filter(pk=job.pk)
    with transaction.atomic():
        if finished.delete()[0]:
            record_use(job, by=by, action="report.removed")
            transaction.on_commit(partial(discard, job.stored_name))


def delete_expired(*, now: datetime | None = None) -> int:
    """Remove expired reports, and files without a report. Returns the number of removed reports."""
    now = now or timezone.now()
    expired = list(ReportJob.objects.expired(now))
    ReportJob.objects.filter(pk__in=[job.pk for job in expired]).expired(now).delete()
    known = {job.stored_name for job in ReportJob.objects.exclude(claim=None)}
    gone = {job.stored_name for job in expired}
    work.remove_leftovers("", keep=known, gone=gone, now=now)
    return len(expired)
