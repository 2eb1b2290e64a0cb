"""The page to erase a person: what would go and stay, the confirmation, and the erasures."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.services import record_look
from accounts.tools import Right, Tool
from messenger_logs.services.erased import digests_of
from retention.models import Erasure
from retention.services.erase_requests import AlreadyAsked, ask
from retention.services.erasing import NobodyFound, Preview, preview
from retention.words import STAYS
from web.retention_forms import EraseForm, WhoForm

SHOWN = 50
NOBODY = _("No message knows this person id. Look in the Recipient Log for the right one.")
GONE = _("This person was erased before, and no message knows the id any more.")


@require_safe
@tool_right(Tool.ERASE, Right.WRITE)
def erase(request: SignedInRequest) -> HttpResponse:
    """Show the way to a person, and the erasures."""
    record_look(by=request.user, action="list.viewed", target=Tool.ERASE.path_in_english)
    return page(request, who_form=WhoForm())


def page(request: SignedInRequest, **found: Any) -> HttpResponse:
    erasures = [(erasure, _stays(erasure.stays)) for erasure in Erasure.objects.all()[:SHOWN]]
    context = {"title": Tool.ERASE.label, "menu_path": Tool.ERASE.menu.label, "erasures": erasures}
    return render(request, "web/retention/erase.html", context | found)


@require_POST
@tool_right(Tool.ERASE, Right.WRITE)
def show(request: SignedInRequest) -> HttpResponse:
    """Show what would go and stay. It is a POST, so that no address has a person id."""
    form = WhoForm(request.POST)
    if not form.is_valid():
        return page(request, who_form=form)
    return confirmation(request, form.cleaned_data["person_id"])


def confirmation(request: SignedInRequest, person_id: str, **more: Any) -> HttpResponse:
    try:
        found = preview(person_id)
    except NobodyFound:
        return page(request, who_form=WhoForm(request.POST), nobody=GONE if _was_erased(person_id) else NOBODY)
    record_look(
        by=request.user, action="person.viewed", target=Tool.ERASE.path_in_english, details={"person": person_id}
    )
    erase_form = EraseForm(initial={"person_id": person_id, "seen": seen(found)})
    context = {"found": found, "stays": _stays(found.stays), "erase_form": erase_form}
    return page(request, **(context | more))


@require_POST
@tool_right(Tool.ERASE, Right.WRITE)
def confirm(request: SignedInRequest) -> HttpResponse:
    """Erase the person, if the figures are those that were shown."""
    form = EraseForm(request.POST)
    if not form.is_valid():
        return confirmation(request, str(form.data.get("person_id", "")).strip(), erase_form=form)
    person_id = form.cleaned_data["person_id"]
    try:
        if form.cleaned_data["seen"] != seen(preview(person_id)):
            return confirmation(request, person_id, changed=True)
        ask(person_id=person_id, by=request.user, reason=form.cleaned_data["reason"])
    except NobodyFound:
        messages.info(request, GONE)
    except AlreadyAsked:
        messages.info(request, gettext("This person is being erased already."))
    else:
        done = gettext("The person is being erased. The list below shows when it is done, and what stays.")
        messages.success(request, done)
    return redirect("web:erase")


def seen(found: Preview) -> str:
    """Return the figures as a text, to compare."""
    return json.dumps([found.gone, found.stays], sort_keys=True)


def _stays(figures: dict[str, int]) -> list[tuple[int, str]]:
    return [(number, str(STAYS[name])) for name, number in figures.items() if number]


def _was_erased(person_id: str) -> bool:
    return Erasure.objects.filter(digest__in=digests_of(person_id), finished_at__isnull=False).exists()
