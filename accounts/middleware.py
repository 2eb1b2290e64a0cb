from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views import View

from accounts.models import User
from accounts.services import record_look

Answer = Callable[[HttpRequest], HttpResponse]

_METHODS = frozenset(View.http_method_names)

# "Not found" is among them, because that is the answer about a message that the user may not see.
REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class RefusalMiddleware:
    """Records refused access in the audit trail: each answer that refuses what is at an address, page and API alike.

    The target is the address without its values: a value may be a secret, and a stranger may try any number of them.
    The same goes for a method that somebody made up. Of somebody who is signed in, the numbers of the things that were
    asked for are recorded. A refusal for lack of a second factor (`note_missing_factor`) has a name of its own,
    whatever the answer is.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if who := getattr(request, "lacks_factor", None):
            record_refusal(request, response.status_code, action="second_factor.missing", user=who)
        elif response.status_code in REFUSALS:
            record_refusal(request, response.status_code)
        return response


def record_refusal(
    request: HttpRequest, answer: int, *, action: str = "access.refused", user: User | None = None
) -> None:
    """Record that what is at an address, or a part of it, is refused. `answer` is the status that says so.

    `user` is the one of the request, if it is not given.
    """
    match = request.resolver_match
    if not match or not match.route:
        return
    # The API sets the user of its token here, too.
    user = user or (request.user if isinstance(request.user, User) else None)
    numbers = {name: value for name, value in match.kwargs.items() if isinstance(value, int)} if user else {}
    method = request.method if str(request.method).lower() in _METHODS else "another"
    details = {"answer": int(answer), "method": method, **numbers}
    record_look(by=user, action=action, target=f"/{match.route}", details=details)


class PrivateResponseMiddleware:
    """Keeps every answer out of caches: most are about people, and Back must not show them after signing out.

    It stands before all others, so redirects and refusals of theirs pass here, too. Static files have a Cache-Control
    header already, and keep it.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Cache-Control" not in response:
            patch_cache_control(response, private=True, no_store=True)
        return response


class BrowserPolicyMiddleware:
    """Lets no page use the devices of a computer, and no other site use our answers."""

    FORBIDDEN = (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
    HEADERS = {
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FORBIDDEN),
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response
