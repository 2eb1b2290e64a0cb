"""One address answers a whole page or, to htmx, only the fragment of it that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def is_htmx(request: HttpRequest) -> bool:
    """Whether a fragment is wanted: htmx, when it has lost a page of its history, asks for the whole page again."""
    htmx = HtmxDetails(request)
    return bool(htmx) and not htmx.history_restore_request


def page_or_fragment(
    request: HttpRequest, *, page: str, fragment: str, context: Mapping[str, Any], status: int | None = None
) -> HttpResponse:
    """Render one of two templates; caches are told that the answer depends on who asks."""
    response = render(request, fragment if is_htmx(request) else page, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
