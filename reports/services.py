"""All writes of this app: reports are requested, made, canceled and removed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from core.files import UNFINISHED, discard, files
from core.replica import from_replica
from core.timeouts import StatementTimeout
from reports.files import TOO_SLOW, NotMade, new_file, write_report
from reports.lease import Lease, LeaseLost, claim_job
from reports.models import ReportJob
from reports.querysets import ReportJobQuerySet
from reports.report import BadOptions, Report, report_kind
from reports.writers import Format

Status = ReportJob.Status

# The time limit for a statement in the background. The first one may have to sort a million rows.
SECONDS = 600
TOO_MANY = "Too many of your reports are not finished yet. Wait for one of them, or cancel one under My Reports."
NO_ROOM = "Your reports have used up the room that one person may have. Remove some under My Reports."
TOO_LARGE = (
    "The file would be larger than the room that is left to you. Remove other reports under My Reports, or choose less."
)
NO_LONGER = "You may not see what this report is of any more, or it is gone."
FAILED = "Something went wrong here while the report was made. Tell your administrator."

log = logging.getLogger(__name__)


def request_report(report: Report, *, format: Format, by: User) -> ReportJob:
    """Queue a report for the background. If the same report is unfinished, return its job instead of a new one.

    Raises NotMade if this person has as many reports, or as many bytes of them, as one person may have.
    """
    now = timezone.now()
    with _reports_of(by) as own:
        unfinished = own.unfinished()
        if job := unfinished.same(kind=report.kind, options=report.options, format=format).first():
            return job
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
            asked_at=now,
            expires_at=now + timedelta(days=settings.REPORT_DAYS),
        )
        report.record_request(by=by, format=format, rows=None)
    return job


@contextmanager
def _reports_of(user: User) -> Iterator[ReportJobQuerySet]:
    """Open a transaction in which nobody else adds a report of this person, so that a limit on them holds."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        yield ReportJob.objects.of(user)


def _most_bytes() -> int:
    return int(settings.REPORT_MEGABYTES_EACH) * 2**20


def make_report(*, job_id: int) -> None:
    """Make a report, unless it is canceled, finished, or another worker is making it."""
    claim = claim_job(ReportJob.objects.all(), job_id)
    if claim is None:
        return
    job = ReportJob.objects.select_related("owner").get(pk=job_id)
    try:
        with Lease(ReportJob.objects.all(), job_id=job_id, claim=claim) as lease:
            rows, report = from_replica(partial(_write, job, lease), shows=job.asked_at)
    except LeaseLost:
        return
    except (Http404, PermissionDenied):
        _fail(job, NO_LONGER)
    except (NotMade, BadOptions) as reason:
        _fail(job, str(reason))
    except StatementTimeout:
        _fail(job, TOO_SLOW)
    except Exception:
        log.exception("Report %s failed.", job_id)
        _fail(job, FAILED)
    else:
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
    now, size = timezone.now(), files().size(job.stored_name)
    with _reports_of(job.owner) as own:
        fits = own.kept_bytes() + size <= _most_bytes()
        done = fits and ReportJob.objects.held(job.claim).update(
            status=Status.DONE,
            rows_done=rows,
            rows_total=rows,
            size=size,
            permissions=report.permissions,
            schools=report.scope.stored,
            finished_at=now,
            expires_at=now + timedelta(days=settings.REPORT_DAYS),
        )
    if not fits:
        # Another report of the same person was finished meanwhile, and took the room.
        _fail(job, TOO_LARGE)
    if not done:
        # Or it was canceled at the last moment, or another attempt took over; then that one's file is the report.
        files().remove(job.stored_name)


def _fail(job: ReportJob, reason: str) -> None:
    failed = ReportJob.objects.held(job.claim)
    failed.update(status=Status.FAILED, error=reason[:500], finished_at=timezone.now())


def cancel(*, job: ReportJob, by: User) -> bool:
    """Cancel an unfinished report. Returns False if it had finished, or somebody else had canceled it."""
    with transaction.atomic():
        unfinished = ReportJob.objects.unfinished().filter(pk=job.pk)
        canceled = bool(unfinished.update(status=Status.CANCELED, finished_at=timezone.now()))
        if canceled:
            record_audit_event(by=by, action="report.canceled", target=job.title)
    return canceled


def remove(*, job: ReportJob, by: User) -> None:
    """Remove a finished report with its file."""
    finished = ReportJob.objects.exclude(status__in=ReportJob.UNFINISHED).filter(pk=job.pk)
    with transaction.atomic():
        if finished.delete()[0]:
            record_audit_event(by=by, action="report.removed", target=job.title, details={"report": job.pk})
            transaction.on_commit(partial(discard, job.stored_name))


def orphaned(now: datetime | None = None) -> list[int]:
    """Return the ids of reports that no worker is making: their task was lost, or their worker ended."""
    return list(ReportJob.objects.orphaned(now or timezone.now()).values_list("pk", flat=True))


def delete_expired(*, now: datetime | None = None) -> int:
    """Remove expired reports, and files without a report. Returns the number of removed reports."""
    now = now or timezone.now()
    expired = list(ReportJob.objects.expired(now))
    ReportJob.objects.filter(pk__in=[job.pk for job in expired]).expired(now).delete()
    known = {job.stored_name for job in ReportJob.objects.exclude(claim=None)}
    removed = {job.stored_name for job in expired}
    for file in list(files().entries("")):
        name = file.name.removesuffix(UNFINISHED)
        if name in removed or (name not in known and file.modified < now - timedelta(days=1)):
            files().remove(file.name)
    return len(expired)
