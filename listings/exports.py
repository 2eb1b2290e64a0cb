"""The contents of an export of a list: its columns, and the cells of each row as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_tables2 import Column
from django_tables2.utils import signature

from listings.columns import ListingTable
from listings.paging import Rows

if TYPE_CHECKING:
    from listings.listing import Listing

CHUNK = 2_000

DUPLICATE = "\ufdd0"
"""Marks an address or number that occurs twice in a message. The writer of a file prints its own sign instead.

It is one of Unicode's noncharacters. These are for use inside a program, so no name or address contains it.
"""

Cell = Callable[[Any], str]


class Exporter(Protocol):
    """Makes a file of the rows that a listing's filters show. The listing does not know formats, writers and jobs."""

    @property
    def formats(self) -> Sequence[tuple[str, str]]:
        """Pairs of the value of ?export= and its label in the menu: ("csv", "CSV")."""
        ...

    def __call__(self, request: HttpRequest, listing: Listing, format: str) -> HttpResponseBase: ...


def exported_columns(table: ListingTable) -> list[Any]:
    """Return the columns of a file. Those that are not visible are only there, not on the page."""
    return [column for column in table.columns.iterall() if not column.column.exclude_from_export]


def exported_rows(queryset: Rows, table: ListingTable) -> Iterator[list[str]]:
    """Yield the cells of each row as text. Within a transaction a server-side cursor fetches the rows.

    django-tables2 inspects signatures and looks up fields for each cell; this does both once for each column.
    """
    cells = [_cell(column, table, queryset.model) for column in exported_columns(table)]
    for record in queryset.iterator(chunk_size=CHUNK):
        yield [cell(record) for cell in cells]


def _cell(bound: Any, table: ListingTable, model: Any) -> Cell:
    """Return a function for a cell's text, by the rules of django-tables2: value_NAME, render_NAME, or the column's."""
    column, write = bound.column, bound.value
    if getattr(write, "__func__", None) is Column.value:
        # It would only inspect and call this one.
        write = column.render
    value_of = _value(bound.accessor, model)
    empty = column.empty_values
    always = {"column": column, "bound_column": bound, "table": table}
    wanted, takes_all = signature(write)
    constant = {name: value for name, value in always.items() if takes_all or name in wanted}
    wants_value, wants_record = (takes_all or name in wanted for name in ("value", "record"))

    def text(record: Any) -> str:
        value = value_of(record)
        if value in empty:
            return ""
        arguments = dict(constant)
        if wants_value:
            arguments["value"] = value
        if wants_record:
            arguments["record"] = record
        return str(write(**arguments))

    return text


def _value(accessor: str, model: Any) -> Callable[[Any], Any]:
    """Return a function that reads a column's value: the label of a choice; None if a related row is missing."""
    path = accessor.split("__")
    labelled = _has_choices(path, model)
    if labelled:
        path[-1] = f"get_{path[-1]}_display"
    reach = attrgetter(".".join(path))

    def value(record: Any) -> Any:
        try:
            found = reach(record)
        except AttributeError:
            return None
        return found() if labelled else found

    return value


def _has_choices(path: Sequence[str], model: Any) -> bool:
    field: Any = None
    for part in path:
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError):
            return False
        model = field.related_model
    return bool(getattr(field, "choices", None))
