from functools import partial
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.generic import View
from django_htmx.middleware import HtmxDetails

from listings import saved_searches
from listings.columns import ListingTable, PageRows
from listings.context import DEFAULT_SIZE, PAGE_SIZES, ListContext, address
from listings.dates import DateRange
from listings.exports import exporter
from listings.filters import MAX_TEXT, ListingFilterSet, as_query
from listings.paging import EXACT_UP_TO, Key, Page, Rows, Sort, fetch_page, numbered, read_key
from listings.timeouts import StatementTimeout, statement_timeout

__all__ = ["ListingView"]


class ListingView(View):
    """A log: the rows a user may see, filtered, sorted, paged. A page, a fragment for htmx, or a file (?export=csv).

    A log is declared so::

        class EventTable(GridTable):
            event = StatusColumn(EVENT_STATUSES)
            occurred_at = TimeColumn(verbose_name="Event Time Stamp")
            recipient = Column(verbose_name="Recipient Email")
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
    table_class: type[ListingTable]
    filterset_class: type[ListingFilterSet] = ListingFilterSet
    default_sort: str
    export_name: str
    export_label = "Export"
    find_label = "Find"
    reset_label = "Reset"
    # What the rows are called in sentences.
    row_name = "rows"
    template_name = "listings/page.html"
    # How far rows are counted; what is beyond says "10,000+".
    exact_up_to = EXACT_UP_TO
    # How long one statement for a page may take.
    seconds: float = 20
    narrow_rounds = 8

    page = Page([])
    stopped = False

    # What a log says about itself

    def get_queryset(self) -> Rows:
        """The rows this user may see at all."""
        raise NotImplementedError

    def get_table(self, rows: PageRows) -> ListingTable:
        """The table, for instance without the columns this user may not see."""
        return self.table_class(rows)

    def narrow(self, queryset: Rows, rows: list[Any]) -> Rows | None:
        """A hook: let fewer rows through, now that the rows of the page are known; None when nothing changes.

        `queryset` carries every filter but the date range, which the paging applies itself (paging.rows_beyond);
        the days of `rows` are inside that range. Answer a queryset made from `queryset`: the page is then fetched anew,
        until the answer is None. `rows` may hold one row more than the page. Exports are not narrowed.
        """
        return None

    def notes(self) -> list[str]:
        """A hook: sentences above the grid. The rows are known by then (`self.page.rows`). Not called for an export."""
        return []

    def recorded_export(self, count: int | None, format: str) -> None:
        """A hook, called before an export is made. `count` is None when there are more rows than are made at once."""

    # Requests

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        complaints = []
        asked = self.read(request.GET)
        personal = self.filterset_class.personal
        if personal & asked.keys():
            complaints.append("Searches for people are not read from an address. Enter the search on this page.")
        values = {name: text for name, text in asked.items() if name not in personal}
        find = asked.get("find", "")
        found = saved_searches.recall(request.session, find) if find else {}
        if found is None or not found.keys() <= personal:
            complaints.append("That search is not kept here any more. Enter it again.")
            find, found = "", {}
        self.complaints = complaints
        self.begin(values | found, find=find)
        return self.answer()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The filter form: personal values go to the session, the others to the address that is answered or named."""
        asked = self.read(request.POST)
        values = {name: asked[name] for name in (*self.filterset_class.parameters(), "sort", "rows") if name in asked}
        personal = {name: text for name, text in values.items() if name in self.filterset_class.personal}
        find = saved_searches.keep(request.session, personal)
        shown = {name: text for name, text in values.items() if name not in personal}
        location = address(request.path, shown | {"find": find}, default_sort=self.default_sort)
        if not is_htmx(request):
            return HttpResponseRedirect(location)
        self.complaints = []
        self.begin(values, find=find)
        response = self.answer()
        response["HX-Push-Url"] = location
        return response

    def read(self, query: QueryDict) -> dict[str, str]:
        """The parameters this grid knows and that are not empty, as text that databases and pages can hold."""
        known = (*self.filterset_class.parameters(), "sort", "rows", "after", "before", "n", "find", "export")
        texts = {name: query.get(name, "").encode("utf-8", "replace").decode() for name in known}
        # One character more than allowed is enough to be told so.
        return {name: text[: MAX_TEXT + 1] for name, text in texts.items() if text.strip()}

    def begin(self, asked: dict[str, str], *, find: str) -> None:
        """Understand what is asked for: filters, columns, sort order, rows per page."""
        self.asked = asked
        self.find = find
        self.filterset = self.filterset_class(
            as_query({name: asked[name] for name in self.filterset_class.parameters() if name in asked}),
            queryset=self.get_queryset(),
            request=self.request,
        )
        self.rows = PageRows([], self.filterset.queryset.model)
        self.table = self.get_table(self.rows)
        self.sort = self.read_sort(asked.get("sort", self.default_sort))
        self.size = self.read_size(asked.get("rows", str(DEFAULT_SIZE)))

    def export_format(self) -> str:
        """The file that is asked for, if any. What was misunderstood is said on the page; a file could not say so."""
        format = self.asked.get("export", "")
        understood = not self.complaints and not self.filterset.problems
        return format if understood and format in dict(exporter().formats) else ""

    def answer(self) -> HttpResponseBase:
        if format := self.export_format():
            return exporter()(self, format)
        notes = self.fetch()
        self.rows.data = self.page.rows
        return self.render(
            ListContext(
                path=self.request.path,
                filterset=self.filterset,
                table=self.table,
                sort=self.sort,
                default_sort=self.default_sort,
                size=self.size,
                find=self.find,
                row_name=self.row_name,
                export_label=self.export_label,
                find_label=self.find_label,
                reset_label=self.reset_label,
                page=self.page,
                complaints=self.complaints,
                notes=notes,
                stopped=self.stopped,
            )
        )

    def render(self, screen: ListContext) -> HttpResponseBase:
        template = "listings/fragment.html" if is_htmx(self.request) else self.template_name
        context = {"grid": screen, "title": self.title, "menu_path": self.menu_path, "view": self}
        response = render(self.request, template, context)
        patch_vary_headers(response, ["HX-Request"])
        # Pages about people stay in no cache; nor does Back show them after signing out.
        response["Cache-Control"] = "private, no-store"
        return response

    def exported(self) -> Rows:
        """All the rows that the filters show, in the order shown."""
        return self.sort.order(self.filterset.qs)

    def as_asked(self) -> dict[str, str]:
        """What is asked for, as it was understood: the grid that `begin` makes of it shows the same rows on any day."""
        values = {name: self.asked[name] for name in self.filterset.parameters() if name in self.asked}
        return values | self.filterset.shareable() | {"sort": str(self.sort)}

    # What the address asks for

    def read_sort(self, asked: str) -> Sort:
        sortable = {column.name: column for column in self.table.columns if column.orderable}
        if asked.removeprefix("-") not in sortable:
            self.complaints.append("The list cannot be sorted that way; it is sorted as usual.")
            asked = self.default_sort
        name = asked.removeprefix("-")
        path = str(sortable[name].order_by[0])
        refuse_nullable(self.filterset.queryset, path)
        return Sort(name, path, descending=asked.startswith("-"))

    def read_size(self, asked: str) -> int:
        if asked in map(str, PAGE_SIZES):
            return int(asked)
        self.complaints.append(f"Rows per page can be {', '.join(map(str, PAGE_SIZES))}; shown are {DEFAULT_SIZE}.")
        return DEFAULT_SIZE

    def read_key(self) -> Key | None:
        backward = "before" in self.asked
        text = self.asked.get("before" if backward else "after")
        if text is None:
            return None
        key = read_key(self.filterset.queryset, text, sort=self.sort, bounds=self.filterset.bounds, backward=backward)
        if key is None:
            self.complaints.append("That page is not there any more; this is the first one.")
        return key

    # The page

    @property
    def period(self) -> DateRange | None:
        """The days that are shown."""
        return self.filterset.period

    def fetch(self) -> list[str]:
        """Fetch the page; what is to be said above it."""
        notes = list(self.period.notes) if self.period else []
        try:
            with statement_timeout(self.seconds):
                notes += self.filterset.offer_values()
                self.page = self.fetch_page(self.read_key(), number=self.asked.get("n", ""))
                notes += self.notes()
        except StatementTimeout:
            self.stopped = True
            self.complaints.append("This took too long and was stopped. Choose fewer days or more filters.")
        return notes

    def fetch_page(self, key: Key | None, *, number: str) -> Page:
        bounds = self.filterset.bounds
        fetch = partial(
            fetch_page,
            sort=self.sort,
            bounds=bounds,
            size=self.size,
            narrow=self.narrow,
            rounds=self.narrow_rounds,
        )
        page, queryset = fetch(self.filterset.unbounded, key=key)
        if key and (not page.rows or (key.backward and not page.more_before)):
            # Rows have come or gone: rather the whole first page than a part of it.
            page, queryset = fetch(queryset, key=None)
        first = int(number) if number.isascii() and number.isdigit() and len(number) < 13 else 1
        counted = queryset.filter(bounds.condition()) if bounds else queryset
        return numbered(page, counted, first=first, exact_up_to=self.exact_up_to)


def is_htmx(request: HttpRequest) -> bool:
    """Whether a fragment is asked for: htmx, when it has lost a page of its history, asks for the whole page again."""
    htmx = HtmxDetails(request)
    return bool(htmx) and not htmx.history_restore_request


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
            raise ImproperlyConfigured(f"{queryset.model.__name__}.{path} may be NULL: no grid can be sorted by it.")
        model = field.related_model
