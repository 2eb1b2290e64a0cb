"""The export of a listing with its filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy

from accounts.models import User
from accounts.scopes import Scope
from listings.columns import Column as ListColumn
from listings.columns import NumberColumn, TimeColumn
from listings.exports import exported_columns, exported_rows
from listings.listing import Listing
from listings.registry import UnknownListing, registry
from reports.document import Column, Document, Kind, Rows, Section
from reports.report import BadOptions, Pairs, Report, asked_for_by, moment
from reports.writers import Format


class ListingReport(Report):
    """All rows that pass a listing's filters, with its columns and in its order.

    The stored `options` name the listing: `{"listing": name, "arguments": {…}, "values": {…}}`. The listing decides
    what the user may see, as it does for the page.
    """

    kind = "listing"
    label = pgettext_lazy("report", "Export")
    # Whether a CSV has the sections above the rows, too.
    summary_in_csv = False

    def __init__(self, listing: Listing, *, rows_only: bool = False) -> None:
        """Make the report of a listing. With `rows_only`, a CSV has nothing above its rows."""
        self.listing, self.rows_only = listing, rows_only

    @classmethod
    def open(cls, user: User, options: dict[str, Any]) -> Self:
        try:
            entry = registry[options["listing"]]
        except UnknownListing:
            raise Http404(gettext("That list is not there any more.")) from None
        listing = entry.open(user, options["values"], options["arguments"])
        if listing.errors:
            raise BadOptions(" ".join(listing.errors))
        return cls(listing, rows_only=options.get("rows_only", False))

    @property
    def options(self) -> dict[str, Any]:
        listing = self.listing
        return {
            "listing": listing.entry.name,
            "arguments": dict(listing.arguments),
            "values": listing.query_params(),
            **({"rows_only": True} if self.rows_only else {}),
        }

    @property
    def permissions(self) -> list[str]:
        return self.listing.permissions

    @property
    def scope(self) -> Scope:
        return Scope.of(self.listing.schools)

    @property
    def title(self) -> str:
        return str(self.listing.title)

    @property
    def file_name(self) -> str:
        return f"{self.listing.export_name}-{timezone.localdate():%Y-%m-%d}"

    def count(self, limit: int | None = None) -> int:
        return self.listing.count(limit)

    def record_request(self, *, by: User, format: Format, rows: int | None) -> None:
        self.listing.record_export(rows, format.value)

    def document(self) -> Document:
        columns = exported_columns(self.listing.table)
        return Document(
            title=self.title,
            subtitle=settings.DISTRICT_NAME,
            generated_on=moment(timezone.now(), seconds=True),
            header=list(self.header()),
            sections=[
                *self.sections(),
                Rows(
                    self.row_heading,
                    [Column(str(column.header), _width(column), _kind(column)) for column in columns],
                    exported_rows(self.listing.export_queryset(), self.listing.table),
                ),
            ],
            landscape=len(columns) > 5,
            summary_in_csv=self.summary_in_csv and not self.rows_only,
        )

    @property
    def row_heading(self) -> str:
        return str(self.listing.row_name).capitalize()

    def header(self) -> Iterator[tuple[str, str]]:
        """Yield the log, its active filters, and who asked, as pairs of label and value."""
        if self.listing.menu_path:
            yield gettext("Log"), f"{self.listing.menu_path} › {self.listing.title}"  # noqa: RUF001
        yield from self.filters() or [(gettext("Filters"), pgettext("filters", "none"))]
        yield from asked_for_by(self.listing.user)

    @property
    def criteria(self) -> Pairs:
        return self.filters()

    def filters(self) -> Pairs:
        filterset = self.listing.filterset
        days = [(str(filterset.date_filter.label), str(filterset.period))] if filterset.date_filter else []
        return [*days, *((str(label), str(value)) for label, value in filterset.in_use())]

    def sections(self) -> list[Section]:
        """Return the sections above the rows."""
        return []


def _kind(column: ListColumn) -> Kind:
    match column:
        case NumberColumn():
            return Kind.NUMBER
        case TimeColumn():
            return Kind.TIME
        case _:
            return Kind.TEXT


def _width(column: ListColumn) -> float:
    if isinstance(column, NumberColumn):
        return 0.6
    if isinstance(column, TimeColumn):
        return 1.15
    long = "a" in column.attrs or {"wide", "address"} & {*column.attributes("td").get("class", "").split()}
    return 1.9 if long else 1.1
