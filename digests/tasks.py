from __future__ import annotations

from celery import shared_task

from digests import services


@shared_task
def send_digests() -> None:
    """Send the digests that are due. It may run twice."""
    services.send_digests()
