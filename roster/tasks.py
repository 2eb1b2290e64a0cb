from __future__ import annotations

from celery import shared_task
from django.conf import settings

from core.queue import call_worker
from roster.services import runs

# Reading, twice where the roster changed meanwhile, and taking it over.
LONGEST = 2 * 60 * settings.ROSTER_MINUTES + 1200


@shared_task
def nightly() -> None:
    """Run the configured roster. Where none is configured, nothing happens."""
    if runs.configured_source():
        runs.request_run(by=None, check_only=False)
        call_worker(run_queued)


@shared_task(soft_time_limit=LONGEST, time_limit=LONGEST + 60)
def run_queued() -> None:
    """Do the runs that wait. The schedule finds those whose task was lost."""
    runs.do_queued()


@shared_task
def delete_expired() -> None:
    runs.delete_expired()
