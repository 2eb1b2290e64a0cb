"""The contents of an export of a list: its columns, and the cells of each row as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from listings.cells import cells_of
from listings.columns import Column, ListingTable
from listings.paging import Rows

if TYPE_CHECKING:
    from listings.listing import Listing

CHUNK = 2_000

DUPLICATE = "\ufdd0"
"""Marks an address or number that occurs twice in a message. The writer of a file prints its own sign instead.

It is one of Unicode's noncharacters. These are for use inside a program, so no name or address contains it.
"""


class Exporter(Protocol):
    """Makes a file of the rows that a listing's filters show. The listing does not know formats, writers and jobs."""

    def formats(self, listing: Listing) -> Sequence[tuple[str, str]]:
        """Return pairs of the value of ?export= and its label in the menu: ("csv", "CSV")."""
        ...

    def __call__(self, request: HttpRequest, listing: Listing, format: str) -> HttpResponseBase: ...


def exported_columns(table: ListingTable) -> list[Column]:
    """Return the columns of a file, with those that the page leaves out."""
    return [column for column in table.columns.values() if not column.exclude_from_export]


def exported_rows(queryset: Rows, table: ListingTable) -> Iterator[list[str]]:
    """Yield the cells of each row as text. Within a transaction a server-side cursor fetches the rows."""
    known = cells_of(type(table), queryset.model)
    cells = [known[column.name].text for column in exported_columns(table)]
    for record in queryset.iterator(chunk_size=CHUNK):
        yield [cell(table, record) for cell in cells]
