"""Parsers for bodies of many lines: a JSON list, or NDJSON. A line that cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.strict_json import foreign_form
from messenger_logs.services.json_fields import FieldError, IntakeError, read_json
from web.api.parsers import JSONParser, TooLarge, read_body


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number (from 1), and its value or the reason why it cannot be read."""

    number: int
    value: object = None
    errors: tuple[FieldError, ...] = ()


class MessageParser(JSONParser):
    """Parses one message. It accepts text that cannot be stored: the intake then names the field."""

    refuses_unstorable = False


class LinesParser(BaseParser):
    """Parses NDJSON: one JSON object per line. Blank lines are counted, and skipped."""

    media_type = "application/x-ndjson"

    def parse(  # type: ignore[override]
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> list[Line]:
        body = read_body(stream)
        if reason := foreign_form(body):
            # Its lines would be refused one by one, with odd reasons.
            raise ParseError(f"The body cannot be read: this {reason}.")
        lines = list(self.lines(body))
        if len(lines) > settings.API_MAX_LINES:
            raise TooLarge(f"There are more than {settings.API_MAX_LINES:,} lines. Send them in several requests.")
        if not lines:
            raise ParseError("The body is empty.")
        return lines

    def lines(self, body: bytes) -> Iterator[Line]:
        for number, text in enumerate(body.split(b"\n"), 1):
            if not text.strip():
                continue
            try:
                yield Line(number, read_json(text, line=number))
            except IntakeError as error:
                yield Line(number, errors=tuple(error.errors))


class ListParser(LinesParser):
    """Parses a JSON list. Its items count as lines."""

    media_type = "application/json"

    def lines(self, body: bytes) -> Iterator[Line]:
        try:
            value = read_json(body, line=1)
        except IntakeError as error:
            raise ParseError(f"The body {error.errors[0].message}.") from None
        if not isinstance(value, list):
            raise ParseError("The body must be a JSON list, or NDJSON as application/x-ndjson.")
        return (Line(number, item) for number, item in enumerate(value, 1))
