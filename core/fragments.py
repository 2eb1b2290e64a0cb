"""Views that answer with a whole page or, to htmx, only with the fragment that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def is_htmx(request: HttpRequest) -> bool:
    """Whether a fragment is wanted. To restore its history, htmx asks for the whole page instead."""
    htmx = HtmxDetails(request)
    return bool(htmx) and not htmx.history_restore_request


def page_or_fragment(
    request: HttpRequest, *, page: str, fragment: str, context: Mapping[str, Any], status: int | None = None
) -> HttpResponse:
    """Render the page or, to htmx, the fragment. The Vary header says that the answer depends on it."""
    response = render(request, fragment if is_htmx(request) else page, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
