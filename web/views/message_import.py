"""Message Import: a person uploads a CSV file, sees what would come of it, and has it imported."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.services import record_look
from accounts.tools import Right, Tool
from core.files import files
from core.fragments import page_or_fragment
from core.leased_jobs.line import show_places
from core.queue import call_worker
from imports import tasks
from imports.models import ImportJob, KeptMap, map_named
from imports.services import jobs
from imports.services.importing import MOST_REFUSALS
from imports.services.maps import BadMap, all_maps, delete_map, save_map
from imports.table import UnreadableFile, guess_headers
from reports.files import NotMade
from web.import_forms import MapChoiceForm, MapForm, UploadForm

TOOL = Tool.MESSAGE_IMPORT
SHOWN = 50
MESSAGE_COLUMNS = [
    _("Message id"),
    _("Subject"),
    _("Message Type"),
    _("Sender"),
    _("Date Created"),
    _("Delivery Modes"),
    _("Rows"),
]
DEVICE_COLUMNS = [
    _("Recipient"),
    _("Student"),
    _("Delivery Mode"),
    _("Device"),
    _("Status"),
    _("Status Detail"),
    _("Time"),
]
FIGURES = [
    ("rows", _("Rows")),
    ("new", _("New messages")),
    ("here", _("Messages here before")),
    ("refused", _("Messages refused")),
    ("recipients", _("Recipients")),
    ("deliveries", _("Devices")),
    ("unusable", _("Addresses or numbers that cannot be used")),
]

guarded = tool_right(TOOL, Right.WRITE)


@require_safe
@guarded
def message_import(request: SignedInRequest) -> HttpResponse:
    """Show the form for a file, the own files, and the kept maps. htmx gets only the list of files."""
    return _page(request, UploadForm(maps=all_maps()))


def _page(request: SignedInRequest, form: UploadForm, status: int | None = None) -> HttpResponse:
    found = list(ImportJob.objects.of(request.user)[:SHOWN])
    show_places(found)
    context = {
        "title": TOOL.label,
        "menu_path": TOOL.menu.label,
        "form": form,
        "jobs": found,
        "live": any(job.unfinished for job in found),
        "kept_maps": KeptMap.objects.all(),
    }
    return page_or_fragment(
        request, page="web/imports/page.html", fragment="web/imports/_jobs.html", context=context, status=status
    )


@require_POST
@guarded
def upload(request: SignedInRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES, maps=all_maps())
    if not form.is_valid():
        return _page(request, form, status=400)
    file, map_name = form.cleaned_data["file"], form.cleaned_data["map"]
    try:
        job = jobs.upload(chunks=file.chunks(), name=file.name, map_name=map_name, values=form.values, by=request.user)
    except (jobs.Refused, NotMade) as reason:
        messages.error(request, str(reason))
        return redirect("web:message_import")
    if not map_name:
        return redirect("web:import_map", pk=job.pk)
    return _begun(job)


def _begun(job: ImportJob) -> HttpResponse:
    """Let a worker do the job. If the queue does not answer, the schedule starts it later."""
    transaction.on_commit(partial(call_worker, tasks.run, job.pk))
    return redirect("web:import_job", pk=job.pk)


@require_safe
@guarded
def import_job(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a file: its progress, what would come of it, or what came of it. htmx gets only this part."""
    job = _own(request, pk)
    show_places([job])
    result = job.result if job.checked or job.imported else {}
    if result.get("devices"):
        record_look(by=request.user, action="import.viewed", target=job.recorded_name, details={"import": job.pk})
    context = {
        "title": job.file_name,
        "menu_path": TOOL.menu.label,
        "job": job,
        "live": job.unfinished,
        "map": map_named(job.map_name),
        "figures": [(label, result[name]) for name, label in FIGURES] if result else [],
        "result": result,
        "message_columns": MESSAGE_COLUMNS,
        "device_columns": DEVICE_COLUMNS,
        "most_refusals": MOST_REFUSALS,
        "form": MapChoiceForm(maps=all_maps(), values=job.values, initial={"map": job.map_name}),
    }
    return page_or_fragment(request, page="web/imports/job.html", fragment="web/imports/_job.html", context=context)


def _own(request: SignedInRequest, pk: int) -> ImportJob:
    found: ImportJob = get_object_or_404(ImportJob.objects.of(request.user).select_related("owner"), pk=pk)
    return found


@require_POST
@guarded
def check(request: SignedInRequest, pk: int) -> HttpResponse:
    """Check a file again, with another map or other values."""
    job = _own(request, pk)
    form = MapChoiceForm(request.POST, maps=all_maps())
    if not form.is_valid():
        for name, errors in form.errors.items():
            messages.error(request, f"{form.fields[name].label}: {' '.join(map(str, errors))}")
        return redirect("web:import_job", pk=pk)
    if not form.cleaned_data["map"]:
        return redirect("web:import_map", pk=pk)
    return _checked_again(request, job, form.cleaned_data["map"], form.values)


def _checked_again(request: SignedInRequest, job: ImportJob, map_name: str, values: dict[str, str]) -> HttpResponse:
    if jobs.check_again(job=job, map_name=map_name, values=values, by=request.user):
        return _begun(job)
    messages.info(request, gettext("The file is being read, or was imported already."))
    return redirect("web:import_job", pk=job.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded
def import_map(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say which column of a file is which field; the answer is kept by name, and the file is checked with it."""
    job = _own(request, pk)
    try:
        with files().local(job.stored_name) as path:
            headings = guess_headers(path)
    except (UnreadableFile, FileNotFoundError) as reason:
        messages.error(request, str(reason) if isinstance(reason, UnreadableFile) else jobs.NO_FILE)
        return redirect("web:import_job", pk=pk)
    form = MapForm(request.POST or None, headings=headings, given=job.values, known=map_named(job.map_name))
    if form.is_valid() and (kept := _kept(request, form)):
        return _checked_again(request, job, kept.name, job.values)
    context = {"title": gettext("Column map"), "menu_path": TOOL.menu.label, "form": form, "job": job}
    return render(request, "web/imports/map.html", context)


def _kept(request: SignedInRequest, form: MapForm) -> KeptMap | None:
    try:
        return save_map(
            name=form.cleaned_data["name"],
            columns=form.columns,
            values=form.values,
            date_order=form.order,
            by=request.user,
        )
    except BadMap as reason:
        form.add_error("name", str(reason))
        return None


@require_POST
@guarded
def start(request: SignedInRequest, pk: int) -> HttpResponse:
    job = _own(request, pk)
    if jobs.start_import(job=job, by=request.user):
        return _begun(job)
    messages.info(request, gettext("The import was started already, or the file is not checked."))
    return redirect("web:import_job", pk=pk)


@require_POST
@guarded
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    if jobs.cancel(job=_own(request, pk), by=request.user):
        messages.success(request, gettext("The import is canceled. Messages that were complete by then are stored."))
    else:
        messages.info(request, gettext("The import was finished already."))
    return redirect("web:import_job", pk=pk)


@require_POST
@guarded
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    jobs.remove(job=_own(request, pk), by=request.user)
    return redirect("web:message_import")


@require_POST
@guarded
def remove_map(request: SignedInRequest, pk: int) -> HttpResponse:
    if delete_map(map_id=pk, by=request.user):
        messages.success(request, gettext("The column map is deleted."))
    return redirect("web:message_import")
