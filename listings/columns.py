"""The columns of a list (django-tables2), with the cells that all lists share."""

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

# attrs of a column whose link opens the row: a click anywhere in the row follows this link.
ROW_LINK = {"a": {"class": "row-link"}}
# attrs of a column of longer texts: it gets more width when the table scrolls sideways anyway.
WIDE = {"cell": {"class": "wide"}}
# attrs of a column of buttons: a printed page leaves it out.
ON_SCREEN = {"cell": {"class": "on-screen"}}


def time_element(moment: datetime, *, seconds: bool = False) -> SafeString:
    """Return a <time> element in the district's zone; its title names the zone. `moment` must be aware."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        f"{local.tzname()} ({timezone.get_current_timezone_name()})",
        time_text(moment, seconds=seconds),
    )


class TimeColumn(tables.Column):
    """A time in the district's zone; the title of the cell names the zone. With `seconds`, seconds are shown."""

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
    """A number: with separators on the screen (12,304), without them in an export."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("attrs", {"cell": {"class": "number"}})
        super().__init__(*args, **kwargs)

    def render(self, value: int) -> str:
        return f"{value:,}"

    def value(self, value: int) -> int:
        return value


class StatusColumn(tables.Column):
    """A status as word, shape and color; a ? in the header explains all of them.

    `statuses` maps the stored values to statuses. A value that is not in it is shown as it is.
    """

    def __init__(self, statuses: Mapping[Any, Status], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statuses = statuses

    @property
    def legend(self) -> list[Status]:
        return list(dict.fromkeys(self.statuses.values()))

    def status(self, record: Any) -> Status:
        # django-tables2 would give the label instead of the value if the field has choices.
        value = self.accessor.resolve(record)
        return self.statuses.get(value) or Status(str(value), UNKNOWN.shape, UNKNOWN.tone)

    def render(self, record: Any) -> str:
        return render_to_string("listings/_status.html", {"status": self.status(record)})

    def value(self, record: Any) -> str:
        return self.status(record).word


class PageRows(TableListData):
    """The rows of one page, with their model, so that columns find the labels of fields."""

    model: type[Model] | None = None

    def __init__(self, rows: list[Any], model: type[Model]) -> None:
        super().__init__(rows)
        self.model = model


class ListingTable(tables.Table):
    """The columns of a listing. A column that may be NULL cannot be sorted by: declare it with orderable=False."""

    # The listing sets itself here. Any, because each kind of listing has its own table.
    listing: Any = None
