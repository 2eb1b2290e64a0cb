"""CSV of everything the filters show, streamed: memory does not grow with the number of rows."""

from collections.abc import Iterator
from typing import Any

from defusedcsv import csv
from django.http import StreamingHttpResponse
from django.utils import timezone
from django_tables2.rows import BoundRow

from grid.limits import time_limit
from grid.paging import Rows
from grid.tables import GridTable

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CHUNK = 2_000
# A statement here is one fetch of 2,000 rows, but the first one may have to sort all of them.
SECONDS = 300


class Echo:
    """A file for csv.writer that hands back what is written."""

    def write(self, text: str) -> bytes:
        return text.encode("utf-8", "replace")


def csv_lines(queryset: Rows, table: GridTable) -> Iterator[bytes]:
    """Lines as RFC 4180 has them, a byte order mark for spreadsheets first; no cell can be taken for a formula."""
    writer = csv.writer(Echo())
    columns = [column for column in table.columns if not column.column.exclude_from_export]
    yield BYTE_ORDER_MARK + writer.writerow([str(column.header) for column in columns])
    # Inside a transaction the iterator reads through a cursor of the server.
    with time_limit(SECONDS):
        for record in queryset.iterator(chunk_size=CHUNK):
            yield writer.writerow(row_texts(BoundRow(record, table), columns))


def row_texts(row: BoundRow, columns: list[Any]) -> list[Any]:
    return [row.get_cell_value(column.name) for column in columns]


def csv_response(queryset: Rows, table: GridTable, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_lines(queryset, table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.csv"'
    return response
