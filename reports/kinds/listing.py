"""The export of a grid, as it is filtered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import timezone

from accounts.access import MissingRight, ToolRightMixin
from accounts.models import User
from listings.columns import NumberColumn, TimeColumn
from listings.exports import exported_columns, exported_rows
from listings.views import ListingView
from reports.document import Column, Document, Rows, Section
from reports.kinds.base import BadOptions, Pairs, Report, moment
from reports.writers import Format


class ListingReport(Report):
    """All the rows that a grid's filters show, in its columns and its order.

    It is opened from the grid's own view, so whom it shows what is decided where the page decides it.
    """

    kind = "grid"
    label = "Export"

    def __init__(self, view: ListingView, options: dict[str, Any]) -> None:
        self.view = view
        self._options = options

    @classmethod
    def of(cls, view: ListingView) -> Self:
        """Of a grid that was asked for by a request."""
        match = view.request.resolver_match
        options = {
            "view": match.view_name if match else "",
            "arguments": dict(match.kwargs) if match else {},
            "asked": view.as_asked(),
        }
        return cls(view, options)

    @classmethod
    def open(cls, user: User, options: dict[str, Any]) -> Self:
        try:
            address = reverse(options["view"], kwargs=options["arguments"])
        except NoReverseMatch:
            raise Http404("That list is not there any more.") from None
        return cls(grid_view(user, address, options["asked"]), options)

    @property
    def options(self) -> dict[str, Any]:
        return self._options

    @property
    def title(self) -> str:
        return str(self.view.title)

    @property
    def file_name(self) -> str:
        return f"{self.view.export_name}-{timezone.localdate():%Y-%m-%d}"

    def count(self, limit: int | None = None) -> int:
        rows = self.view.filterset.qs.order_by()
        return int((rows if limit is None else rows[:limit]).count())

    def record(self, *, by: User, format: Format, rows: int | None) -> None:
        self.view.recorded_export(rows, format.value)

    def document(self) -> Document:
        columns = exported_columns(self.view.table)
        return Document(
            title=self.title,
            subtitle=settings.DISTRICT_NAME,
            generated_on=moment(timezone.now(), seconds=True),
            header=list(self.header()),
            sections=[
                *self.sections(),
                Rows(
                    self.row_heading,
                    [Column(str(column.header), _width(column)) for column in columns],
                    exported_rows(self.view.exported(), self.view.table),
                ),
            ],
            landscape=len(columns) > 5,
        )

    @property
    def row_heading(self) -> str:
        return self.view.row_name.capitalize()

    def header(self) -> Iterator[tuple[str, str]]:
        """From where it is, and which filters are on."""
        if self.view.menu_path:
            yield "Log", f"{self.view.menu_path} › {self.view.title}"  # noqa: RUF001
        yield from self.filters()

    def filters(self) -> Pairs:
        filterset = self.view.filterset
        days = [(filterset.date_filter.label, str(filterset.period))] if filterset.date_filter else []
        return [*days, *filterset.in_use()]

    def sections(self) -> list[Section]:
        """What stands above the rows."""
        return []


def grid_view(user: User, address: str, asked: dict[str, str]) -> ListingView:
    """The grid at an address, as this user sees it. Raises MissingRight, Http404 and BadOptions."""
    match = resolve(address)
    request = HttpRequest()
    request.method, request.path, request.user, request.resolver_match = "GET", address, user, match
    view: ListingView = match.func.view_class(**match.func.view_initkwargs)  # type: ignore[attr-defined]
    view.setup(request, **match.kwargs)
    if isinstance(view, ToolRightMixin) and not user.may(view.tool, view.right):
        raise MissingRight(view.tool, view.right)
    view.complaints = []
    view.begin(asked, find="")
    if wrong := [*view.filterset.problems, *view.complaints]:
        raise BadOptions(" ".join(wrong))
    return view


def _width(column: Any) -> float:
    if isinstance(column.column, NumberColumn):
        return 0.6
    if isinstance(column.column, TimeColumn):
        return 1.15
    long = "a" in column.column.attrs or {"wide", "address"} & set((column.attrs["td"].get("class") or "").split())
    return 1.9 if long else 1.1
