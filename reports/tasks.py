from __future__ import annotations

from celery import shared_task

from core.leased_jobs import work
from reports import services
from reports.models import ReportJob


@shared_task
def make(job_id: int | None = None) -> None:
    """Make the report whose turn it is. `job_id` was just asked for; others may come before it."""
    work.do_and_look_again(make, services.make_report)


@shared_task
def requeue_orphaned() -> None:
    work.queue_orphaned(make, ReportJob)


@shared_task
def delete_expired() -> None:
    services.delete_expired()
