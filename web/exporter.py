"""Makes files of listings: the menu "Export" of every list."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from listings.listing import Listing
from reports.kinds import report_of
from reports.writers import Format
from web.responses import report_response


class ListingExporter:
    formats: Sequence[tuple[str, str]] = Format.choices

    def __call__(self, request: HttpRequest, listing: Listing, format: str) -> HttpResponseBase:
        return report_response(request, report_of(listing), Format(format))


exporter = ListingExporter()
