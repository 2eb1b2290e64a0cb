"""Reads the bodies of requests to the REST API: JSON up to a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from core.strict_json import JSONError, read_json
from core.text import is_storable, texts_in


def is_compressed(request: HttpRequest) -> bool:
    return request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


class TooLarge(APIException):
    status_code = 413


class Compressed(APIException):
    status_code = 415
    default_detail = "The body is compressed. Send it as it is, without Content-Encoding."


def read_body(request: HttpRequest) -> bytes:
    """Return the body of a request. Raises TooLarge (413) without reading more than API_MAX_BYTES, and Compressed."""
    if is_compressed(request):
        raise Compressed
    body: bytes = request.read(settings.API_MAX_BYTES + 1)
    if len(body) > settings.API_MAX_BYTES:
        megabytes = settings.API_MAX_BYTES / 1024 / 1024
        raise TooLarge(f"The body is larger than {megabytes:g} MB. Send it in several requests.")
    return body


class JSONParser(BaseParser):
    """Parses one JSON object. Raises ParseError (400)."""

    media_type = "application/json"
    # Whether to refuse text that a database cannot hold. If not, the code that reads the fields has to refuse it.
    refuses_unstorable = True

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            value = read_json(read_body(stream))
        except JSONError as error:
            raise ParseError(f"The body cannot be read: this {error}.") from None
        if not isinstance(value, dict):
            raise ParseError("The body must be one JSON object.")
        if self.refuses_unstorable and not all(map(is_storable, texts_in(value))):
            raise ParseError("The body has a character that cannot be stored, such as \\u0000.")
        return value
