"""The page that documents the REST API: the OpenAPI schema as text. It needs no script and no other host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from web.api.errors import ERRORS

MEDIA_TYPES = {
    "application/json": "JSON",
    "application/x-ndjson": "NDJSON (a JSON object a line)",
}


@dataclass(frozen=True)
class Value:
    """A parameter, or a field of an object."""

    name: str
    kind: str
    description: str
    required: bool = False
    of: str = ""
    """The name of the schema that describes it."""


@dataclass(frozen=True)
class Content:
    """The body of a request or an answer."""

    title: str
    kind: str = ""
    of: str = ""
    values: list[Value] = field(default_factory=list)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Value]
    request: Content | None
    answers: list[Content]


@login_required
@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    tags, schemas = described()
    context = {"title": "REST API", "tags": tags, "schemas": schemas, "errors": ERRORS}
    return render(request, "api/documentation.html", context)


@cache
def described() -> tuple[dict[str, list[Operation]], list[Content]]:
    """Return the operations by tag, and the schemas that they name. They never change while the program runs."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    tags: dict[str, list[Operation]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append(read_operation(method, path, operation))
    components = schema["components"]["schemas"].items()
    return tags, [Content(name, *kind_of(component), list(values_of(component))) for name, component in components]


def read_operation(method: str, path: str, operation: dict[str, Any]) -> Operation:
    parameters = [
        Value(each["name"], *read_kind(each), required=each.get("required", False))
        for each in operation.get("parameters", [])
    ]
    answers = [
        content_of(f"{status} {answer.get('description', '')}".strip(), answer)
        for status, answer in operation["responses"].items()
    ]
    # The page says once what each error means.
    answers = [answer for answer in answers if answer.of != "Error"]
    sent = operation.get("requestBody")
    media = ", ".join(MEDIA_TYPES.get(name, name) for name in sent["content"]) if sent else ""
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=parameters,
        request=content_of(media, sent) if sent else None,
        answers=answers,
    )


def read_kind(parameter: dict[str, Any]) -> tuple[str, str]:
    return kind_of(parameter["schema"])[0], parameter.get("description", "")


def content_of(title: str, holder: dict[str, Any]) -> Content:
    schema = next((each["schema"] for each in holder.get("content", {}).values() if "schema" in each), None)
    return Content(title, *kind_of(schema), list(values_of(schema))) if schema else Content(title)


def kind_of(schema: dict[str, Any]) -> tuple[str, str]:
    """Return the type of a value as text, and the name of the schema that it refers to ("" for none)."""
    if "$ref" in schema:
        return "", schema["$ref"].rpartition("/")[2]
    if parts := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
        kind, of = kind_of(parts[0])
        return (f"{kind} or null" if schema.get("nullable") and kind else kind), of
    kind = str(schema.get("format") or schema.get("type") or "any value")
    of = ""
    if kind == "array":
        inner, of = kind_of(schema["items"])
        kind = f"list of {inner}".strip()
    if isinstance(schema.get("additionalProperties"), dict):
        inner, of = kind_of(schema["additionalProperties"])
        kind = f"object of {inner}".strip()
    if choices := schema.get("enum"):
        kind = ", ".join(str(choice) for choice in choices if choice)
    if "default" in schema:
        kind += f" (default {schema['default']})"
    return (f"{kind} or null" if schema.get("nullable") else kind), of


def values_of(schema: dict[str, Any]) -> Iterator[Value]:
    required = schema.get("required", [])
    for name, value in schema.get("properties", {}).items():
        kind, of = kind_of(value)
        yield Value(name, kind, value.get("description", ""), name in required, of)
