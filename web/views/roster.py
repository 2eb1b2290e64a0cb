"""Roster: where it comes from, the runs, what each of them changed, and the ways to start one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.services import record_look
from accounts.tools import Right, Tool
from core.fragments import page_or_fragment
from core.queue import call_worker, queue_answers
from core.statuses import Shape, Status, Tone
from roster import tasks
from roster.choices import Change, Kind, RunStatus
from roster.models import RosterRun
from roster.services import runs
from roster.services.takeover import SHOWN_ROWS, role_groups

TOOL = Tool.ROSTER
SHOWN_RUNS = 50
STATUSES = {
    RunStatus.QUEUED: Status(_("Waiting"), Shape.RING, Tone.NEUTRAL, _("It begins within a minute.")),
    RunStatus.RUNNING: Status(_("In progress"), Shape.HALF, Tone.RUNNING, _("It is being read, and changes are made.")),
    RunStatus.DONE: Status(_("Done"), Shape.CHECK, Tone.GOOD, _("It was read to its end.")),
    RunStatus.STOPPED: Status(
        _("Stopped"), Shape.TRIANGLE, Tone.WARNING, _("Too many would have left, so nothing was changed.")
    ),
    RunStatus.FAILED: Status(_("Failed"), Shape.CROSS, Tone.BAD, _("It changed nothing. The reason is beside it.")),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Zip of CSV files"),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
    )


def _may_run(request: SignedInRequest) -> bool:
    return request.user.may(TOOL, Right.WRITE) and request.user.scope_of(TOOL, Right.WRITE).everything


@require_safe
@tool_right(TOOL)
def roster(request: SignedInRequest) -> HttpResponse:
    """Show the state, the ways to start a run, and the last runs. htmx gets only the runs."""
    return _page(request, UploadForm())


def _page(request: SignedInRequest, form: UploadForm, status: int | None = None) -> HttpResponse:
    found = list(RosterRun.objects.newest_first().select_related("asked_by").defer("problems")[:SHOWN_RUNS])
    context = {
        "title": TOOL.label,
        "menu_path": TOOL.menu.label,
        "source": runs.configured_source(),
        "roles": role_groups(),
        "runs": [(run, STATUSES[RunStatus(run.status)]) for run in found],
        "live": any(run.unfinished for run in found),
        "may_run": _may_run(request),
        "form": form,
        "queue_answers": queue_answers(),
    }
    return page_or_fragment(
        request, page="web/roster/page.html", fragment="web/roster/_runs.html", context=context, status=status
    )


@require_POST
@tool_right(TOOL, Right.WRITE)
def ask(request: SignedInRequest) -> HttpResponse:
    """Run the configured roster now; with `check` it is only checked."""
    try:
        run = runs.request_run(by=request.user, check_only="check" in request.POST)
    except runs.Refused as reason:
        messages.error(request, str(reason))
        return redirect("web:roster")
    return _begun(run)


@require_POST
@tool_right(TOOL, Right.WRITE)
def upload(request: SignedInRequest) -> HttpResponse:
    """Keep a zip, and check it."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=400)
    file = form.cleaned_data["file"]
    try:
        run = runs.upload(chunks=file.chunks(), name=file.name, by=request.user)
    except runs.Refused as reason:
        messages.error(request, str(reason))
        return redirect("web:roster")
    return _begun(run)


@require_POST
@tool_right(TOOL, Right.WRITE)
def start(request: SignedInRequest, pk: int) -> HttpResponse:
    """Run what this run shows, after a person has seen it."""
    try:
        return _begun(runs.start(seen=get_object_or_404(RosterRun, pk=pk), by=request.user))
    except runs.Refused as reason:
        messages.error(request, str(reason))
        return redirect("web:roster_run", pk=pk)


def _begun(run: RosterRun) -> HttpResponse:
    """Let a worker do it. If the queue does not answer, the schedule finds it within a minute of its return."""
    transaction.on_commit(lambda: call_worker(tasks.run_queued))
    return redirect("web:roster_run", pk=run.pk)


@require_safe
@tool_right(TOOL)
def roster_run(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a run: its state, what it changed or would change, and what it left. htmx gets only this part."""
    run = get_object_or_404(RosterRun.objects.select_related("asked_by", "allows"), pk=pk)
    if run.changes or run.problems:
        record_look(by=request.user, action="roster.viewed", details={"run": run.pk})
    kinds = [(kind, run.difference[kind]) for kind in Kind if kind in run.difference]
    context = {
        "title": gettext("Roster, run %(id)s") % {"id": run.pk},
        "menu_path": TOOL.menu.label,
        "run": run,
        "status": STATUSES[RunStatus(run.status)],
        "live": run.unfinished,
        "counts": [_counts(kind, counts) for kind, counts in kinds],
        "changes": [(kind.label, _rows(counts), _more(counts)) for kind, counts in kinds if counts["rows"]],
        "problems": run.problem_texts,
        "too_many": [kind.label for kind in runs.too_many(run, run.difference)] if kinds else [],
        "percent": settings.ROSTER_LEAVING_PERCENT,
        "may_start": _may_run(request) and runs.may_start(run),
    }
    return page_or_fragment(request, page="web/roster/run.html", fragment="web/roster/_run.html", context=context)


def _counts(kind: Kind, counts: dict[str, Any]) -> tuple[str, int, list[int]]:
    return str(kind.label), counts["before"], [counts[change] for change in Change]


def _rows(counts: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(str(Change(change).label), label, what) for change, label, what in counts["rows"]]


def _more(counts: dict[str, Any]) -> str:
    """Say of which changes only the first rows are kept."""
    cut = [change.label.lower() for change in Change if counts[change] > SHOWN_ROWS]
    if not cut:
        return ""
    changes = pgettext("between alternatives", " or ").join(cut)
    more = gettext("Only %(rows)s or more of the rows that are %(changes)s are shown.")
    return more % {"rows": SHOWN_ROWS, "changes": changes}
