"""Files of grids: what settings.LISTING_EXPORTER names."""

from collections.abc import Sequence

from django.http.response import HttpResponseBase

from listings.views import ListingView
from reports.kinds import report_of_grid
from reports.writers import Format
from web.responses import answer


class GridExporter:
    formats: Sequence[tuple[str, str]] = Format.choices

    def __call__(self, view: ListingView, format: str) -> HttpResponseBase:
        return answer(view.request, report_of_grid(view), Format(format))


exporter = GridExporter()
