"""Makes files of listings: the menu "Export" of every list."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from listings.listing import Listing
from reports.kinds import report_of
from reports.writers import Format
from web.responses import report_response

ROWS_ONLY = "csv-rows"
"""The value of ?export= for a CSV without what a report has above its rows."""


class ListingExporter:
    def formats(self, listing: Listing) -> Sequence[tuple[str, str]]:
        choices = [(format.value, str(format.label)) for format in Format]
        if report_of(listing).summary_in_csv:
            choices.insert(
                choices.index((Format.CSV.value, Format.CSV.label)) + 1, (ROWS_ONLY, gettext("CSV, rows only"))
            )
        return choices

    def __call__(self, request: HttpRequest, listing: Listing, format: str) -> HttpResponseBase:
        if format == ROWS_ONLY:
            return report_response(request, report_of(listing, rows_only=True), Format.CSV)
        return report_response(request, report_of(listing), Format(format))


exporter = ListingExporter()
