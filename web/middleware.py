from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.replica import has_replica, may_change, note_change
from web.views.errors import not_allowed

View = Callable[[HttpRequest], HttpResponseBase]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def keep_method(get_response: View) -> View:
    """Answer 308 where a POST would be answered with 301, which most programs follow with a GET and without the body.

    So an address without its last slash, or with http instead of https, loses nothing that was sent.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code == 301 and request.method not in SAFE_METHODS:
            response.status_code = 308
        return response

    return middleware


def explain_not_allowed(get_response: View) -> View:
    """Give the empty answers of `require_POST` and its like (405) words."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code == 405 and isinstance(response, HttpResponse) and not response.content:
            return not_allowed(request, allowed=response["Allow"])
        return response

    return middleware


def remember_change(get_response: View) -> View:
    """After a request that may have changed something, let the person see no older state of a replica."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if has_replica() and may_change(request):
            note_change(response)
        return response

    return middleware
