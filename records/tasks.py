from __future__ import annotations

from celery import shared_task

from core.queue import call_worker
from records import services


@shared_task
def make(job_id: int) -> None:
    services.make_records(job_id=job_id)


@shared_task
def requeue_orphaned() -> None:
    """Queue requests again whose task was lost or whose worker ended. A task ends if its file is being made."""
    for job_id in services.orphaned():
        call_worker(make, job_id)


@shared_task
def delete_expired() -> None:
    services.delete_expired()
