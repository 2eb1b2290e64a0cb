"""A list, whoever reads it: a page, a fragment, the API, an export, or a report made in the background."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from core.ids import read_number
from core.text import encodable
from core.timeouts import StatementTimeout, statement_timeout
from listings.columns import ListingTable, PageRows
from listings.dates import DateRange
from listings.filters import MAX_TEXT, ListingFilterSet, as_query
from listings.paging import EXACT_UP_TO, Key, Page, Rows, Sort, fetch_page, numbered, read_key
from listings.registry import Entry

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
# Values beside those of the filters: the order, and which page of what size.
PAGING = ("sort", "rows", "after", "before", "n")

TOO_SLOW = "This took too long and was stopped. Choose fewer days or more filters."


class Listing:
    """The rows that a user may see, filtered by values, in an order, with columns.

    `user` is who looks; `values` are texts by parameter name, as they stand in an address: those of the filters, and
    sort, rows (per page), after, before, n. `arguments` come from the path, such as the id of a message. What cannot be
    understood is said in `warnings`, and the usual stands in its place.

    A log is declared so, and registered with its tool and address (see web/listings/)::

        class EventTable(ListingTable):
            event = StatusColumn(EVENT_STATUSES)
            occurred_at = TimeColumn(verbose_name="Event Time Stamp")
            recipient = Column(verbose_name="Recipient Email")

        class EventFilters(ListingFilterSet):
            created = DateRangeFilter("occurred_at", days_back=30)
            event = OptionFilter(choices=EVENTS)
            recipient = ContainsFilter(label="Recipient Email")
            personal = {"recipient"}

        class MailgunMessageLog(ToolListing):
            table_class = EventTable
            filterset_class = EventFilters
            default_sort = "-occurred_at"
            export_name = "mailgun-message-log"

            def get_queryset(self):
                return MailgunEvent.objects.visible_to(self.user, self.tool)

    Filters named like a column stand in its header. Columns that may be NULL say orderable=False.

    Making one reads no rows. Raises PermissionDenied and Http404 where the user may not see it.
    """

    table_class: type[ListingTable] = ListingTable
    filterset_class: type[ListingFilterSet] = ListingFilterSet
    default_sort: str
    export_name: str
    export_label = "Export"
    find_label = "Find"
    reset_label = "Reset"
    # What the rows are called in sentences.
    row_name = "rows"
    template_name = "listings/page.html"
    # The kind of report that an export is: see reports/kinds.
    report_kind = "listing"
    # The resource of the API that serves it, if any.
    api_resource: ClassVar[str] = ""
    # How far rows are counted; what is beyond says "10,000+".
    exact_up_to = EXACT_UP_TO
    # How long one statement for a page may take.
    seconds: float = 20
    # How often a page is fetched again because `cap_rows` let fewer rows through.
    cap_rounds = 8

    def __init__(
        self,
        entry: Entry,
        user: AbstractUser,
        values: Mapping[str, str],
        arguments: Mapping[str, Any],
        *,
        filterset_class: type[ListingFilterSet] | None = None,
        sorts: tuple[str, ...] = (),
        load: Callable[[Rows], Rows] = lambda rows: rows,
    ) -> None:
        """The API reads a listing in its own way: its `filterset_class`, its `sorts` by field with the usual one first,
        and what it has to `load` with the rows.
        """
        self.entry, self.arguments = entry, arguments
        self.user: Any = user
        self.tool = entry.tool
        self.check_access()
        self.filterset_class = filterset_class or self.filterset_class
        self.values = self.understood(values)
        self.warnings: list[str] = []
        self.page, self.stopped = Page([]), False
        self.filterset = self.filterset_class(
            as_query({name: self.values[name] for name in self.filterset_class.parameters() if name in self.values}),
            queryset=load(self.get_queryset()),
            user=user,
        )
        self.page_rows = PageRows([], self.filterset.queryset.model)
        self.table = self.table_class(self.page_rows, exclude=self.hidden_columns())
        self.table.listing = self
        self.sort = self.field_sort(sorts) if sorts else self.column_sort()
        self.size = self.read_size(self.values.get("rows", str(DEFAULT_SIZE)))

    # What a listing says about itself

    def check_access(self) -> None:
        """A hook: raise PermissionDenied where the user may not open it. Called first of all."""

    @property
    def title(self) -> str:
        return self.entry.title or str(self.tool.label)

    @property
    def menu_path(self) -> str:
        return str(self.tool.menu)

    def get_queryset(self) -> Rows:
        """The rows this user may see at all. Raises Http404 where they are of something that is not there."""
        raise NotImplementedError

    def hidden_columns(self) -> Collection[str]:
        """A hook: the columns that this user does not see."""
        return ()

    def cap_rows(self, queryset: Rows, rows: list[Any]) -> Rows | None:
        """A hook: let fewer rows through, now that the rows of the page are known; None when nothing changes.

        `queryset` carries every filter but the date range, which the paging applies (paging.rows_beyond); the days of
        `rows` are inside that range. Answer a queryset made from `queryset`: the page is then fetched again, until the
        answer is None. `rows` may hold one row more than the page. Exports are not capped.
        """
        return None

    def complete_rows(self, rows: list[Any]) -> None:
        """A hook: add to the rows of a page what the columns need beside them, with a constant number of queries."""

    def notices(self) -> list[str]:
        """A hook: sentences above the list. The rows are known by then (`self.page.rows`). Not called for an export."""
        return []

    def check_export(self) -> None:
        """A hook: add a warning where this cannot be exported as it is."""

    def record_view(self) -> None:
        """A hook, called when a whole page is shown: for what the audit trail wants to know of."""

    def record_export(self, count: int | None, format: str) -> None:
        """A hook, called before an export is made. `count` is None when there are more rows than are made at once."""

    # What the values ask for

    def understood(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values that the listing knows and that are not empty, as text that databases and pages can hold."""
        known = (*self.filterset_class.parameters(), *PAGING)
        texts = {name: encodable(values.get(name, "")) for name in known}
        # One character more than allowed is enough for the filter to say so.
        return {name: text[: MAX_TEXT + 1] for name, text in texts.items() if text.strip()}

    def column_sort(self) -> Sort:
        sortable = {column.name: column for column in self.table.columns if column.orderable}
        wanted = self.values.get("sort", self.default_sort)
        if wanted.removeprefix("-") not in sortable:
            self.warnings.append("The list cannot be sorted that way; it is sorted as usual.")
            wanted = self.default_sort
        name = wanted.removeprefix("-")
        path = str(sortable[name].order_by[0])
        refuse_nullable(self.filterset.queryset, path)
        return Sort(name, path, descending=wanted.startswith("-"))

    def field_sort(self, sorts: tuple[str, ...]) -> Sort:
        wanted = self.values.get("sort", sorts[0])
        name = wanted.removeprefix("-")
        return Sort(name, name, descending=wanted.startswith("-"))

    def read_size(self, text: str) -> int:
        if text in map(str, PAGE_SIZES):
            return int(text)
        self.warnings.append(f"Rows per page can be {', '.join(map(str, PAGE_SIZES))}; shown are {DEFAULT_SIZE}.")
        return DEFAULT_SIZE

    def read_key(self, text: str, *, backward: bool) -> Key:
        """Where the page begins or (backward) ends; raises LookupError when that row is not there any more."""
        bounds = self.filterset.bounds
        key = read_key(self.filterset.queryset, text, sort=self.sort, bounds=bounds, backward=backward)
        if key is None:
            raise LookupError(text)
        return key

    @property
    def period(self) -> DateRange | None:
        """The days that are shown."""
        return self.filterset.period

    @property
    def errors(self) -> list[str]:
        """What was not understood, in sentences; a file could not say so, and is not made."""
        return [*self.filterset.errors_in_words, *self.warnings]

    def query_params(self) -> dict[str, str]:
        """The values as they were understood: a listing made of them shows the same rows on any day."""
        values = {name: self.values[name] for name in self.filterset.parameters() if name in self.values}
        return values | self.filterset.shareable() | {"sort": str(self.sort)}

    # The rows

    def export_queryset(self) -> Rows:
        """All the rows that the filters show, in the order shown."""
        return self.sort.order(self.filterset.qs)

    def count(self, limit: int | None = None) -> int:
        """How many rows the filters show; with a limit, counted no further than that."""
        rows = self.filterset.qs.order_by()
        return int((rows if limit is None else rows[:limit]).count())

    def fetch(self) -> list[str]:
        """Fetch the page that the values name; the sentences to stand above it."""
        notices = list(self.period.notices) if self.period else []
        try:
            with statement_timeout(self.seconds):
                notices += self.filterset.offer_values()
                self.page = self.fetch_page(self.page_key())
                self.complete_rows(self.page.rows)
                notices += self.notices()
        except StatementTimeout:
            self.stopped = True
            self.warnings.append(TOO_SLOW)
        self.page_rows.data = self.page.rows
        return notices

    def page_key(self) -> Key | None:
        name = "before" if "before" in self.values else "after"
        if name not in self.values:
            return None
        try:
            return self.read_key(self.values[name], backward=name == "before")
        except LookupError:
            self.warnings.append("That page is not there any more; this is the first one.")
            return None

    def fetch_page(self, key: Key | None) -> Page:
        fetch = partial(
            fetch_page,
            sort=self.sort,
            bounds=self.filterset.bounds,
            size=self.size,
            cap_rows=self.cap_rows,
            rounds=self.cap_rounds,
        )
        page, queryset = fetch(self.filterset.unbounded, key=key)
        if key and (not page.rows or (key.backward and not page.more_before)):
            # Rows have come or gone: rather the whole first page than a part of it.
            page, queryset = fetch(queryset, key=None)
        return self.numbered(page, queryset)

    def numbered(self, page: Page, queryset: Rows) -> Page:
        """The page with its total and the number of its first row."""
        bounds, text = self.filterset.bounds, self.values.get("n", "")
        first = read_number(text, largest=10**12) or 1
        counted = queryset.filter(bounds.condition()) if bounds else queryset
        return numbered(page, counted, first=first, exact_up_to=self.exact_up_to)


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
            raise ImproperlyConfigured(f"{queryset.model.__name__}.{path} may be NULL: no list can be sorted by it.")
        model = field.related_model
