"""Mark a message as a drill. `as_view(tool=…)` names the tool of reach whose right W it takes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.drills import mark_drill
from web.menu import page_url
from web.message_urls import drill_url

REACH_TOOLS = (Tool.ADMIN_REACH, Tool.REACH)


@method_decorator(require_POST, name="dispatch")
class MarkDrill(ToolRightMixin, View):
    """Mark a message as a drill, or (with `drill` empty) take the mark away."""

    request: SignedInRequest
    # An argument of as_view().
    tool = Tool.REACH
    right = Right.WRITE

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        message = get_object_or_404(SentMessage.objects.markable_by(self.request.user, self.tool), pk=pk)
        drill = bool(request.POST.get("drill"))
        mark_drill(message, drill=drill, by=self.request.user)
        subject = message.display_subject
        if not drill:
            messages.success(request, _("“%(subject)s” is no drill any more.") % {"subject": subject})
            return redirect(page_url(self.tool))
        done = _("“%(subject)s” is a drill now. Here it is beside the drill before it.")
        messages.success(request, done % {"subject": subject})
        return redirect(drill_url(self.tool, pk))


def mark_url(user: User, message: SentMessage) -> str:
    """Return the address where this user marks this message as a drill; "" without the right."""
    markable = SentMessage.objects.markable_by
    tool = next((tool for tool in REACH_TOOLS if markable(user, tool).filter(pk=message.pk).exists()), None)
    return drill_url(tool, message.pk, "mark") if tool else ""


def compare_url(user: User, message: SentMessage) -> str:
    """Return the address that shows a drill beside the one before; "" if it is no drill, or not shown to the user."""
    shown = SentMessage.objects.shown_drills
    found = (tool for tool in REACH_TOOLS if message.drill and shown(user, tool).filter(pk=message.pk).exists())
    tool = next(found, None)
    return drill_url(tool, message.pk) if tool else ""
