"""What the templates of a list read: links, headers, filters, counts, texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.forms import BoundField
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.statuses import Status
from listings.columns import Column
from listings.dates import DateRange, DateRangeFilter, quick_ranges
from listings.filters import SwitchFilter
from listings.listing import DEFAULT_SIZE, PAGE_SIZES, Listing
from listings.paging import key_name


@dataclass(frozen=True)
class Link:
    name: str
    label: str
    url: str


@dataclass(frozen=True)
class Switch:
    """The buttons of a SwitchFilter. `chosen` is the name of the button that is on."""

    field: BoundField
    links: list[Link]
    chosen: str


@dataclass(frozen=True)
class Header:
    """The two header cells of a column: its name (a link that sorts), and its filter."""

    name: str
    label: str
    classes: str
    sort_url: str
    aria_sort: str
    filter: BoundField | None
    statuses: Collection[Status]

    @property
    def words(self) -> SafeString:
        """The label, which may break after a stroke."""
        return SafeString(escape(self.label).replace("/", "/<wbr>"))


@dataclass(frozen=True)
class ColumnChoice:
    """A column in the menu of columns. One that is `always` there cannot be hidden."""

    name: str
    label: str
    shown: bool
    always: bool


@dataclass(frozen=True)
class DateInput:
    name: str
    label: str
    value: str
    earliest: str


def list_address(path: str, parameters: dict[str, str], *, default_sort: str) -> str:
    """Return the address of a list. Values that are the default anyway are left out."""
    usual = {"find": "", "sort": default_sort, "rows": str(DEFAULT_SIZE)}
    unusual = {name: text for name, text in parameters.items() if text != usual.get(name, "")}
    return f"{path}?{urlencode(unusual)}" if unusual else path


class ListContext:
    """The context of a list's templates.

    `search` is the key of a saved search ("" for none). `formats` are pairs of name and label, such as ("csv", "CSV").
    A list that is `read_only` sends its filters in the address, so it takes no search for a person.
    """

    sizes = PAGE_SIZES

    def __init__(
        self,
        path: str,
        listing: Listing,
        *,
        search: str = "",
        notices: Sequence[str] = (),
        formats: Sequence[tuple[str, str]] = (),
        read_only: bool = False,
    ) -> None:
        self.read_only = read_only
        self.path, self.listing, self.search = path, listing, search
        self.notices, self.formats = notices, formats
        self.filterset, self.table, self.page = listing.filterset, listing.table, listing.page
        self.sort, self.size, self.row_name = listing.sort, listing.size, str(listing.row_name)
        for name in self.filterset.personal:
            self.filterset.form.fields[name].disabled = read_only

    def link(self, **changes: str) -> str:
        """Return the address of this list's first page, with some values changed."""
        return list_address(self.path, self._values | changes, default_sort=self.listing.default_sort)

    @cached_property
    def _values(self) -> dict[str, str]:
        return self.filterset.shareable() | {"find": self.search, "sort": str(self.sort), "rows": str(self.size)}

    # Above the table

    @property
    def period(self) -> DateRange | None:
        return self.filterset.period

    @property
    def date_label(self) -> str:
        return str(self.filterset.date_filter.label) if self.filterset.date_filter else ""

    @property
    def date_inputs(self) -> list[DateInput]:
        """The two date inputs with the days that are shown; without a value if the given days are not valid."""
        date_filter, period = self.filterset.date_filter, self.period
        if not date_filter:
            return []
        earliest = date_filter.field.earliest
        days = (period.first, period.last) if period else (None, None)
        return [
            DateInput(name, str(label), day.isoformat() if day else "", earliest.isoformat() if earliest else "")
            for name, label, day in zip(date_filter.parameters, date_filter.input_labels, days, strict=True)
        ]

    @property
    def quick_links(self) -> list[Link]:
        if not self.filterset.date_filter:
            return []
        first_name, last_name = self.filterset.date_filter.parameters
        return [
            Link(label, label, self.link(**{first_name: first.isoformat(), last_name: last.isoformat()}))
            for label, first, last in quick_ranges(self.filterset.date_filter.field.earliest)
        ]

    @cached_property
    def switches(self) -> list[Switch]:
        return [self._switch(name) for name, each in self.filterset.filters.items() if isinstance(each, SwitchFilter)]

    def _switch(self, name: str) -> Switch:
        field = self.filterset.form[name]
        choices = [(str(value), str(label)) for value, label in field.field.choices]
        links = [Link(value, label, self.link(**{name: value})) for value, label in choices]
        wanted = self.filterset.data.get(name, "")
        return Switch(field, links, wanted if wanted in dict(choices) else "")

    @property
    def hidden_filters(self) -> list[BoundField]:
        """The filters that something else than their field chooses, so that the form keeps their values."""
        names = [name for name, each in self.filterset.filters.items() if not isinstance(each, SwitchFilter)]
        return [field for name in names if (field := self.filterset.form[name]).is_hidden]

    @property
    def bar_filters(self) -> list[BoundField]:
        """The filters above the table: those not named like a column of the page, or like one that is hidden while the
        filter is on.
        """
        in_header = {header.name for header in self.headers}
        offered = {column.name for column in self.table.offered}
        return [
            self.filterset.form[name]
            for name, each in self.filterset.filters.items()
            if name not in in_header
            and (name not in offered or name in self.filterset.data)
            and not isinstance(each, DateRangeFilter | SwitchFilter)
            and not self.filterset.form[name].is_hidden
        ]

    @property
    def export_links(self) -> list[Link]:
        return [Link(name, label, self.link(export=name)) for name, label in self.formats]

    @property
    def warnings(self) -> list[str]:
        return self.listing.errors

    # The table

    @cached_property
    def headers(self) -> list[Header]:
        return [self._header(column) for column in self.table.shown]

    @property
    def column_choices(self) -> list[ColumnChoice]:
        table, shown = self.table, self.table.shown
        return [
            ColumnChoice(column.name, column.header, column in shown, table.always_shown(column))
            for column in table.offered
        ]

    @property
    def has_header_filters(self) -> bool:
        return any(header.filter for header in self.headers)

    def _header(self, column: Column) -> Header:
        aria_sort = sort_url = ""
        if column.orderable:
            descending = column.initial_sort_descending
            if column.name == self.sort.name:
                aria_sort = "descending" if self.sort.descending else "ascending"
                descending = not self.sort.descending
            sort_url = self.link(sort=f"-{column.name}" if descending else column.name)
        return Header(
            name=column.name,
            label=column.header,
            classes=self.table.classes(column, "th"),
            sort_url=sort_url,
            aria_sort=aria_sort,
            filter=self.filterset.form[column.name] if column.name in self.filterset.filters else None,
            statuses=column.legend,
        )

    @property
    def empty(self) -> bool:
        """Whether the search found no rows. False if the search was not possible or took too long."""
        return not self.page.rows and not self.listing.stopped and not self.filterset.error_messages

    @property
    def looked_for(self) -> list[tuple[str, str]]:
        """Label and value of each active filter. A switch is left out: it is a choice of list, and marked above."""
        return list(self.filterset.in_use(switches=False))

    # Below the table

    @property
    def count_text(self) -> str:
        """The rows shown and their total: 51-100 of 12,304 (with an en dash)."""
        page = self.page
        if not page.rows:
            return ""
        words = {"first": f"{page.first:,}", "last": f"{page.last:,}", "total": page.total}
        return _("%(first)s–%(last)s of %(total)s") % words  # noqa: RUF001

    @property
    def live_text(self) -> str:
        """What a screen reader says when the list has changed."""
        page = self.page
        if not page.rows:
            return _("No %(rows)s found") % {"rows": self.row_name} if self.empty else ""
        words = {
            "rows": self.row_name,
            "first": f"{page.first:,}",
            "last": f"{page.last:,}",
            "total": page.total,
        }
        return (_("%(rows)s %(first)s to %(last)s of %(total)s") % words).capitalize()

    @property
    def pager(self) -> list[Link]:
        """Links to the first, the previous and the next page. The url of a page that does not exist is ""."""
        page, rows = self.page, self.page.rows
        first_url = previous_url = next_url = ""
        if rows and page.more_before:
            first_url = self.link()
            previous_url = self.link(before=key_name(rows[0]), n=str(max(1, page.first - self.size)))
        if rows and page.more_after:
            next_url = self.link(after=key_name(rows[-1]), n=str(page.last + 1))
        return [
            Link("first", pgettext("page", "first"), first_url),
            Link("previous", pgettext("page", "previous"), previous_url),
            Link("next", pgettext("page", "next"), next_url),
        ]
