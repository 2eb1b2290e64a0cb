from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.tools import Tool
from dispatch.status import DOUBT_DAYS, mode_statuses
from listings.columns import time_element
from listings.views import is_htmx
from web.tables.dispatch import ModeTable


@require_safe
@tool_right(Tool.MAILGUN_SYNC)
def status(request: SignedInRequest) -> HttpResponse:
    """For those who look after the sync: how the messages of this installation go out. It names no person."""
    now = timezone.now()
    context = {
        "title": "Dispatch Status",
        "menu_path": Tool.MAILGUN_SYNC.menu,
        "as_of": time_element(now, seconds=True),
        "modes": ModeTable(mode_statuses(now)),
        "doubt_days": DOUBT_DAYS,
    }
    response = render(request, "web/_dispatch_state.html" if is_htmx(request) else "web/dispatch_status.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response
