"""The one register of listings: the name, tool and address of each. Pages, API, exports and reports find them here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.auth.models import AbstractUser
from django.urls import reverse

if TYPE_CHECKING:
    from listings.listing import Listing


class Tool(Protocol):
    """What a listing knows of the tool that opens it: see accounts.tools."""

    @property
    def label(self) -> str: ...

    @property
    def menu(self) -> str: ...


class UnknownListing(LookupError):
    """No listing has this name."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A listing at one address, opened by the rights of one tool.

    `name` stands in stored reports, so it never changes; it is the name of the URL, too. `path` is the address as
    django.urls.path takes it; its arguments, such as the id of a message, are those of the listing. `api_name` is what
    the API calls it, where the API has it; `title` is given where the label of the tool is not the title.
    """

    name: str
    listing_class: type[Listing]
    tool: Any  # a Tool; each room knows its own type of it
    path: str
    api_name: str = ""
    title: str = ""

    def open(
        self, user: AbstractUser, values: Mapping[str, str], arguments: Mapping[str, Any] | None = None, **options: Any
    ) -> Listing:
        """The listing as this user sees it; raises what Listing raises."""
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
        """The log that the menu shows for a tool; or another log of the same tool, by its class."""
        logs = (entry for entry in self if entry.tool is tool and entry.stands_alone)
        return next((entry for entry in logs if listing_class in (None, entry.listing_class)), None)

    def in_api(self, resource: str) -> dict[str, Entry]:
        """The listings of one resource of the API, by the names that the API gives them."""
        return {
            entry.api_name: entry for entry in self if entry.api_name and entry.listing_class.api_resource == resource
        }


registry = Registry()
