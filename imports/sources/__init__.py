"""The ways to read messages out of a table, one for each `Reader` of a column map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imports.maps import ColumnMap, Reader
from imports.sources.base import Source
from imports.sources.mailgun_logs import MailgunSource
from imports.sources.message_report import MessageReportSource
from imports.sources.message_report_2 import MessageReport2Source
from imports.sources.rows import RowSource
from imports.table import digest_of, read_table

_SOURCES: Mapping[Reader, type[Source]] = {
    Reader.ROWS: RowSource,
    Reader.CLASSIC_REPORT: MessageReportSource,
    Reader.REPORT_2: MessageReport2Source,
    Reader.MAILGUN: MailgunSource,
}


def open_source(path: Path, map: ColumnMap, values: Mapping[str, str]) -> Source:
    """Open a file with a column map, and values for fields without a column. Raises UnreadableFile."""
    table = read_table(path, lambda cells: map.places(cells) is not None, expected=map.expected)
    return _SOURCES[map.reader](table, map, digest=digest_of(path), values=values)
