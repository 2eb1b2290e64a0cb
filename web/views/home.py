"""The Messenger home page: what goes out now, what needs somebody, and the last 14 days."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest, signed_in
from accounts.models import HiddenAdvice, User
from accounts.querysets import second_factor_anywhere
from accounts.sso.providers import configured
from accounts.tools import MESSAGE_LOGS, Right, Tool
from core.fragments import is_htmx, page_or_fragment
from listings.columns import time_element
from messenger_logs.dashboard import dashboard_of
from web.going_out import going_out
from web.last_days import last_days_context
from web.menu import tools_of
from web.message_access import MESSAGE_TOOLS
from web.needs import needs_of


@signed_in
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Show what there is to decide. To htmx, the part that changes: the last days stay as they are."""
    user = request.user
    context = {
        "title": _("Home"),
        "going": going_out(user) if any(map(user.may, MESSAGE_TOOLS)) else None,
        "needs": needs_of(user),
        "as_of": time_element(timezone.now(), seconds=True),
    }
    if not is_htmx(request):
        context |= rest_of(user)
    return page_or_fragment(request, page="web/home.html", fragment="web/_home_now.html", context=context)


def rest_of(user: User) -> dict[str, Any]:
    """Return what is shown once."""
    may_open = bool(tools_of(user))
    return {
        "may_open": may_open,
        "askable": [] if may_open else User.objects.with_perm(Tool.USER_GROUPS.permission(Right.WRITE))[:5],
        "sign_in_advice": needs_sign_in_advice(user),
        **(last_days_context(user, dashboard_of(user)) if any(map(user.may, MESSAGE_LOGS)) else {}),
    }


def needs_sign_in_advice(user: User) -> bool:
    """Whether to recommend a second factor to who may require one: no group does, and no provider signs people in."""
    if not user.may(Tool.USER_GROUPS, Right.WRITE) or HiddenAdvice.objects.filter(user=user).exists():
        return False
    return not (configured() or second_factor_anywhere())
