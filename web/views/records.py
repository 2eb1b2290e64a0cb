"""Records Requests: what the district sent to a family, as one file, and who received it."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.tools import Right, Tool
from core.files import files
from core.fragments import page_or_fragment
from core.leased_jobs.line import show_places
from core.queue import call_worker
from core.timeouts import StatementTimeout
from records import services, tasks
from records.models import RecordsRequest
from reports.files import TOO_SLOW, NotMade
from web.records_forms import CriteriaForm, ReceiptForm
from web.responses import FILE_POLICY

TOOL = Tool.RECORDS_REQUEST
SHOWN = 100
REMOVED = _("The file is not there any more. Make the request again.")

seen = tool_right(TOOL)
makes = tool_right(TOOL, Right.WRITE)


@require_safe
@seen
def records_requests(request: SignedInRequest) -> HttpResponse:
    """List the requests, the newest first, without the names in them."""
    found = RecordsRequest.objects.visible_to(request.user).select_related("owner").order_by("-asked_at", "-pk")
    context = {
        "title": TOOL.label,
        "menu_path": TOOL.menu.label,
        "requests": found.prefetch_related("receipts")[:SHOWN],
        "may_make": request.user.may(TOOL, Right.WRITE),
    }
    return render(request, "web/records/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@makes
@seen
def new_request(request: SignedInRequest) -> HttpResponse:
    """Show the form; with values, what the request would have; and, once that was seen, make it."""
    form = CriteriaForm(request.POST if request.method == "POST" else None, scope=services.scope_of(request.user))
    found = None
    if form.is_valid():
        try:
            found = services.preview(form.criteria, by=request.user)
            if "make" in request.POST and form.was_seen and not found.error:
                return _made(request, form)
        except (StatementTimeout, NotMade) as reason:
            form.add_error(None, TOO_SLOW if isinstance(reason, StatementTimeout) else str(reason))
    context = {"title": gettext("New records request"), "menu_path": TOOL.path, "form": form, "found": found}
    return render(request, "web/records/new.html", context)


def _made(request: SignedInRequest, form: CriteriaForm) -> HttpResponse:
    made = services.request_records(form.criteria, by=request.user)
    transaction.on_commit(partial(call_worker, tasks.make, made.pk))
    return redirect("web:records_request", pk=made.pk)


@require_safe
@seen
def records_request(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a request: what it is of, its progress, and who received its file. htmx gets only this part."""
    return _page(request, _request(request, pk), ReceiptForm())


def _page(request: SignedInRequest, found: RecordsRequest, form: ReceiptForm, status: int = 200) -> HttpResponse:
    services.record_view(found, by=request.user)
    show_places([found])
    context = {
        "title": str(found),
        "menu_path": TOOL.path,
        "job": found,
        "live": found.unfinished,
        "pairs": found.wanted.pairs(found.scope),
        "receipts": found.receipts.all(),
        "may_hand_over": RecordsRequest.objects.to_hand_over(request.user).filter(pk=found.pk).exists(),
        "form": form,
    }
    page, part = "web/records/request.html", "web/records/_request.html"
    return page_or_fragment(request, page=page, fragment=part, context=context, status=status)


def _request(request: SignedInRequest, pk: int) -> RecordsRequest:
    requests = RecordsRequest.objects.visible_to(request.user).select_related("owner")
    found: RecordsRequest = get_object_or_404(requests, pk=pk)
    return found


def _to_hand_over(request: SignedInRequest, pk: int) -> RecordsRequest:
    requests = RecordsRequest.objects.to_hand_over(request.user).select_related("owner")
    found: RecordsRequest = get_object_or_404(requests, pk=pk)
    return found


@require_POST
@makes
@seen
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    if services.cancel(request=_to_hand_over(request, pk), by=request.user):
        messages.success(request, gettext("The request is canceled. No file is kept."))
    else:
        messages.info(request, gettext("The request was finished already."))
    return redirect("web:records_request", pk=pk)


@require_POST
@makes
@seen
def hand_over(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Record who receives the file, and answer with it. With `only_record`, it was handed over in another way."""
    found = _to_hand_over(request, pk)
    form = ReceiptForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=400)
    try:
        # A file that is open is read to its end, also if it is removed meanwhile.
        file = files().reading(found.stored_name)
    except FileNotFoundError:
        messages.error(request, REMOVED)
        return redirect("web:records_request", pk=pk)
    received_by = form.cleaned_data["received_by"]
    if not services.hand_over(request=found, received_by=received_by, by=request.user):
        file.close()
        messages.error(request, REMOVED)
        return redirect("web:records_request", pk=pk)
    if "only_record" in request.POST:
        file.close()
        messages.success(request, gettext("The page says now who received the file."))
        return redirect("web:records_request", pk=pk)
    response = FileResponse(file, as_attachment=True, filename=found.file_name, content_type="application/zip")
    response.setdefault("Content-Length", str(found.size))
    response["Content-Security-Policy"] = FILE_POLICY
    return response
