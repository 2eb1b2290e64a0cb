"""The menu "Views" of every list, and the way to a saved view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from core.ids import read_id
from listings.dates import Days, moving_days
from listings.kept_views import KeptView, OpenedView, ViewMenu
from listings.listing import Listing
from listings.registry import Entry
from saved_views.models import SavedView
from saved_views.opening import values_of, warnings_of
from saved_views.services.columns import hidden_columns
from saved_views.services.views import record_opening

FIXED = ""


class SavedViews:
    """Keeps the views of lists in the database: see saved_views/."""

    def open(self, request: HttpRequest, entry: Entry, number: str) -> OpenedView | None:
        user = request.user
        assert isinstance(user, User)
        pk = read_id(number)
        if pk is None or user.viewed_by:
            # The views of a person are nobody else's to see.
            return None
        view = SavedView.objects.offered_to(user).of_list(entry).filter(pk=pk).first()
        if view is None:
            return None
        record_opening(by=user, view=view)
        return OpenedView(view.pk, values_of(view, today=timezone.localdate()), warnings_of(view))

    def hidden_columns(self, listing: Listing) -> list[str] | None:
        return hidden_columns(listing.user, listing)

    def menu(self, listing: Listing, *, address: str, opened: OpenedView | None) -> ViewMenu:
        path, user = address.partition("?")[0], listing.user
        found = SavedView.objects.offered_to(user).of_list(listing.entry)
        return ViewMenu(
            [_line(view, user, path, opened) for view in found],
            address,
            reverse("web:save_view"),
            reverse("web:choose_columns"),
            reverse("web:saved_views"),
            days_of(listing),
        )


def _line(view: SavedView, user: User, path: str, opened: OpenedView | None) -> KeptView:
    is_own = view.owner_id == user.pk
    group = view.group.name if view.group else ""
    if is_own:
        note = gettext("Shared with %(group)s") % {"group": group} if group else ""
    else:
        note = gettext("By %(owner)s, for %(group)s") % {"owner": view.owner.listed_name, "group": group}
    return KeptView(
        view.pk,
        view.name,
        f"{path}?view={view.pk}",
        reverse("web:saved_view", args=[view.pk]) if is_own else "",
        note,
        current=bool(opened and opened.pk == view.pk),
    )


def days_of(listing: Listing) -> list[tuple[str, str, bool]]:
    """Return the choices of days for a new view of a list: those that are shown, or days that move on."""
    period = listing.period
    if period is None:
        return []
    shown, today = (period.first, period.last), timezone.localdate()
    moving = moving_days(period.earliest)
    chosen = next((days for days in moving if days.on(today) == shown), None)
    return [
        (FIXED, gettext("as now, %(days)s") % {"days": period}, chosen is None),
        *((days.value, str(days.label), days == chosen) for days in moving),
    ]


def read_days(text: Any) -> Days | None:
    """Return the days that somebody chose; None for the days as they are."""
    return Days(text) if text in Days.values else None


kept_views = SavedViews()
