"""Listings as JSON. Filters are in the address, filters about people in the body; paging is by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.ids import LARGEST_ID, read_number
from core.languages import english
from core.timeouts import StatementTimeout, statement_timeout
from listings.dates import DateRangeFilter
from listings.filters import MAX_TEXT, IdFilter, ListingFilterSet, OptionFilter
from listings.listing import Listing
from listings.paging import Key, Rows, key_name
from listings.registry import Entry, registry
from web.api.access import ToolAPIView

DEFAULT_SIZE, LARGEST_SIZE = 50, 1_000
EMPTY = {"type": "string", "maxLength": 0}
PAGING = ("after", "before", "limit", "sort")


class Unavailable(APIException):
    status_code = 503
    default_detail = "This took too long and was stopped. Ask for fewer days or fewer rows."


def find_entry(request: Request, resource: str, default: str) -> Entry:
    """Return the listing that ?log= names. Raises ValidationError if there is none."""
    entries = registry.in_api(resource)
    wanted = request.query_params.get("log", default)
    if wanted not in entries:
        raise ValidationError({"log": [f"Choose one of {', '.join(entries)}."]})
    return entries[wanted]


def log_parameter(resource: str, default: str, description: str) -> OpenApiParameter:
    return OpenApiParameter("log", enum=list(registry.in_api(resource)), default=default, description=description)


class ListingParameters(BaseFilterBackend):
    """Describes the filters of a list in the schema."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        filters = getattr(view, "filterset_class", None)
        return list(_filter_parameters(filters)) if filters else []


