"""The bodies of requests to the REST API: JSON, and not more of it than allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser


class TooLarge(APIException):
    status_code = 413


def read_body(stream: Any) -> bytes:
    """The body of a request. Raises TooLarge without reading further than allowed."""
    body: bytes = stream.read(settings.API_MAX_BYTES + 1)
    if len(body) > settings.API_MAX_BYTES:
        megabytes = settings.API_MAX_BYTES / 1024 / 1024
        raise TooLarge(f"The body is larger than {megabytes:g} MB. Send it in several requests.")
    return body


def read_json(text: bytes) -> Any:
    """Raises ValueError, in words, for what is no JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise ValueError("this is not UTF-8") from None
    except RecursionError:
        raise ValueError("this is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from _texts(part)
        case dict():
            for name, part in value.items():
                yield name
                yield from _texts(part)


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


class JSONParser(BaseParser):
    """One JSON object."""

    media_type = "application/json"
    # Whether text that no database can hold is refused here. Where it is not, whoever reads the fields does so.
    refuses_unstorable = True

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            value = read_json(read_body(stream))
        except ValueError as error:
            raise ParseError(f"The body cannot be read: {error}.") from None
        if not isinstance(value, dict):
            raise ParseError("The body must be one JSON object.")
        if self.refuses_unstorable and not all(map(_storable, _texts(value))):
            raise ParseError("The body has a character that cannot be stored, such as \\u0000.")
        return value
