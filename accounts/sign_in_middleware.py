"""What each request of a signed-in person passes: the time limits of the session, and the required second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.views import APIView

from accounts.access import address_to_return_to
from accounts.models import User
from accounts.second_factor import MISSING, lacks_second_factor, note_missing_factor
from accounts.sessions import expire_session, limit_reached, note_activity
from core.fragments import is_htmx

Answer = Callable[[HttpRequest], HttpResponseBase]

# All that a person reaches without the required second factor: the pages to set it up or to show it, and to sign out.
REACHED_WITHOUT = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_view_recovery_codes",
        "mfa_download_recovery_codes",
        "account_help",
        "web:language",
    }
)


def limit_sessions(get_response: Answer) -> Answer:
    """End a session whose time is over, and remember when a person was last at work in the others."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if isinstance(request.user, User):
            if limit := limit_reached(request):
                expire_session(request, because=limit.words)
                messages.info(request, limit.notice)
            else:
                note_activity(request)
        return get_response(request)

    return middleware


class SecondFactorMiddleware:
    """Leads people to their second factor, where a group requires one and this session has not shown it.

    It stands in front of every view, so that a new page is guarded without a word. The audit trail has each refusal.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if (match and match.view_name in REACHED_WITHOUT) or not lacks_second_factor(request):
            return None
        assert isinstance(request.user, User)
        note_missing_factor(request, request.user)
        if issubclass(getattr(view, "cls", object), APIView):
            return JsonResponse({"detail": MISSING}, status=403)
        return lead_to_factor(request, request.user)


def lead_to_factor(request: HttpRequest, user: User) -> HttpResponse:
    """Lead to the page where the person shows a factor or, who has none, sets one up."""
    name = "account_reauthenticate" if user.has_second_factor else "mfa_index"
    way = redirect_to_login(address_to_return_to(request), reverse(name))
    return HttpResponseClientRedirect(way.url) if is_htmx(request) else way
