"""Scheduled Reports: those of everybody, for an administrator. The names of the views are their owners' alone."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.tools import Right, Tool
from saved_views.models import ReportSchedule
from saved_views.services import schedules
from saved_views.services.views import list_title
from web.views.saved_views import tried

TOOL = Tool.SCHEDULED_REPORTS
SHOWN = 500
# The row keeps it in English; the page translates it.
ENDED = gettext_noop("An administrator ended it.")


@require_safe
@tool_right(TOOL)
def scheduled_reports(request: SignedInRequest) -> HttpResponse:
    """Show the schedules of everybody, the newest first."""
    found = list(ReportSchedule.objects.select_related("view__owner", "view__group").order_by("-pk")[: SHOWN + 1])
    context = {
        "title": TOOL.label,
        "menu_path": TOOL.menu.label,
        "schedules": [(schedule, list_title(schedule.view.listing)) for schedule in found[:SHOWN]],
        "cut": len(found) > SHOWN,
        "may_change": request.user.may(TOOL, Right.WRITE),
        "attachments": settings.REPORT_ATTACHMENTS,
        "megabytes": settings.REPORT_ATTACHMENT_MEGABYTES,
    }
    return render(request, "web/saved_views/scheduled_reports.html", context)


@require_POST
@tool_right(TOOL, Right.WRITE)
def attachments(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the reports of a schedule go out as attachments, or only as links."""
    get_object_or_404(ReportSchedule, pk=pk)
    allowed = request.POST.get("allowed") == "yes"
    done = _("Its reports go out as attachments.") if allowed else _("Its reports go out as links.")
    change = partial(schedules.allow_attachments, schedule_id=pk, allowed=allowed, by=request.user)
    tried(request, change, done)
    return redirect("web:scheduled_reports")


@require_POST
@tool_right(TOOL, Right.WRITE)
def end(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(ReportSchedule, pk=pk)
    if schedules.end_schedule(schedule_id=pk, because=ENDED, by=request.user):
        messages.success(request, _("The scheduled report is ended."))
    else:
        messages.info(request, _("The scheduled report had ended before."))
    return redirect("web:scheduled_reports")
