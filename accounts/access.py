"""Decides whether a request may go on. Views use only this module for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.views.generic import View
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.second_factor import ask_factor_again
from accounts.tools import DISTRICT_WIDE, DistrictWide, MissingRight, Right, Tool

P = ParamSpec("P")

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# Where a second factor is required, who uses these rights to change something is asked for it again after some minutes.
ASKED_AGAIN = frozenset(
    (tool, Right.WRITE) for tool in (Tool.USER_GROUPS, Tool.ROSTER, Tool.RECORDS_REQUEST, Tool.RETENTION, Tool.ERASE)
)


class SignedInRequest(HttpRequest):
    """The request of a guarded view: its user is signed in."""

    user: User
    htmx: HtmxDetails


def check_tool_right(request: HttpRequest, tool: Tool, right: Right) -> HttpResponse | None:
    """Return None if the request may go on, or a redirect to the sign-in page if nobody is signed in.

    Raises MissingRight for a signed-in user without the right, DistrictWide for one who holds it for some schools of a
    tool that is about all of them, and ReauthenticationRequired if the person has to show the second factor again.
    """
    if not isinstance(request.user, User):
        return sign_in_first(request)
    refuse_without(request.user, tool, right)
    if (tool, right) in ASKED_AGAIN and request.method not in SAFE_METHODS:
        ask_factor_again(request)
    return None


def check_signed_in(request: HttpRequest) -> HttpResponse | None:
    """Return None if the request may go on, or a redirect to the sign-in page if nobody is signed in."""
    return None if isinstance(request.user, User) else sign_in_first(request)


def refuse_without(user: User, tool: Tool, right: Right) -> None:
    """Raise MissingRight or DistrictWide if a user has not this right as its tool needs it."""
    if not user.may(tool, right):
        raise MissingRight(tool, right)
    if tool in DISTRICT_WIDE and not user.scope_of(tool, right).everything:
        raise DistrictWide(tool, right)


def home_url() -> str:
    """Return the address of the first page after signing in."""
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page, and from there back to this page."""
    way = redirect_to_login(address_to_return_to(request))
    # A fragment cannot contain the sign-in page, so the whole page leaves for it.
    return HttpResponseClientRedirect(way.url) if HtmxDetails(request) else way


def address_to_return_to(request: HttpRequest) -> str:
    """Return the address to come back to from a page that had to come first."""
    if htmx := HtmxDetails(request):
        return htmx.current_url_abs_path or home_url()
    # The posted values are lost, and this address would answer a GET with "method not allowed".
    return request.get_full_path() if request.method == "GET" else home_url()


def signed_in(
    view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Guard a function view that needs no right: anybody who is signed in reaches it."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return check_signed_in(request) or view(request, *args, **kwargs)

    return guarded


def tool_right(
    tool: Tool, right: Right = Right.READ
) -> Callable[[Callable[Concatenate[SignedInRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard a function view: only users with this right reach it. Raises ValueError if the tool has no such right."""
    tool.permission(right)  # fails at import if the tool has no such right

    def decorate(view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return check_tool_right(request, tool, right) or view(request, *args, **kwargs)

        return guarded

    return decorate


class ToolRightMixin(View):
    """Guards a class view: only users with this right reach it. It has to be the first base class."""

    tool: Tool
    right: Right = Right.READ

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return check_tool_right(request, self.tool, self.right) or super().dispatch(request, *args, **kwargs)
