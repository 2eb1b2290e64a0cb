"""The errors of the API: a sentence in `detail`, and the fields in `errors`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

# What each error means, whatever the operation.
ERRORS = {
    400: "The request was not understood. Nothing was done.",
    401: "There is no token, or one that does not work any more.",
    403: "The account lacks a right, or the second factor that its user group requires; `detail` says which.",
    404: "It does not exist, or this account may not see it.",
    406: "The answer was asked for in a form that there is not. All answers are JSON.",
    413: "The body is too large. Nothing was done.",
    415: "The body is in a form that is not read here, or compressed. Nothing was done.",
    429: "There were too many requests. `Retry-After` says how many seconds to wait.",
    503: "The database did not answer in time, or cannot be reached. `detail` says what to do.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(required=False, help_text="From 1; only for bodies of many lines.")
    field = serializers.CharField(help_text="Empty if the error is about the whole line.")
    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a request was refused. No value is repeated."""

    detail = serializers.CharField(help_text="A sentence.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


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
