"""Service accounts: programs that call the API with credentials of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import partial

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest, tool_right
from accounts.forms import ServiceAccountForm
from accounts.models import ServiceAccount
from accounts.refusals import refusal_text
from accounts.service_accounts.services import (
    Credentials,
    create_service_account,
    end_service_account,
    renew_secret,
)
from accounts.services import Refused
from accounts.tools import Right, Tool

TOOL = Tool.USER_GROUPS


@require_safe
@tool_right(TOOL)
def service_accounts(request: SignedInRequest) -> HttpResponse:
    return _page(request, ServiceAccountForm())


@require_POST
@tool_right(TOOL, Right.WRITE)
def new(request: SignedInRequest) -> HttpResponse:
    form = ServiceAccountForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    groups: list[Group] = list(form.cleaned_data["groups"])
    last = timezone.make_aware(datetime.combine(form.cleaned_data["until"], time.max))
    make = partial(
        create_service_account, by=request.user, name=form.cleaned_data["name"], groups=groups, expires_at=last
    )
    return _with_secret(request, make)


@require_POST
@tool_right(TOOL, Right.WRITE)
def renew(request: SignedInRequest, pk: int) -> HttpResponse:
    return _with_secret(request, partial(renew_secret, by=request.user, pk=pk))


@require_POST
@tool_right(TOOL, Right.WRITE)
def end(request: SignedInRequest, pk: int) -> HttpResponse:
    try:
        end_service_account(by=request.user, pk=pk)
        messages.success(request, _("The service account has ended. Its credentials and its tokens no longer work."))
    except Refused as refused:
        messages.error(request, refusal_text(refused))
    return redirect("web:service_accounts")


def _with_secret(request: SignedInRequest, make: Callable[[], tuple[ServiceAccount, Credentials]]) -> HttpResponse:
    """Make credentials, and show them in the answer itself: they are kept nowhere that a redirect could read."""
    try:
        account, credentials = make()
    except Refused as refused:
        messages.error(request, refusal_text(refused))
        return redirect("web:service_accounts")
    return _page(request, ServiceAccountForm(), made=account, credentials=credentials)


def _page(
    request: SignedInRequest,
    form: ServiceAccountForm,
    *,
    made: ServiceAccount | None = None,
    credentials: Credentials | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "title": _("Service accounts"),
        "menu_path": TOOL.path,
        "accounts": ServiceAccount.objects.listed(),
        "form": form,
        "may_change": request.user.may(TOOL, Right.WRITE),
        "made": made,
        "credentials": credentials,
        "token_url": request.build_absolute_uri(reverse("api:service_token")),
    }
    return render(request, "web/service_accounts.html", context, status=status)
