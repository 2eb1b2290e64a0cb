"""The page of Retention and Holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.services import record_look
from accounts.tools import Right, Tool
from core.timeouts import StatementTimeout, statement_timeout
from retention.choices import WHAT_GOES, HoldKind, Kind
from retention.models import Hold
from retention.services.holds import lift_hold, set_hold
from retention.services.periods import SHORTEST, periods, set_period
from retention.services.preview import KindPreview, preview
from web.retention_forms import HoldForm, PeriodsForm

# A preview that takes longer says so.
SECONDS = 5


@require_safe
@tool_right(Tool.RETENTION)
def retention(request: SignedInRequest) -> HttpResponse:
    """Show the periods, what would go tonight, and the holds."""
    record_look(by=request.user, action="list.viewed", target=Tool.RETENTION.path_in_english)
    return page(request)


def page(request: SignedInRequest, *, days: Mapping[Kind, int | None] | None = None, **forms: Any) -> HttpResponse:
    """Show the page; with ``days``, what would go if these were the periods."""
    form = forms.get("periods_form") or PeriodsForm(initial={kind.value: each for kind, each in periods().items()})
    found = what_would_go(days)
    context = {
        "title": Tool.RETENTION.label,
        "menu_path": Tool.RETENTION.menu.label,
        "kinds": [(kind, form[kind.kind.value], WHAT_GOES[kind.kind], SHORTEST[kind.kind]) for kind in found],
        "uncounted": any(kind.before and kind.gone is None for kind in found),
        "periods_form": form,
        "hold_form": HoldForm(),
        "holds": Hold.objects.filter(lifted_at=None),
        "lifted": Hold.objects.exclude(lifted_at=None)[:20],
        "may_change": request.user.may(Tool.RETENTION, Right.WRITE),
    }
    return render(request, "web/retention/retention.html", context | forms)


def what_would_go(days: Mapping[Kind, int | None] | None) -> list[KindPreview]:
    """Return the preview; without its figures where the database takes too long to count them."""
    try:
        with statement_timeout(SECONDS):
            return preview(days=days)
    except StatementTimeout:
        return preview(days=days, count=False)


@require_POST
@tool_right(Tool.RETENTION, Right.WRITE)
def set_periods(request: SignedInRequest) -> HttpResponse:
    """Save the periods, or show what would go with them."""
    form = PeriodsForm(request.POST)
    if not form.is_valid():
        return page(request, periods_form=form)
    if "preview" in request.POST:
        return page(request, periods_form=form, days=form.days, not_saved=True)
    changed = [str(kind.label) for kind, days in form.days.items() if set_period(kind=kind, days=days, by=request.user)]
    if changed:
        done = _("Changed: %(kinds)s. This counts from tonight.")
        messages.success(request, done % {"kinds": ", ".join(changed)})
    return redirect("web:retention")


@require_POST
@tool_right(Tool.RETENTION, Right.WRITE)
def add_hold(request: SignedInRequest) -> HttpResponse:
    form = HoldForm(request.POST)
    if not form.is_valid():
        return page(request, hold_form=form)
    given = form.cleaned_data
    set_hold(by=request.user, **(given | {"kind": HoldKind(given["kind"])}))
    messages.success(request, _("The hold is set. Data that was removed before does not come back."))
    return redirect("web:retention")


@require_POST
@tool_right(Tool.RETENTION, Right.WRITE)
def lift(request: SignedInRequest, pk: int) -> HttpResponse:
    if lift_hold(hold_id=pk, by=request.user):
        messages.success(request, _("The hold is lifted. Data whose period is over is removed tonight."))
    else:
        messages.info(request, _("The hold was lifted before."))
    return redirect("web:retention")
