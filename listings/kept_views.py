"""What a list knows about the views that people keep of it: its menu of them, one that is opened, hidden columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest

if TYPE_CHECKING:
    from listings.listing import Listing
    from listings.registry import Entry


@dataclass(frozen=True)
class OpenedView:
    """A kept view as one person opens it. `warnings` say what of it the list does not know any more."""

    pk: int
    values: Mapping[str, str]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class KeptView:
    """A line of the menu. `change_url` is "" for a view of somebody else; `note` says whose it is, or who sees it."""

    pk: int
    name: str
    url: str
    change_url: str = ""
    note: str = ""
    current: bool = False


@dataclass(frozen=True)
class ViewMenu:
    """The menu "Views" of a list. `address` is the list as it is shown; nothing in it is about people.

    `days` are choices of value, label and whether it is chosen; none for a list without days.
    """

    views: Sequence[KeptView]
    address: str
    save_url: str
    columns_url: str
    all_url: str
    days: Sequence[tuple[str, str, bool]] = ()


class KeptViews(Protocol):
    """Keeps views of lists. The machinery of lists does not know where."""

    def open(self, request: HttpRequest, entry: Entry, number: str) -> OpenedView | None:
        """Return the view of this list with this id; None if this person may not open it, or it is not there."""
        ...

    def hidden_columns(self, listing: Listing) -> Collection[str] | None:
        """Return the names of the columns that the person chose not to see; None without a choice."""
        ...

    def menu(self, listing: Listing, *, address: str, opened: OpenedView | None) -> ViewMenu: ...
