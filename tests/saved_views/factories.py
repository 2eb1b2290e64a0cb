"""Saved views and schedules with sensible values."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from core.recurrence import Every
from reports.writers import Format
from saved_views.models import ReportSchedule, SavedView


def make_view(owner: User, **fields: Any) -> SavedView:
    now = timezone.now()
    usual = {"listing": "sent_message_log", "name": "Buses", "created_at": now, "changed_at": now}
    return SavedView.objects.create(owner=owner, **(usual | fields))


def make_schedule(view: SavedView, **fields: Any) -> ReportSchedule:
    """A report of every day at 6:00 AM, as CSV."""
    usual = {"format": Format.CSV, "every": Every.DAY, "hour": 6, "created_at": timezone.now()}
    schedule = ReportSchedule(view=view, **(usual | fields))
    schedule.next_at = fields.get("next_at") or schedule.recurrence.next_after(timezone.now())
    schedule.save()
    return schedule
