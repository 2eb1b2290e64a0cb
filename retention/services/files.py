"""Files that have people in them: made reports and uploaded files."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from core.files import files
from imports.models import ImportJob
from reports.models import ReportJob


def remove_old(*, before: datetime) -> int:
    """Remove finished reports and imports that are older than this, with their files. Returns how many."""
    return sum(remove_jobs(jobs.filter(asked_at__lt=before)) for jobs in finished())


def finished() -> tuple[QuerySet[ReportJob], QuerySet[ImportJob]]:
    reports = ReportJob.objects.exclude(status__in=ReportJob.UNFINISHED)
    return reports, ImportJob.objects.exclude(status__in=ImportJob.UNFINISHED)


def remove_jobs(jobs: QuerySet[ReportJob] | QuerySet[ImportJob]) -> int:
    """Remove these jobs with their files. Returns how many."""
    chosen: list[ReportJob | ImportJob] = list(jobs)
    for job in chosen:
        # The file first: if this process dies now, the next run finds the job.
        files().remove(job.stored_name)
        type(job).objects.filter(pk=job.pk).delete()
    return len(chosen)
