from __future__ import annotations

from celery import shared_task

from saved_views.services import mails, running


@shared_task
def run_schedules() -> None:
    """Ask for the reports that are due, and send the mails of those that are finished. It may run twice."""
    running.run_schedules()
    mails.send_mails()
