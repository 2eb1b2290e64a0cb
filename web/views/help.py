"""Help: one page for each tool, and the keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SignedInRequest, check_tool_right
from accounts.models import User
from accounts.services import turn_single_keys
from accounts.tools import Tool
from messenger_logs.status_labels import REACH
from web.help import HELP, help_url, is_own, rights_in_words, tool_of
from web.menu import page_url, tools_of


@login_required
@require_safe
def help_index(request: SignedInRequest) -> HttpResponse:
    """List the help of the tools that the user may open."""
    tools = [(tool, help_url(tool)) for tool, _ in tools_of(request.user)]
    return render(request, "web/help/index.html", {"title": _("Help"), "tools": tools, "people": REACH.values()})


@require_safe
def tool_help(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the help of one tool to a user who may open it."""
    tool = tool_of(slug)
    if tool is None:
        raise Http404
    refused = check_tool_right(request, tool, tool.opened_by)
    return refused or render(request, HELP[tool].template_name, help_context(request.user, tool))


def help_context(user: User, tool: Tool) -> dict[str, Any]:
    may, may_not = rights_in_words(user, tool)
    return {
        "title": _("Help: %(tool)s") % {"tool": tool.label},
        "tool": tool,
        "page_url": page_url(tool),
        "own": is_own(tool),
        # Two statuses of one word are one to a reader.
        "statuses": list(dict.fromkeys(HELP[tool].statuses)),
        "may": may,
        "may_not": may_not,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def keys(request: SignedInRequest) -> HttpResponse:
    """Show the keys, and turn those of one letter on or off."""
    if request.method != "POST":
        return render(request, "web/help/keys.html", {"title": _("Keys")})
    on = request.POST.get("single_keys") == "on"
    turn_single_keys(by=request.user, on=on)
    messages.success(request, _("Single keys are on now.") if on else _("Single keys are off now."))
    return redirect("web:keys")
