"""The grid as JSON: the same filters and the same paging by key for the lists of the REST API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.http import QueryDict
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from listings.dates import DateRangeFilter
from listings.filters import ListingFilterSet, OptionFilter, as_query
from listings.paging import Key, Page, Rows, Sort, fetch_page, key_name, numbered, read_key
from listings.timeouts import StatementTimeout, statement_timeout

DEFAULT_SIZE, LARGEST_SIZE = 50, 1_000
PAGING = ("after", "before", "limit", "sort")


# What goes out


def answer_in_words(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal has a sentence in `detail`; those about fields name them in `errors`."""
    response = exception_handler(error, context)
    if response is not None and isinstance(error, ValidationError):
        errors = list(named_errors(error.detail))
        response.data = {"detail": "The request was not understood. Nothing was done.", "errors": errors}
    return response


def named_errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Errors as DRF nests them, flat: {"field": "recipients.0.name", "message": "…"}."""
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


class Unavailable(APIException):
    status_code = 503
    default_detail = "This took too long and was stopped. Ask for fewer days or fewer rows."


class UncachedMixin(APIView):
    """Answers about people stay in no cache."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response


# Lists


class ListingFilterBackend(BaseFilterBackend):
    """Filters in the address; in the body of a search, where the personal ones may stand too."""

    def filter_queryset(self, request: Request, queryset: Rows, view: Any) -> Rows:
        view.filterset = view.filterset_class(as_query(self.read(request, view)), queryset=queryset, request=request)
        problems = view.filterset.form.errors
        if problems:
            raise ValidationError({name: [str(message) for message in found] for name, found in problems.items()})
        return cast(Rows, view.filterset.unbounded)

    def read(self, request: Request, view: Any) -> dict[str, str]:
        filters: type[ListingFilterSet] = view.filterset_class
        in_address = {*view.parameters, *PAGING}
        if request.method == "POST":
            refuse_unknown(request.query_params, in_address)
            given = cast("dict[str, Any]", request.data)
            allowed = set(filters.parameters())
        else:
            given = request.query_params.dict()
            allowed = set(filters.parameters()) - filters.personal
            if found := filters.personal & given.keys():
                words = "Searches for people go by POST, so that they stay out of addresses."
                raise ValidationError({name: [words] for name in sorted(found)})
            given = {name: value for name, value in given.items() if name not in in_address}
        refuse_unknown(given, allowed)
        if odd := [name for name, value in given.items() if not isinstance(value, str | int)]:
            raise ValidationError({name: ["Give a text or a number."] for name in odd})
        return {name: str(value) for name, value in given.items()}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not getattr(view, "filterset_class", None):
            return []
        return list(_filter_parameters(view.filterset_class))