class KeyPagination(BasePagination):
    """Pages by key. Callers follow the addresses in `next` and `previous`."""

    listing: Listing

    def fetch(self, listing: Listing, request: Request) -> list[Any]:
        """Return the rows of the page that the address names.

        Raises ValidationError for values that are not valid, and Unavailable (503) if the query takes too long.
        """
        self.request, self.listing = request, listing
        listing.size = self.read_size()
        try:
            with statement_timeout(listing.seconds):
                listing.page = listing.fetch_page(self.read_key())
        except StatementTimeout:
            raise Unavailable from None
        listing.record_look()
        return listing.page.rows

    def read_size(self) -> int:
        size = read_number(self.request.query_params.get("limit", str(DEFAULT_SIZE)), largest=LARGEST_SIZE)
        if not size:
            raise ValidationError({"limit": [f"Give a number from 1 to {LARGEST_SIZE:,}."]})
        return size

    def read_key(self) -> Key | None:
        query = self.request.query_params
        name = "before" if "before" in query else "after"
        if name not in query:
            return None
        try:
            return self.listing.read_key(query[name], backward=name == "before")
        except LookupError:
            message = "That page is not there any more. Begin again without this parameter."
            raise ValidationError({name: [message]}) from None

    def get_paginated_response(self, data: Any) -> Response:
        page, period = self.listing.page, self.listing.period
        return Response(
            {
                "count": page.total.number,
                "count_is_exact": page.total.exact,
                "next": self.link("after", page.rows[-1]) if page.more_after and page.rows else None,
                "previous": self.link("before", page.rows[0]) if page.more_before and page.rows else None,
                "notes": list(period.notices) if period else [],
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
                "description": "Sentences that say how the days shown differ from those asked for.",
            },
            "results": schema,
        }
        return {"type": "object", "required": list(properties), "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        key = {"type": "string"}
        size = {"type": "integer", "default": DEFAULT_SIZE, "minimum": 1, "maximum": LARGEST_SIZE}
        sort = {"type": "string", "enum": list(view.sorts), "default": view.sorts[0]}
        return [
            _parameter("after", "As `next` has it.", key),
            _parameter("before", "As `previous` has it.", key),
            _parameter("limit", "Rows of a page.", size),
            _parameter("sort", "What comes first.", sort),
        ]


class ListingAPIView(ToolAPIView, GenericAPIView[Any]):
    """A list: GET with filters in the address. A list with personal filters also has a `search`, which is a POST."""

    filterset_class: type[ListingFilterSet]
    filter_backends = [ListingParameters]
    pagination_class = KeyPagination
    # Columns that are never NULL; the first is the default.
    sorts: tuple[str, ...] = ("-id",)
    # Other values that the address may have.
    parameters: tuple[str, ...] = ()

    def find_entry(self) -> Entry:
        """Return the entry of the listing to read. Raises ValidationError if `log` names none."""
        raise NotImplementedError

    def respond(self) -> Response:
        paginator = cast(KeyPagination, self.paginator)
        rows = paginator.fetch(self.open_listing(), self.request)
        self.complete_rows(rows)
        return paginator.get_paginated_response(self.get_serializer(rows, many=True).data)

    def load(self, rows: Rows) -> Rows:
        """A hook: add to the queryset what the serializer needs. Use a constant number of queries."""
        return rows

    def complete_rows(self, rows: list[Any]) -> None:
        """A hook: read what the serializer needs beside the rows of the page. Use a constant number of queries."""

    def open_listing(self) -> Listing:
        values = self.read_filters() | self.read_sort()
        listing = self.find_entry().open(
            self.user, values, self.kwargs, filterset_class=self.filterset_class, sorts=self.sorts, load=self.load
        )
        if errors := listing.filterset.form.errors:
            raise ValidationError({name: [str(message) for message in found] for name, found in errors.items()})
        return listing

    def read_sort(self) -> dict[str, str]:
        sort = self.request.query_params.get("sort", self.sorts[0])
        if sort not in self.sorts:
            raise ValidationError({"sort": [f"Choose one of {', '.join(self.sorts)}."]})
        return {"sort": sort}

    def read_filters(self) -> dict[str, str]:
        """Return the filters of the address, or of a search's body, which may also have the personal ones."""
        filters, query = self.filterset_class, self.request.query_params
        in_address = {*self.parameters, *PAGING}
        if self.request.method == "POST":
            refuse_unknown(query, in_address)
            values = cast("dict[str, Any]", self.request.data)
            allowed = set(filters.parameters())
        else:
            values = {name: value for name, value in query.dict().items() if name not in in_address}
            allowed = set(filters.parameters()) - filters.personal
            refuse_personal(filters.personal & values.keys())
        refuse_unknown(values, allowed)
        if odd := [name for name, value in values.items() if type(value) not in (str, int)]:
            raise ValidationError({name: ["Give a text or a number."] for name in odd})
        return {name: str(value) for name, value in values.items()}


def refuse_personal(names: set[str]) -> None:
    if names:
        message = "Searches for people go by POST, so that they stay out of addresses."
        raise ValidationError({name: [message] for name in sorted(names)})


def refuse_unknown(values: Mapping[str, Any], known: set[str]) -> None:
    if unknown := [name for name in values if name not in known]:
        message = f"There is no such field here; there are {', '.join(sorted(known))}."
        raise ValidationError({name: [message] for name in unknown})


def _filter_parameters(filters: type[ListingFilterSet]) -> Iterator[dict[str, Any]]:
    for name, each in filters.base_filters.items():
        if name in filters.personal:
            continue
        if isinstance(each, DateRangeFilter):
            for parameter, word in zip(each.parameters, ("first", "last"), strict=True):
                text = f"{english(each.label)}: the {word} day, in the district's time zone."
                yield _parameter(parameter, text, {"oneOf": [{"type": "string", "format": "date"}, EMPTY]})
        else:
            yield _parameter(name, english(each.label), _filter_schema(each))


def _filter_schema(each: Any) -> dict[str, Any]:
    """Return the schema of a filter's value. An empty one is as good as none."""
    if isinstance(each, OptionFilter):
        return {"type": "string", "enum": [*(value for value, _ in each.field.choices if value), ""]}
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
    if isinstance(each, IdFilter):
        return {"oneOf": [number, EMPTY]}
    return {"anyOf": [{"type": "string", "maxLength": MAX_TEXT}, {"type": "integer"}]}


def search_body(filters: type[ListingFilterSet]) -> dict[str, Any]:
    """Return the schema of a search's body: all filters, also the personal ones."""
    properties: dict[str, Any] = {each["name"]: each["schema"] for each in _filter_parameters(filters)}
    properties |= {
        name: _filter_schema(each) | {"description": str(each.label)}
        for name, each in filters.base_filters.items()
        if name in filters.personal
    }
    return {"application/json": {"type": "object", "properties": properties}}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
