"""System Health: whether everything works, the last 24 hours, and how messages go out and Mailgun's events come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.models import User
from accounts.tools import Tool
from core.fragments import is_htmx, page_or_fragment
from core.statuses import Shape, Status, Tone
from core.troubles import Trouble
from dispatch.status import ModeStatus, mode_statuses
from health.services.figures import HAND_OVERS, by_hour
from health.troubles import all_troubles
from listings.columns import time_element
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import Mode
from messenger_logs.dashboard import Series
from providers import mailgun
from web.views.dispatch_status import dispatch_context
from web.views.sync_status import quarantine_context, record_look_at_events, sync_context

WORKS = Status("Everything works.", Shape.CHECK, Tone.GOOD)
URGENT = Status("Does not work", Shape.CROSS, Tone.BAD)
NOT_URGENT = Status("Needs a look", Shape.TRIANGLE, Tone.WARNING)
HOURS = 24
# They count devices and messages of the whole district: with the tool for some schools, the states alone are shown.
_WITH_FIGURES = ("messages.", "dispatch.in_doubt.", "jobs.")
# Which part of the page has the details of a trouble, by the beginning of its key.
_PARTS = {"sending": ("dispatch.", "health."), "events": ("sync.",)}


@require_safe
@tool_right(Tool.MAILGUN_SYNC)
def system_health(request: SignedInRequest) -> HttpResponse:
    """Show what does not work, since when, and what to do; then the details. To htmx, the parts that change."""
    now, whole = timezone.now(), not is_htmx(request)
    statuses = mode_statuses(now)
    troubles = troubles_for(request.user, now, statuses)
    context = {
        "title": Tool.MAILGUN_SYNC.label,
        "menu_path": Tool.MAILGUN_SYNC.menu,
        "as_of": time_element(now, seconds=True),
        "works": WORKS,
        "troubles": [(trouble, URGENT if trouble.urgent else NOT_URGENT) for trouble in troubles],
        "open_parts": _open_parts(request, troubles),
        "has_mailgun": mailgun.is_configured(),
        **dispatch_context(request.user, statuses),
    }
    if mailgun.is_configured():
        context |= sync_context(request, now)
        if whole:
            context |= quarantine_context(request)
            record_look_at_events(request, context)
    if whole and request.user.scope_of(Tool.MAILGUN_SYNC).everything:
        context["last_day"] = last_day(now)
    return page_or_fragment(request, page="web/system_health.html", fragment="web/_health_state.html", context=context)


@require_safe
@tool_right(Tool.MAILGUN_SYNC)
def moved_here(request: SignedInRequest, part: str) -> HttpResponse:
    """Lead from the address of an earlier page to what is its part of this one."""
    return redirect(f"{reverse('web:system_health')}?part={part}#{part}", permanent=True)


def troubles_for(user: User, now: datetime, statuses: list[ModeStatus]) -> list[Trouble]:
    """Return the troubles that the page shows to a user, the urgent first."""
    everything = user.scope_of(Tool.MAILGUN_SYNC).everything
    return [one for one in all_troubles(now, statuses) if everything or not one.key.startswith(_WITH_FIGURES)]


def _open_parts(request: SignedInRequest, troubles: list[Trouble]) -> set[str]:
    """Return the parts that are unfolded: those with a trouble, and the one that the address names."""
    ill = {part for part, keys in _PARTS.items() if any(one.key.startswith(keys) for one in troubles)}
    return ill | {request.GET.get("part", "")}


@dataclass(frozen=True)
class LastDay:
    """The last hours, each figure with its own scale."""

    hours: list[datetime]
    modes: list[Series]
    events: Series | None

    @property
    def series(self) -> list[Series]:
        return [*self.modes, *([self.events] if self.events else [])]

    @property
    def rows(self) -> list[tuple[datetime, list[int]]]:
        """The figures of each hour, the newest first."""
        return [(hour, [series.counts[hour] for series in self.series]) for hour in reversed(self.hours)]


def last_day(now: datetime) -> LastDay:
    """Return what was handed over by mode, and what events occurred, by hour, with two queries."""
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    handed = by_hour(HAND_OVERS, since=hours[0])
    modes = [
        Series(mode.value, mode.label, {hour: handed.get((hour, mode.value), 0) for hour in hours}) for mode in Mode
    ]
    return LastDay(hours, modes, _events(hours) if mailgun.is_configured() else None)


def _events(hours: list[datetime]) -> Series:
    recent = MailgunEvent.objects.filter(occurred_at__gte=hours[0]).order_by()
    by_hour = recent.annotate(hour=TruncHour("occurred_at", tzinfo=UTC)).values_list("hour").annotate(Count("pk"))
    found = dict(by_hour)
    return Series("events", "Mailgun events", {hour: found.get(hour, 0) for hour in hours})
