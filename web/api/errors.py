"""The errors of the API: a sentence in `detail`, and the fields in `errors`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def respond_to_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Give every error a sentence in `detail`; an error about fields also names them in `errors`."""
    response = exception_handler(error, context)
    if response is not None and isinstance(error, ValidationError):
        errors = list(named_errors(error.detail))
        response.data = {"detail": "The request was not understood. Nothing was done.", "errors": errors}
    return response


def named_errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Flatten the nested errors of DRF: {"field": "recipients.0.name", "message": "…"}."""
    match detail:
        case dict():
            for name, part in detail.items():
                yield from named_errors(part, f"{field}.{name}" if field else str(name))
        case list():
            for number, part in enumerate(detail):
                nested = isinstance(part, dict | list)
                yield from named_errors(part, f"{field}.{number}" if nested else field)
        case _:
            yield {"field": field, "message": str(detail)}
