from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from health.services import figures


@shared_task
def put_figures_together() -> None:
    """Make few rows of the figures that many processes wrote."""
    figures.put_together(timezone.now())
