from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Model
from django.forms import BoundField
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.views.generic import View

from grid import finds
from grid.dates import DateRange, quick_ranges
from grid.exports import csv_response
from grid.filters import MAX_TEXT, GridFilterSet, as_query
from grid.limits import TookTooLong, time_limit
from grid.paging import Key, Page, Rows, Sort, Total, fetch_page, key_name, sort_value
from grid.tables import GridTable, PageRows, StatusColumn, TimeColumn

__all__ = ["GridView"]

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Header:
    """A column's two cells in the table's head."""

    name: str
    label: str
    classes: str
    sort_url: str
    aria_sort: str
    filter: BoundField | None
    statuses: Iterable[Any]


@dataclass(frozen=True)
class Link:
    name: str
    label: str
    url: str


class GridView(View):
    """A log: the rows a user may see, filtered, sorted, paged. A page, a fragment for htmx, or CSV (?export=csv).

    A log is declared so::

        class EventTable(GridTable):
            event = StatusColumn(EVENT_STATUSES)
            occurred_at = TimeColumn(verbose_name="Event Time Stamp")
            subject = Column(linkify=True, attrs=ROW_LINK, orderable=False)

        class EventFilters(GridFilterSet):
            created = DateRangeFilter("occurred_at", days_back=30)
            event = OptionFilter(choices=EVENTS)
            recipient = ContainsFilter(label="Recipient Email")
            personal = {"recipient"}

        class MailgunLog(ToolRightMixin, GridView):
            tool = Tool.MAILGUN_MESSAGE_LOG
            title = "Mailgun Message Log"
            menu_path = "Messenger"
            table_class = EventTable
            filterset_class = EventFilters
            default_sort = "-occurred_at"
            export_name = "mailgun-message-log"

            def get_queryset(self):
                return MailgunEvent.objects.visible_to(self.request.user, self.tool)

    Filters named like a column stand in its header. Columns that may be NULL say orderable=False.
    """

    title: str
    menu_path = ""
    table_class: type[GridTable]
    filterset_class: type[GridFilterSet] = GridFilterSet
    default_sort: str
    export_name: str
    export_label = "Export CSV"
    row_name = "rows"
    template_name = "grid/page.html"
    seconds = 20
    narrow_rounds = 8

    # What a log says about itself

    def get_queryset(self) -> Rows:
        """The rows this user may see at all."""
        raise NotImplementedError

    def get_table(self, rows: PageRows) -> GridTable:
        """The table, for instance without the columns this user may not see."""
        return self.table_class(rows)

    def narrow(self, queryset: Rows, rows: list[Any]) -> Rows | None:
        """A hook: let fewer rows through, now that the rows of the page are known; None when nothing changes.

        `queryset` carries every filter but the date range, which the paging applies itself (grid.paging.rows_beyond);
        the days of `rows` are inside that range. Answer a queryset made from `queryset`: the page is then fetched again,
        until the answer is None. `rows` may hold one row more than the page.
        """
        return None

    def notes(self) -> list[str]:
        """Sentences above the grid. Called when the rows (`self.page.rows`) are known; not in an export."""
        return []

    def recorded_export(self, count: int | None) -> None:
        """A hook, called when an export is asked for, before its first line. `count` is None beyond 10,000 rows."""

    # Requests

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = self.read(request.GET)
        personal: dict[str, str] | None = {}
        if find := asked.get("find", ""):
            personal = finds.recall(request.session, find)
        if personal is None:
            self.complain("That search is no longer kept here. Enter it again and press Find.")
        for name in self.filterset_class.personal & asked.keys():
            del asked[name]
            self.complain("Searches for people are not read from an address. Enter the search below and press Find.")
        self.begin(asked | (personal or {}), find=find if personal else "")
        return self.answer()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = self.read(request.POST)
        personal = {name: asked.pop(name) for name in self.filterset_class.personal & asked.keys()}
        find = finds.keep(request.session, personal)
        for name in ("after", "before", "n", "export", "find"):
            asked.pop(name, None)
        address = self.address(asked | ({"find": find} if find else {}))
        if not getattr(request, "htmx", False):
            return HttpResponseRedirect(address)
        self.begin(asked | personal, find=find)
        response = self.answer()
        response["HX-Push-Url"] = address
        return response

    def read(self, query: QueryDict) -> dict[str, str]:
        """The parameters this grid knows, without empty ones, as text a database and a page can hold."""
        known = {*self.filterset_class.parameters(), "sort", "rows", "after", "before", "n", "find", "export"}
        texts = {name: query.get(name, "") for name in known}
        # One character too many is enough to be told so.
        return {
            name: text.encode("utf-8", "replace").decode()[: MAX_TEXT + 1]
            for name, text in texts.items()
            if text.strip()
        }

    def begin(self, asked: dict[str, str], *, find: str) -> None:
        self.asked = asked
        self.find = find
        self.page = Page([])
        self.total = Total(0)
        self.first_number = 1
        self.filterset = self.filterset_class(
            as_query({name: asked[name] for name in self.filterset_class.parameters() if name in asked}),
            queryset=self.get_queryset(),
            request=self.request,
        )
        model: type[Model] = self.filterset.queryset.model
        self.rows = PageRows([], model)
        self.table = self.get_table(self.rows)
        self.sort = self.read_sort()
        self.size = self.read_size()

    def answer(self) -> HttpResponseBase:
        if self.asked.get("export") == "csv" and not self.filterset.problems:
            return self.export()
        context = {"view": self, "title": self.title, "menu_path": self.menu_path, **self.show()}
        htmx = getattr(self.request, "htmx", None)
        fragment = htmx and not htmx.history_restore_request
        response = render(self.request, "grid/_grid.html" if fragment else self.template_name, context)
        patch_vary_headers(response, ["HX-Request"])
        response["Cache-Control"] = "private, no-store"
        return response

    def export(self) -> HttpResponseBase:
        rows = self.filterset.qs
        with time_limit(self.seconds):
            total = Total.of(rows)
        self.recorded_export(total.number if total.exact else None)
        return csv_response(self.sort.order(rows), self.table, self.export_name)

    # What the address asks for

    @cached_property
    def complaints(self) -> list[str]:
        """What could not be done as asked, in sentences."""
        return []

    def complain(self, sentence: str) -> None:
        if sentence not in self.complaints:
            self.complaints.append(sentence)

    def read_sort(self) -> Sort:
        sortable = {column.name: column for column in self.table.columns if column.orderable}
        asked = self.asked.get("sort", self.default_sort)
        if asked.removeprefix("-") not in sortable:
            self.complain("The list cannot be sorted that way. It is sorted as usual.")
            asked = self.default_sort
        name = asked.removeprefix("-")
        path = str(sortable[name].order_by[0])
        refuse_nullable(self.filterset.queryset, path)
        return Sort(name, path, descending=asked.startswith("-"))

    def read_size(self) -> int:
        asked = self.asked.get("rows", str(DEFAULT_SIZE))
        if asked in map(str, PAGE_SIZES):
            return int(asked)
        self.complain("Rows per page can be 25, 50, 100 or 200.")
        return DEFAULT_SIZE

    def read_key(self) -> Key | None:
        name = "before" if "before" in self.asked else "after"
        if name not in self.asked:
            return None
        visible = self.filterset.queryset
        model_name, _, number = self.asked[name].partition("-")
        if model_name == visible.model._meta.model_name and number.isascii() and number.isdigit():
            pk = int(number)
            value = sort_value(visible, sort=self.sort, pk=pk) if pk <= LARGEST_ID else None
            bounds = self.filterset.bounds
            if value is not None and (not bounds or bounds.path != self.sort.path or bounds.hold(value)):
                return Key(pk, value, backward=name == "before")
        self.complain("That page is not there any more. This is the first page.")
        return None

    def read_number(self) -> int:
        asked = self.asked.get("n", "")
        return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 13 else 1

    # The page

    def show(self) -> dict[str, Any]:
        """Fetch the page; what the templates need beside the view itself."""
        notes: list[str] = []
        try:
            with time_limit(self.seconds):
                self.fetch()
                notes = self.notes()
        except TookTooLong:
            self.complain("This took too long and was stopped. Choose fewer days or another search, then press Find.")
        self.rows.data = self.page.rows
        period = self.filterset.period
        return {"notes": [*(period.notes if period else ()), *notes]}

    def fetch(self) -> None:
        key = self.read_key()
        page, queryset = self.fetch_page(key)
        if key and (not page.rows or (key.backward and not page.more_before)):
            # Rows came or went meanwhile: the first page, and a whole one.
            key = None
            page, queryset = self.fetch_page(None)
        bounds = self.filterset.bounds
        self.total = Total.of(queryset.filter(bounds.condition()) if bounds else queryset)
        self.page = page
        self.first_number = self.read_number() if key else 1
        if self.total.exact:
            last_start = max(1, self.total.number - len(page.rows) + 1)
            self.first_number = min(self.first_number, last_start) if page.more_after else last_start

    def fetch_page(self, key: Key | None) -> tuple[Page, Rows]:
        return fetch_page(
            self.filterset.unbounded,
            sort=self.sort,
            bounds=self.filterset.bounds,
            key=key,
            size=self.size,
            narrow=self.narrow,
            rounds=self.narrow_rounds,
        )

    # What the templates read

    def address(self, parameters: dict[str, str]) -> str:
        return f"{self.request.path}?{urlencode(parameters)}" if parameters else self.request.path

    def link(self, **changes: str) -> str:
        """This address with the filters as they were understood, and other changes; "" takes a parameter away."""
        parameters = {
            name: self.asked[name]
            for name in self.filterset_class.parameters()
            if name in self.asked and name not in self.filterset_class.personal
        }
        if self.filterset.date_filter and self.filterset.period:
            name, period = self.filterset.date_filter[0], self.filterset.period
            for part, day in (("from", period.first), ("to", period.last)):
                parameters[f"{name}_{part}"] = day.isoformat() if day else ""
        parameters["find"] = self.find
        parameters["sort"] = "" if str(self.sort) == self.default_sort else str(self.sort)
        parameters["rows"] = "" if self.size == DEFAULT_SIZE else str(self.size)
        return self.address({name: text for name, text in (parameters | changes).items() if text})

    @property
    def period(self) -> DateRange | None:
        return self.filterset.period

    @property
    def period_fields(self) -> list[dict[str, str]]:
        """The two date inputs: the days as understood, or, when they are none, as typed."""
        if not self.filterset.date_filter:
            return []
        name, date_filter = self.filterset.date_filter
        period = self.filterset.period
        days = (period.first, period.last) if period else (None, None)
        earliest = self.filterset.form.fields[name].earliest
        return [
            {
                "name": f"{name}_{part}",
                "label": f"{date_filter.label} {words}",
                "value": day.isoformat() if day else "",
                "earliest": earliest.isoformat() if earliest else "",
            }
            for part, words, day in zip(("from", "to"), ("between", "and"), days, strict=True)
        ]

    @property
    def quick_links(self) -> list[Link]:
        if not self.filterset.date_filter:
            return []
        name = self.filterset.date_filter[0]
        return [
            Link(words, words, self.link(**{f"{name}_from": first.isoformat(), f"{name}_to": last.isoformat()}))
            for words, first, last in quick_ranges()
        ]

    @property
    def bar_filters(self) -> list[BoundField]:
        """Filters without a column."""
        in_place = {header.name for header in self.headers}
        if self.filterset.date_filter:
            in_place.add(self.filterset.date_filter[0])
        return [field for field in self.filterset.form if field.name not in in_place]

    @cached_property
    def headers(self) -> list[Header]:
        return [self.header(column) for column in self.table.columns]

    @property
    def has_header_filters(self) -> bool:
        return any(header.filter for header in self.headers)

    def header(self, column: Any) -> Header:
        aria_sort = sort_url = ""
        if column.orderable:
            descending = column.column.initial_sort_descending
            if column.name == self.sort.name:
                aria_sort = "descending" if self.sort.descending else "ascending"
                descending = not self.sort.descending
            sort_url = self.link(sort=f"{'-' if descending else ''}{column.name}")
        filtered = column.name in self.filterset.filters
        return Header(
            name=column.name,
            label=str(column.header),
            classes=column.attrs["th"].get("class", ""),
            sort_url=sort_url,
            aria_sort=aria_sort,
            filter=self.filterset.form[column.name] if filtered else None,
            statuses=column.column.legend if isinstance(column.column, StatusColumn) else (),
        )

    @property
    def pager(self) -> list[Link]:
        """Links to the first, the previous and the next page; those without a url lead nowhere."""
        by_time = isinstance(self.table.columns[self.sort.name].column, TimeColumn)
        labels = ("newer", "older") if self.sort.descending else ("older", "newer")
        previous_label, next_label = labels if by_time else ("previous", "next")
        rows, page = self.page.rows, self.page
        first = previous = following = ""
        if rows and page.more_before:
            first = self.link()
            before = str(max(1, self.first_number - self.size))
            previous = self.link(before=key_name(type(rows[0]), rows[0].pk), n=before)
        if rows and page.more_after:
            after = str(self.first_number + len(rows))
            following = self.link(after=key_name(type(rows[-1]), rows[-1].pk), n=after)
        return [
            Link("first", "first", first),
            Link("previous", previous_label, previous),
            Link("next", next_label, following),
        ]

    @property
    def count_text(self) -> str:
        """51-100 of 12,304"""
        if not self.page.rows:
            return ""
        last = self.first_number + len(self.page.rows) - 1
        return f"{self.first_number:,}–{last:,} of {self.total}"  # noqa: RUF001

    @property
    def live_text(self) -> str:
        """What a screen reader says after each change."""
        return f"Rows {self.count_text}" if self.page.rows else f"No {self.row_name} found"

    @property
    def looked_for(self) -> list[str]:
        """What the filters ask for, in words, for an empty page."""
        return [f"{label}: {value}" for label, value in self.filterset.in_use()]

    @property
    def sizes(self) -> tuple[int, ...]:
        return PAGE_SIZES

    @property
    def export_url(self) -> str:
        return self.link(export="csv")


def refuse_nullable(queryset: Rows, path: str) -> None:
    """Rows whose sort value is NULL would drop out of the paging unseen."""
    if path in queryset.query.annotations:
        return
    model: Any = queryset.model
    for part in path.split("__"):
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except FieldDoesNotExist:
            return
        if field.null:
            raise ImproperlyConfigured(
                f"{queryset.model.__name__}.{path} may be NULL, so a grid cannot be sorted by it."
            )
        model = field.related_model
