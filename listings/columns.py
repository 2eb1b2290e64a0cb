"""The columns of a log: django-tables2, with the cells that all logs share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import django_tables2 as tables
from django.db.models import Model
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2.data import TableListData

from core.dates import time_text
from core.statuses import UNKNOWN, Status

__all__ = [
    "ON_SCREEN",
    "ROW_LINK",
    "WIDE",
    "ListingTable",
    "NumberColumn",
    "StatusColumn",
    "TimeColumn",
    "time_element",
    "time_text",
]

# attrs of a column whose link opens the row: a click anywhere in the row follows it.
ROW_LINK = {"a": {"class": "row-link"}}
# attrs of a column whose texts want room: they are not squeezed where the table scrolls sideways anyway.
WIDE = {"cell": {"class": "wide"}}
# attrs of a column of things to press: paper does not show it.
ON_SCREEN = {"cell": {"class": "on-screen"}}


def time_element(moment: datetime, *, seconds: bool = False) -> SafeString:
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        f"{local.tzname()} ({timezone.get_current_timezone_name()})",
        time_text(moment, seconds=seconds),
    )


class TimeColumn(tables.Column):
    """A moment in the district's zone; the zone is in the title."""

    def __init__(self, *args: Any, seconds: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("initial_sort_descending", True)
        kwargs.setdefault("attrs", {"cell": {"class": "time"}})
        super().__init__(*args, **kwargs)
        self.seconds = seconds

    def render(self, value: datetime) -> SafeString:
        return time_element(value, seconds=self.seconds)

    def value(self, value: datetime) -> str:
        return time_text(value, seconds=self.seconds)


class NumberColumn(tables.Column):
    """A count, grouped on screen (12,304) and plain in an export."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("attrs", {"cell": {"class": "number"}})
        super().__init__(*args, **kwargs)

    def render(self, value: int) -> str:
        return f"{value:,}"

    def value(self, value: int) -> int:
        return value


class StatusColumn(tables.Column):
    """Word, shape and color from a table of statuses; the header explains them all."""

    def __init__(self, statuses: Mapping[Any, Status], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statuses = statuses

    @property
    def legend(self) -> list[Status]:
        return list(dict.fromkeys(self.statuses.values()))

    def status(self, record: Any) -> Status:
        # The value handed to columns would be the label, where the field has choices.
        value = self.accessor.resolve(record)
        return self.statuses.get(value) or Status(str(value), UNKNOWN.shape, UNKNOWN.tone)

    def render(self, record: Any) -> str:
        return render_to_string("listings/_status.html", {"status": self.status(record)})

    def value(self, record: Any) -> str:
        return self.status(record).word


class PageRows(TableListData):
    """The rows of one page, with the model they come from, so that columns find their labels."""

    model: type[Model] | None = None

    def __init__(self, rows: list[Any], model: type[Model]) -> None:
        super().__init__(rows)
        self.model = model


class ListingTable(tables.Table):
    """The columns of a listing. Only columns that are never NULL may be sorted by: others say orderable=False."""

    # Set by the listing whose rows these are; Any, since each kind of listing has a table of its own.
    listing: Any = None
