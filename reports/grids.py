"""Files of grids: what settings.GRID_EXPORTER names."""

from collections.abc import Sequence

from django.http.response import HttpResponseBase

from grid.views import GridView
from reports.answers import answer
from reports.kinds import report_of_grid
from reports.writers import Format


class GridExporter:
    formats: Sequence[tuple[str, str]] = Format.choices

    def __call__(self, view: GridView, format: str) -> HttpResponseBase:
        return answer(view.request, report_of_grid(view), Format(format))


exporter = GridExporter()
