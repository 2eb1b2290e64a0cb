"""Signing in: one's own sessions, the second factor that a group requires, and what Home recommends about it."""

from __future__ import annotations

from functools import partial

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import services
from accounts.access import SignedInRequest, tool_right
from accounts.sessions import device_name, end_sessions, sessions_of
from accounts.tools import Right, Tool
from web.attempts import attempt

BY_HAND = "ended by the person"


@login_required
@require_safe
def my_sessions(request: SignedInRequest) -> HttpResponse:
    """Show where the person is signed in. This session is marked."""
    sessions = [(session, device_name(session)) for session in sessions_of(request.user)]
    here = request.session.session_key
    others = sum(session.session_key != here for session, _ in sessions)
    context = {"title": _("My Sessions"), "sessions": sessions, "here": here, "others": others}
    return render(request, "web/my_sessions.html", context)


@require_POST
@login_required
def end_session(request: SignedInRequest, pk: int) -> HttpResponse:
    """End one of the person's other sessions; signing out ends this one."""
    session = get_object_or_404(others_of(request), pk=pk)
    end_sessions([session], by=request.user, because=BY_HAND)
    messages.success(request, _("The session is ended. On that device somebody has to sign in again."))
    return redirect("web:my_sessions")


@require_POST
@login_required
def end_other_sessions(request: SignedInRequest) -> HttpResponse:
    ended = end_sessions(others_of(request), by=request.user, because=BY_HAND)
    done = _("Ended: %(sessions)s. You are signed in only here now.")
    messages.success(request, done % {"sessions": ended})
    return redirect("web:my_sessions")


def others_of(request: SignedInRequest) -> QuerySet[UserSession]:
    return sessions_of(request.user).exclude(session_key=request.session.session_key)


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def require_second_factor(request: SignedInRequest, pk: int) -> HttpResponse:
    """Require a second factor of the people of a group, or do not any more."""
    group = get_object_or_404(Group, pk=pk)
    required = request.POST.get("required") == "yes"
    change = partial(services.require_second_factor, by=request.user, group_id=pk, required=required)
    requires = _("%(name)s now requires a second factor.")
    requires_none = _("%(name)s requires no second factor any more.")
    attempt(request, change, (requires if required else requires_none) % {"name": group.name})
    return redirect("web:user_group", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def hide_advice(request: SignedInRequest) -> HttpResponse:
    """Do not recommend a second factor on this person's Home any more."""
    services.hide_sign_in_advice(by=request.user)
    return redirect("web:home")
