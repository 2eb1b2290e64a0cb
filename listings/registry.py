"""The one registry of listings: the name, tool and address of each. Pages, API, exports and reports use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.auth.models import AbstractUser
from django.urls import reverse

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from listings.listing import Listing


class Tool(Protocol):
    """What a listing knows about its tool; see accounts.tools."""

    @property
    def label(self) -> str: ...

    @property
    def menu(self) -> str: ...


class UnknownListing(LookupError):
    """No listing has this name."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A listing at one address; the rights of one tool open it.

    `name` is stored in reports, so it never changes; it is also the name of the URL. `path` is the route for
    django.urls.path; its arguments, such as the id of a message, are those of the listing. `api_name` is its name in
    the API, if the API has it. `title` replaces the tool's label.
    """

    name: str
    listing_class: type[Listing]
    tool: Any  # a Tool; each room knows its own type of it
    path: str
    api_name: str = ""
    title: StrOrPromise = ""

    def open(
        self, user: AbstractUser, values: Mapping[str, str], arguments: Mapping[str, Any] | None = None, **options: Any
    ) -> Listing:
        """Return the listing as this user sees it. Raises the same errors as Listing."""
        return self.listing_class(self, user, values, arguments or {}, **options)

    @property
    def url_name(self) -> str:
        return f"web:{self.name}"

    def url(self, **arguments: Any) -> str:
        return reverse(self.url_name, kwargs=arguments)

    @property
    def stands_alone(self) -> bool:
        """Whether its address needs no arguments: a log, not a part of one message."""
        return bool(self.path) and "<" not in self.path


class Registry:
    """Listings by name, in the order of their registration."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def register(self, *entries: Entry) -> None:
        for entry in entries:
            if entry.name in self._entries:
                raise ValueError(f"There are two listings named {entry.name}.")
            self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownListing(name) from None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def of_tool(self, tool: Tool, listing_class: type[Listing] | None = None) -> Entry | None:
        """Return the log that the menu shows for a tool; with a class, that tool's log of this class. None if none."""
        logs = (entry for entry in self if entry.tool is tool and entry.stands_alone)
        return next((entry for entry in logs if listing_class in (None, entry.listing_class)), None)

    def in_api(self, resource: str) -> dict[str, Entry]:
        """Return the listings of one API resource, by their names in the API."""
        return {
            entry.api_name: entry for entry in self if entry.api_name and entry.listing_class.api_resource == resource
        }


registry = Registry()
