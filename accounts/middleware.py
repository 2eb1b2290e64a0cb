from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

Answer = Callable[[HttpRequest], HttpResponse]


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
