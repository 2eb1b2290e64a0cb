from __future__ import annotations

from celery import shared_task

from core.leased_jobs import work
from imports.models import ImportJob
from imports.services import jobs


@shared_task
def run(job_id: int | None = None) -> None:
    """Check or import the file whose turn it is. `job_id` was just asked for; others may come before it."""
    work.do_and_look_again(run, jobs.run)


@shared_task
def requeue_orphaned() -> None:
    work.queue_orphaned(run, ImportJob)


@shared_task
def delete_expired() -> None:
    jobs.delete_expired()
