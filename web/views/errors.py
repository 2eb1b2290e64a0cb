"""The answers for errors outside of views: JSON to callers of the REST API, pages to all others."""

import sys

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from core.timeouts import why_unavailable

API = "/api/"
RETRY_SECONDS = 30


def not_understood(request: HttpRequest, exception: SuspiciousOperation) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": "The request was not understood. Nothing was done."}, status=400)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": "There is nothing at this address."}, status=404)
    return defaults.page_not_found(request, exception)


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Answer 403 with the message of the exception."""
    return defaults.permission_denied(request, exception)


def not_allowed(request: HttpRequest, *, allowed: str) -> HttpResponse:
    """Answer 405. `allowed` names the methods that the address takes, as in "GET, HEAD"."""
    response: HttpResponse
    if request.path.startswith(API):
        detail = f"This address takes {allowed}, and not {request.method}. Nothing was done."
        response = JsonResponse({"detail": detail}, status=405)
    else:
        response = render(request, "405.html", {"allowed": allowed}, status=405)
    response["Allow"] = allowed
    return response


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nothing has caught: 503 if the database did not answer, else 500.

    The answer comes without a look into the database.
    """
    if reason := why_unavailable(sys.exception()):
        return _try_again(request, reason)
    if request.path.startswith(API):
        return JsonResponse({"detail": "Something went wrong here, and was noted. Try again in a moment."}, status=500)
    return defaults.server_error(request)


def _try_again(request: HttpRequest, reason: str) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    if request.path.startswith(API):
        return JsonResponse({"detail": f"{reason} Try again in a minute."}, status=503, headers=headers)
    return HttpResponse(render_to_string("503.html", {"reason": reason}), status=503, headers=headers)
