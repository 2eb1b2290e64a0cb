"""The Messenger home page: the user's tools, the upcoming messages, and the figures of the last days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest
from accounts.models import HiddenAdvice, User
from accounts.querysets import second_factor_anywhere
from accounts.sso.providers import configured
from accounts.tools import MESSAGE_LOGS, Right, Tool
from listings.registry import registry
from messenger_logs.choices import CANCELABLE
from messenger_logs.dashboard import Dashboard, dashboard_of
from messenger_logs.models import SentMessage
from messenger_logs.reach import People, people_of_many
from messenger_logs.sight import Sight
from providers import mailgun
from web.menu import tools_of
from web.message_urls import message_logs, message_url
from web.outcome_bars import emails_bar

SHOWN_UPCOMING = 5


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    user = request.user
    tools = tools_of(user)
    last_days = dashboard_of(user) if any(map(user.may, MESSAGE_LOGS)) else None
    context = {
        "title": "Home",
        "tools": tools,
        "askable": [] if tools else User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE))[:5],
        "upcoming": upcoming_card(user) if user.may(Tool.UPCOMING_MESSAGES) else None,
        "last_days": last_days,
        **(links_of(user, last_days) if last_days else {}),
        "emergency": last_emergency(user),
        "sign_in_advice": needs_sign_in_advice(user),
    }
    return render(request, "web/home.html", context)


def needs_sign_in_advice(user: User) -> bool:
    """Whether to recommend a second factor to who may require one: no group does, and no provider signs people in."""
    if not user.may(Tool.USER_GROUPS, Right.WRITE) or HiddenAdvice.objects.filter(user=user).exists():
        return False
    return not (configured() or second_factor_anywhere())


def links_of(user: User, last_days: Dashboard) -> dict[str, Any]:
    """Return the e-mails of the last days, and where this user reads more about them and about the people."""
    first, last = last_days.days[0].isoformat(), last_days.days[-1].isoformat()
    reasons = ("admin_mailgun_message_log_groups", "mailgun_message_log_groups") if mailgun.is_configured() else ()
    return {
        "emails_bar": emails_bar(last_days.emails),
        "reach_url": first_url(user, ("admin_reach", "reach"), sent_from=first, sent_to=last),
        "reasons_url": first_url(user, reasons, created_from=first, created_to=last),
    }


def first_url(user: User, names: Iterable[str], **filters: str) -> str:
    """Return the address of the first of these lists that the user may open, filtered; "" if there is none."""
    entry = next((entry for entry in map(registry.__getitem__, names) if user.may(entry.tool)), None)
    return f"{entry.url()}?{urlencode(filters)}" if entry else ""


def last_emergency(user: User) -> dict[str, Any] | None:
    """Return the last emergency of the logs of a user, and the people whom it reached; None if there was none."""
    message = SentMessage.objects.in_logs_of(user).emergencies().begun().order_by("-scheduled_at", "-pk").first()
    tool = message_logs(user, [message.pk]).get(message.pk) if message else None
    if message is None or tool is None:
        return None
    scope = Sight.of(user, tool).scope_in(message)
    return {
        "message": message,
        "under_way": message.status in CANCELABLE,
        "people": people_of_many([message.pk], scope).get(message.pk, People()),
        "url": message_url(tool, message.pk),
        "unreached_url": message_url(tool, message.pk, "unreached"),
    }


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
