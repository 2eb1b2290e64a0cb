"""The Messenger home page: the user's tools, the upcoming messages, and the figures of the last days."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest
from accounts.models import User
from accounts.tools import MESSAGE_LOGS, Right, Tool
from messenger_logs.dashboard import dashboard
from messenger_logs.models import SentMessage
from web.menu import tools_of
from web.outcome_bars import emails_bar

SHOWN_UPCOMING = 5


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    user = request.user
    tools = tools_of(user)
    last_days = dashboard(SentMessage.objects.in_logs_of(user)) if any(map(user.may, MESSAGE_LOGS)) else None
    context = {
        "title": "Home",
        "tools": tools,
        "askable": [] if tools else User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE))[:5],
        "upcoming": upcoming_card(user) if user.may(Tool.UPCOMING_MESSAGES) else None,
        "last_days": last_days,
        "emails_bar": emails_bar(last_days.emails) if last_days else None,
    }
    return render(request, "web/home.html", context)


def upcoming_card(user: User) -> dict[str, Any]:
    """Return the next messages that begin, and the last ones that have begun."""
    messages = SentMessage.objects.visible_to(user, Tool.UPCOMING_MESSAGES).defer("bodies", "criteria", "attachments")
    in_order = messages.order_by("scheduled_at", "pk")
    return {
        "tabs": [
            ("Scheduled", "", in_order.scheduled()[:SHOWN_UPCOMING]),
            ("In Progress", "in_progress", in_order.running().reverse()[:SHOWN_UPCOMING]),
        ],
        "all": user.may(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL),
    }
