"""Begins and ends a view: an administrator sees the product as a person may see it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import SignedInRequest, tool_right
from accounts.models import User
from accounts.refusals import refusal_text
from accounts.tools import Right, Tool
from accounts.view_as import ViewRefused
from web import view_as


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def start(request: SignedInRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    try:
        view_as.start(request, viewer=request.user, person=person)
    except ViewRefused as refused:
        messages.error(request, refusal_text(refused))
        return redirect("web:person", pk=pk)
    return redirect("web:home")


@require_POST
@login_required
def end(request: SignedInRequest) -> HttpResponse:
    view = view_as.View.of(request)
    if view is None:
        return redirect("web:home")
    view_as.end(request, view, viewer=request.user, because="asked")
    return redirect("web:person", pk=view.person_id)
