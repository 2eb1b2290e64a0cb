"""A list of rows. A page, a fragment, the API, an export and a report all read it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ids import read_number
from core.text import encodable
from core.timeouts import StatementTimeout, statement_timeout
from listings.columns import ListingTable
from listings.dates import DateRange
from listings.filters import MAX_TEXT, ListingFilterSet, as_query
from listings.paging import EXACT_UP_TO, Key, Page, Rows, Sort, Total, fetch_page, numbered, read_key
from listings.registry import Entry

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
# The values besides those of the filters: the order, the page and its size.
PAGING = ("sort", "rows", "after", "before", "n")

TOO_SLOW = _("This took too long and was stopped. Choose fewer days or more filters.")


class View(NamedTuple):
    """A button that leads to a list. `current` says whether it is the list that is shown."""

    label: StrOrPromise
    url: str
    current: bool = False


class Listing:
    """The rows that a user may see, filtered by values, in an order, with columns.

    `user` is the person who looks. `values` are texts by parameter name, as an address carries them: those of the
    filters, and sort, rows (per page), after, before, n. `arguments` come from the path, such as the id of a message.
    If a value cannot be understood, `warnings` say so and the default takes its place.

    This declares a list; web/listings/ registers it with its tool and address::

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

    A filter that is named like a column stands in its header. A column that may be NULL needs orderable=False.

    Making a listing reads no rows. It raises PermissionDenied or Http404 if the user may not see it.
    """

    table_class: type[ListingTable] = ListingTable
    filterset_class: type[ListingFilterSet] = ListingFilterSet
    default_sort: str
    export_name: str
    export_label: StrOrPromise = _("Export")
    find_label: StrOrPromise = _("Find")
    reset_label: StrOrPromise = _("Reset")
    # The name of the rows in sentences.
    row_name: StrOrPromise = _("rows")
    template_name = "listings/page.html"
    # A template of figures above the table, if any. It follows the filters, as the table does.
    summary_template_name = ""
    # The kind of report that an export is; see reports/kinds.
    report_kind = "listing"
    # The resource of the API that has this listing, if any.
    api_resource: ClassVar[str] = ""
    # Whether its page may be read from a replica of the database: see core/replica.py.
    reads_replica: ClassVar[bool] = False
    # Rows are counted up to this number; a larger total is shown as "10,000+".
    exact_up_to = EXACT_UP_TO
    # The time limit for one statement of a page, in seconds.
    seconds: float = 20
    # How often a page is fetched, at most, because `cap_rows` returned fewer rows.
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
        """Make a listing. The API gives its own `filterset_class`, its `sorts` (fields, the default first), and a
        function that adds to the queryset what it has to `load` with the rows.
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
        self.table = self.table_class(exclude=self.hidden_columns(), listing=self)
        self.sort = self.field_sort(sorts) if sorts else self.column_sort()
        self.size = self.read_size(self.values.get("rows", str(DEFAULT_SIZE)))

    # What a listing says about itself

    def check_access(self) -> None:
        """A hook, called first: raise PermissionDenied if the user may not open the list."""

    @property
    def title(self) -> str:
        return str(self.entry.title or self.tool.label)

    @property
    def menu_path(self) -> str:
        return gettext(str(self.tool.menu))

    @property
    def permissions(self) -> list[str]:
        """The names of the Django permissions that the user needs to see these rows, and not fewer."""
        return []

    @property
    def schools(self) -> list[int] | None:
        """The ids of the schools that the rows of others are limited to; None where they are of all schools."""
        return []

    def get_queryset(self) -> Rows:
        """Return all rows that this user may see. Raises Http404 if they belong to something that does not exist."""
        raise NotImplementedError

    def hidden_columns(self) -> Collection[str]:
        """A hook: return the names of columns that this user does not see."""
        return ()

    def cap_rows(self, queryset: Rows, rows: list[Any]) -> Rows | None:
        """A hook: return a queryset with fewer rows, now that the rows of the page are known; None to change nothing.

        `queryset` has every filter except the date range, which the paging applies (paging.rows_beyond); the days of
        `rows` are inside that range. Return a queryset made from `queryset`: the page is then fetched again, until this
        returns None. `rows` may have one row more than the page. Exports are not capped.
        """
        return None

    def complete_rows(self, rows: list[Any]) -> None:
        """A hook: add to the rows of a page what the columns need. Use a constant number of queries."""

    @property
    def views(self) -> list[View]:
        """A hook: return lists that show the same in another way. They become buttons above this one."""
        return []

    def notices(self) -> list[str]:
        """A hook: return sentences to show above the list. `self.page.rows` is known. Exports do not call it."""
        return []

    def check_export(self) -> None:
        """A hook: add a warning if the list cannot be exported with these values."""

    def record_look(self) -> None:
        """A hook, called when rows were read for a page, a fragment or the API, and not when reading them took too
        long: record the look in the audit trail if it has to be there."""

    def record_export(self, count: int | None, format: str) -> None:
        """A hook, called before an export is made. `count` is None if the rows were not counted."""

    # Reading the values

    def understood(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values that the listing knows and that are not empty, without what a database cannot hold."""
        known = (*self.filterset_class.parameters(), *PAGING)
        texts = {name: encodable(values.get(name, "")) for name in known}
        # One character more than allowed is enough for the filter to refuse it.
        return {name: text[: MAX_TEXT + 1] for name, text in texts.items() if text.strip()}

    def column_sort(self) -> Sort:
        sortable = {name: column for name, column in self.table.columns.items() if column.orderable}
        wanted = self.values.get("sort", self.default_sort)
        if wanted.removeprefix("-") not in sortable:
            self.warnings.append(gettext("The list cannot be sorted that way; it is sorted as usual."))
            wanted = self.default_sort
        name = wanted.removeprefix("-")
        path = sortable[name].order_by
        refuse_nullable(self.filterset.queryset, path)
        return Sort(name, path, descending=wanted.startswith("-"))

    def field_sort(self, sorts: tuple[str, ...]) -> Sort:
        wanted = self.values.get("sort", sorts[0])
        name = wanted.removeprefix("-")
        return Sort(name, name, descending=wanted.startswith("-"))

    def read_size(self, text: str) -> int:
        if text in map(str, PAGE_SIZES):
            return int(text)
        sentence = gettext("Rows per page can be %(numbers)s; the list shows %(number)s.")
        self.warnings.append(sentence % {"numbers": ", ".join(map(str, PAGE_SIZES)), "number": DEFAULT_SIZE})
        return DEFAULT_SIZE

    def read_key(self, text: str, *, backward: bool) -> Key:
        """Return where the page begins or (backward) ends. Raises LookupError if that row does not exist any more."""
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
        """Sentences that say what was not understood. A file could not show them, so then no file is made."""
        return [*self.filterset.error_messages, *self.warnings]

    def query_params(self) -> dict[str, str]:
        """The values with fixed days in place of relative ones: a listing made of them shows the same days later."""
        values = {name: self.values[name] for name in self.filterset.parameters() if name in self.values}
        return values | self.filterset.shareable() | {"sort": str(self.sort)}

    # The rows

    def export_queryset(self) -> Rows:
        """Return all rows that pass the filters, in the order of the list."""
        return self.sort.order(self.filterset.qs)

    def count(self, limit: int | None = None) -> int:
        """Count the rows that pass the filters; with a limit, count no further than that."""
        rows = self.filterset.qs.order_by()
        return int((rows if limit is None else rows[:limit]).count())

    def fetch(self) -> list[str]:
        """Fetch the page that the values name into `self.page`. Return the notices to show above it."""
        notices = list(self.period.notices) if self.period else []
        try:
            with statement_timeout(self.seconds):
                notices += self.filterset.offer_values()
                self.page = self.fetch_page(self.page_key())
                self.complete_rows(self.page.rows)
                notices += self.notices()
        except StatementTimeout:
            self.stopped, self.page = True, Page([])
            self.warnings.append(str(TOO_SLOW))
        else:
            self.record_look()
        self.table.rows = self.page.rows
        return notices

    def page_key(self) -> Key | None:
        name = "before" if "before" in self.values else "after"
        if name not in self.values:
            return None
        try:
            return self.read_key(self.values[name], backward=name == "before")
        except LookupError:
            self.warnings.append(gettext("That page is not there any more; this is the first one."))
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
            # Rows were added or removed: show the whole first page instead of a part of it.
            page, queryset = fetch(queryset, key=None)
        return self.numbered(page, queryset)

    def numbered(self, page: Page, queryset: Rows) -> Page:
        """Return the page with its total and the number of its first row."""
        bounds, text = self.filterset.bounds, self.values.get("n", "")
        first = read_number(text, largest=10**12) or 1
        counted = queryset.filter(bounds.condition()) if bounds else queryset
        return numbered(page, partial(self.total, counted), first=first)

    def total(self, queryset: Rows) -> Total:
        """Return the number of the rows of all pages."""
        return Total.of(queryset, exact_up_to=self.exact_up_to)


def refuse_nullable(queryset: Rows, path: str) -> None:
    """Raise ImproperlyConfigured if a sort column may be NULL: the paging would silently skip such rows."""
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
