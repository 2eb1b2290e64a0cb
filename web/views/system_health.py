"""System Health: whether everything works, the last 24 hours, and how messages go out and Mailgun's events come in."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.tools import Tool
from core.fragments import is_htmx, page_or_fragment
from core.troubles import Trouble
from dispatch.status import mode_statuses
from listings.columns import time_element
from providers import mailgun
from web.health_verdict import WORKS, status_of, troubles_for
from web.last_day import last_day
from web.views.dispatch_status import dispatch_context
from web.views.sync_status import quarantine_context, record_look_at_events, sync_context

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
        "menu_path": Tool.MAILGUN_SYNC.menu.label,
        "as_of": time_element(now, seconds=True),
        "works": WORKS,
        "troubles": [(trouble, status_of(trouble)) for trouble in troubles],
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


def _open_parts(request: SignedInRequest, troubles: list[Trouble]) -> set[str]:
    """Return the parts that are unfolded: those with a trouble, and the one that the address names."""
    ill = {part for part, keys in _PARTS.items() if any(one.key.startswith(keys) for one in troubles)}
    return ill | {request.GET.get("part", "")}
