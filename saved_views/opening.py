"""Opens a saved view: as the person who opens it, and on the day on which it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from listings.dates import Days
from listings.listing import Listing
from listings.registry import Entry, registry
from saved_views.models import SavedView

# Values that a view keeps besides those of the filters.
KEPT = ("sort", "rows")


def values_of(view: SavedView, *, today: date) -> dict[str, str]:
    """Return the values for the list, with the days as they are on a day. Raises UnknownListing."""
    values, filters = dict(view.values), registry[view.listing].listing_class.filterset_class
    if view.days in Days.values and (date_filter := filters.date_range()):
        days = Days(view.days).on(today)
        values |= {name: day.isoformat() for name, day in zip(date_filter.parameters, days, strict=True)}
    return values


def forgotten(view: SavedView) -> list[str]:
    """Return the names of the filters and of days that the list does not know any more. Raises UnknownListing."""
    filters = registry[view.listing].listing_class.filterset_class
    names = [name for name in view.values if name not in {*filters.parameters(), *KEPT}]
    days_known = not view.days or (view.days in Days.values and filters.date_range())
    return names if days_known else [*names, "days"]


def warnings_of(view: SavedView) -> list[str]:
    """Return a sentence for each filter of the view that the list does not know any more. Raises UnknownListing."""
    unknown = _(
        "The list does not know the filter “%(name)s” of this view any more, so it does not count. Save the view again."
    )
    return [unknown % {"name": name} for name in forgotten(view)]


def open_view(view: SavedView, user: User, *, today: date, arguments: Mapping[str, Any] | None = None) -> Listing:
    """Return the list of a view as this person sees it; its `errors` say what of the view is not known any more.

    Raises UnknownListing, PermissionDenied or Http404.
    """
    entry: Entry = registry[view.listing]
    listing = entry.open(user, values_of(view, today=today), arguments)
    listing.warnings[:0] = warnings_of(view)
    return listing
