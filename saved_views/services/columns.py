"""Which columns of a list a person sees on its page. Files have all of them."""

from __future__ import annotations

from collections.abc import Collection

from accounts.models import User
from listings.listing import Listing
from saved_views.models import HiddenColumns


def hidden_columns(user: User, listing: Listing) -> list[str] | None:
    """Return the names of the columns that a person chose not to see; None if the person never chose."""
    chosen = HiddenColumns.objects.filter(user=user, listing=listing.entry.name)
    names: list[str] | None = chosen.values_list("columns", flat=True).first()
    return names


def choose_columns(*, by: User, listing: Listing, shown: Collection[str]) -> None:
    """Show a person these columns of a list from now on. What a row is about, and how it went, stay in any case."""
    hidden = [column.name for column in listing.table.offered if column.name not in shown]
    choice = HiddenColumns(user=by, listing=listing.entry.name, columns=hidden)
    HiddenColumns.objects.bulk_create(
        [choice], update_conflicts=True, unique_fields=["user", "listing"], update_fields=["columns"]
    )
