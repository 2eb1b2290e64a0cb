from __future__ import annotations

from celery import shared_task

from imports.services import jobs


@shared_task
def run(job_id: int) -> None:
    jobs.run(job_id=job_id)


@shared_task
def requeue_orphaned() -> None:
    """Queue jobs again whose task was lost or whose worker ended. A task ends if its job is being done."""
    for job_id in jobs.orphaned():
        run.delay(job_id)


@shared_task
def delete_expired() -> None:
    jobs.delete_expired()
