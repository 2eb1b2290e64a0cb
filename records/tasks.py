from __future__ import annotations

from celery import shared_task

from core.leased_jobs import work
from records import services
from records.models import RecordsRequest


@shared_task
def make(job_id: int | None = None) -> None:
    """Make the file of the request whose turn it is. `job_id` was just asked for; others may come before it."""
    work.do_and_look_again(make, services.make_records)


@shared_task
def requeue_orphaned() -> None:
    work.queue_orphaned(make, RecordsRequest)


@shared_task
def delete_expired() -> None:
    services.delete_expired()
