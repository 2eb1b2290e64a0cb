"""My Reports, and the report of a message."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.models import User
from accounts.tools import Tool
from accounts.view_as import only_looking
from core.files import files
from core.fragments import page_or_fragment
from core.leased_jobs.line import show_places
from messenger_logs.models import SentMessage
from messenger_logs.sight import Sight
from reports import services
from reports.kinds.message import MessageReport
from reports.kinds.sent_message import SentMessageReport
from reports.models import ReportJob
from reports.report import kind_label
from reports.services import still_allowed
from reports.writers import Format
from web.message_access import in_any_log
from web.message_urls import message_url
from web.responses import check_many_rows, file_response, report_response

SHOWN = 100


@method_decorator(require_safe, name="dispatch")
class MessageReportView(ToolRightMixin, View):
    """The page with the choices of a message's report; the report, if the address has choices."""

    request: SignedInRequest
    # Arguments of as_view().
    tool = Tool.SENT_MESSAGE_LOG
    report_class: type[MessageReport] = SentMessageReport

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        message = self.report_class.find(self.request.user, self.tool, pk)
        scope = Sight.of(self.request.user, self.tool).scope_in(message)
        form = self.report_class.form_class(self.choices(), message=message, scope=scope)
        if form.is_valid():
            return report_response(request, self.report(message, form.cleaned_data), form.cleaned_data["format"])
        context = {
            "title": f"{self.report_class.label}: {message.display_subject}",
            "menu_path": f"{self.tool.menu.label} › {self.tool.label}",  # noqa: RUF001
            "form": form,
            "message_url": message_url(self.tool, pk),
        }
        return render(request, "web/reports/options.html", context)

    def choices(self) -> QueryDict | None:
        """Return the choices of the address; None if there are none, to offer them."""
        return self.request.GET or None

    def report(self, message: SentMessage, chosen: dict[str, Any]) -> MessageReport:
        return self.report_class(message, tool=self.tool, user=self.request.user, chosen=chosen)


class OneClickReportView(MessageReportView):
    """The choices of a report that a link gives at once: if the address names a format, all others may be left out."""

    def choices(self) -> QueryDict | None:
        return self.request.GET if "format" in self.request.GET else None


# My Reports


@login_required
@require_safe
def my_reports(request: SignedInRequest) -> HttpResponse:
    """Show the user's own reports that were made in the background. htmx gets only the list."""
    found = list(ReportJob.objects.of(request.user)[: SHOWN + 1])
    jobs = with_titles(found[:SHOWN], request.user)
    show_places(jobs)
    context = {
        "title": _("My Reports"),
        "jobs": jobs,
        "live": any(job.unfinished for job in jobs),
        "wait": any(job.place for job in jobs),
        "at_once": settings.REPORTS_AT_ONCE,
        "url": request.path,
        "cut": len(found) > SHOWN,
    }
    return page_or_fragment(
        request, page="web/reports/my_reports.html", fragment="web/reports/_jobs.html", context=context
    )


@login_required
@require_safe
def job(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show one report: its progress, and its file when it is ready."""
    [found] = with_titles([readable(request, pk)], request.user)
    show_places([found])
    is_own = found.owner_id == request.user.pk
    context = {"title": found.shown_title, "job": found, "live": found.unfinished, "is_own": is_own}
    return page_or_fragment(request, page="web/reports/job.html", fragment="web/reports/_job.html", context=context)


@login_required
@require_safe
def file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Answer with the file, if the user may still see the contents of the report."""
    only_looking(request.user)
    found = readable(request, pk)
    if not found.ready:
        raise Http404(_("The report is not there."))
    report = still_allowed(found, request.user)
    check_many_rows(request, found.rows_total)
    try:
        content = files().reading(found.stored_name)
    except FileNotFoundError:
        raise Http404(_("The file of the report is not there any more.")) from None
    services.record_use(found, by=request.user, action="report.downloaded")
    return file_response(content, name=report.file_name, format=Format(found.format), size=found.size)


@require_POST
@login_required
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    if services.cancel(job=own(request, pk), by=request.user):
        messages.success(request, _("The report is canceled. No file is kept."))
    else:
        messages.info(request, _("The report was finished already."))
    return redirect("web:report_job", pk=pk)


@require_POST
@login_required
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    services.remove(job=own(request, pk), by=request.user)
    return redirect("web:my_reports")


def with_titles(jobs: list[ReportJob], user: User) -> list[Any]:
    """Give each job its `shown_title` and `shown_criteria`, which tell it from others.

    If no log shows the user its message any more, the kind of report is all of it: the title has the message's subject.
    """
    about = {job.pk: job.message_id for job in jobs}
    seen = {None, *in_any_log(user).filter(pk__in=filter(None, about.values())).values_list("pk", flat=True)}
    listed: list[Any] = list(jobs)
    for job in listed:
        visible = about[job.pk] in seen
        job.shown_title = job.title if visible else kind_label(job.kind)
        job.shown_criteria = job.criteria if visible else ""
    return listed


def own(request: SignedInRequest, pk: int) -> ReportJob:
    found: ReportJob = get_object_or_404(ReportJob.objects.of(request.user).select_related("owner"), pk=pk)
    return found


def readable(request: SignedInRequest, pk: int) -> ReportJob:
    """Return the user's own report, or another user's report of a message that this user may see, too."""
    found: ReportJob = get_object_or_404(ReportJob.objects.select_related("owner"), pk=pk)
    if found.owner_id != request.user.pk:
        still_allowed(found, request.user)
    return found
