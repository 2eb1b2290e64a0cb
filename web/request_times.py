"""Measures how long each answer takes, for the figures at /metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import View

from health.metrics import REQUEST_SECONDS

Answer = Callable[[HttpRequest], HttpResponseBase]
_METHODS = frozenset(name.upper() for name in View.http_method_names)


def measure(get_response: Answer) -> Answer:
    """Measure by the name of the address and the method. A method that somebody made up is "other"."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        view = match.view_name if match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUEST_SECONDS.labels(view, method).observe(time.perf_counter() - began)
        return response

    return middleware