def refuse_unknown(given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        words = f"There is no such field here; there are {', '.join(sorted(known))}."
        raise ValidationError({name: [words] for name in unknown})


def _filter_parameters(filters: type[ListingFilterSet]) -> Iterator[dict[str, Any]]:
    for name, each in filters.base_filters.items():
        if name in filters.personal:
            continue
        if isinstance(each, DateRangeFilter):
            for parameter, words in zip(each.parameters, ("first", "last"), strict=True):
                text = f"{each.label}: the {words} day, in the district's time zone."
                yield _parameter(parameter, text, {"type": "string", "format": "date"})
        else:
            schema: dict[str, Any] = {"type": "string"}
            if isinstance(each, OptionFilter):
                schema["enum"] = [value for value, _ in each.field.choices if value]
            yield _parameter(name, str(each.label), schema)


def search_body(filters: type[ListingFilterSet]) -> dict[str, Any]:
    """The body of a search, for the schema: all the filters, the personal ones too."""
    properties: dict[str, Any] = {each["name"]: each["schema"] for each in _filter_parameters(filters)}
    properties |= {
        name: {"type": "string", "description": str(each.label)}
        for name, each in filters.base_filters.items()
        if name in filters.personal
    }
    return {"application/json": {"type": "object", "properties": properties}}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


class KeyPagination(BasePagination):
    """Pages by key. A caller follows `next` and `previous` as they are."""

    page: Page

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request, self.view = request, view
        bounds = view.filterset.bounds
        sort, size = self.read_sort(), self.read_size()
        try:
            with statement_timeout(view.seconds):
                page, _ = fetch_page(queryset, sort=sort, bounds=bounds, key=self.read_key(sort), size=size)
                counted = queryset.filter(bounds.condition()) if bounds else queryset
                self.page = numbered(page, counted, first=1)
        except StatementTimeout:
            raise Unavailable from None
        return self.page.rows

    def read_sort(self) -> Sort:
        sorts: tuple[str, ...] = self.view.sorts
        asked = self.request.query_params.get("sort", sorts[0])
        if asked not in sorts:
            raise ValidationError({"sort": [f"Choose one of {', '.join(sorts)}."]})
        name = asked.removeprefix("-")
        return Sort(name, name, descending=asked.startswith("-"))

    def read_size(self) -> int:
        asked = self.request.query_params.get("limit", str(DEFAULT_SIZE))
        if not (asked.isascii() and asked.isdigit() and len(asked) < 6 and 1 <= int(asked) <= LARGEST_SIZE):
            raise ValidationError({"limit": [f"Give a number from 1 to {LARGEST_SIZE:,}."]})
        return int(asked)

    def read_key(self, sort: Sort) -> Key | None:
        query = self.request.query_params
        name = "before" if "before" in query else "after"
        if name not in query:
            return None
        filterset = self.view.filterset
        backward = name == "before"
        key = read_key(filterset.queryset, query[name], sort=sort, bounds=filterset.bounds, backward=backward)
        if key is None:
            raise ValidationError({name: ["That page is not there any more. Begin again without this parameter."]})
        return key

    def get_paginated_response(self, data: Any) -> Response:
        page, period = self.page, self.view.filterset.period
        return Response(
            {
                "count": page.total.number,
                "count_is_exact": page.total.exact,
                "next": self.link("after", page.rows[-1]) if page.more_after and page.rows else None,
                "previous": self.link("before", page.rows[0]) if page.more_before and page.rows else None,
                "notes": list(period.notes) if period else [],
                "results": data,
            }
        )

    def link(self, name: str, row: Any) -> str:
        query: QueryDict = self.request.query_params.copy()
        for each in ("after", "before"):
            query.pop(each, None)
        query[name] = key_name(row)
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        properties = {
            "count": {"type": "integer", "description": "All rows that pass the filters, at most 10,000."},
            "count_is_exact": {"type": "boolean", "description": "False where there are more than that."},
            "next": link | {"description": "The next page; null on the last one."},
            "previous": link | {"description": "The page before; null on the first one."},
            "notes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "How the days shown differ from those asked for, in sentences.",
            },
            "results": schema,
        }
        return {"type": "object", "required": list(properties), "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        key = {"type": "string"}
        return [
            _parameter("after", "As `next` has it.", key),
            _parameter("before", "As `previous` has it.", key),
            _parameter(
                "limit", "Rows of a page.", {"type": "integer", "default": DEFAULT_SIZE, "maximum": LARGEST_SIZE}
            ),
            _parameter(
                "sort", "What comes first.", {"type": "string", "enum": list(view.sorts), "default": view.sorts[0]}
            ),
        ]


class ListingAPIView(UncachedMixin, GenericAPIView[Any]):
    """A list: GET with filters in the address. One with personal filters has a `search` beside it, which is a POST."""

    filterset_class: type[ListingFilterSet] = ListingFilterSet
    filterset: ListingFilterSet
    filter_backends = [ListingFilterBackend]
    pagination_class = KeyPagination
    # The first is the default; columns that are never NULL.
    sorts: tuple[str, ...] = ("-id",)
    # What else may stand in its address.
    parameters: tuple[str, ...] = ()
    seconds: float = 20

    def answer(self) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)
