from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from accounts.access import home_url
from accounts.models import User
from accounts.tools import MESSAGE_LOGS, RECIPIENT_LOGS, Menu, Right, Tool


@dataclass(frozen=True)
class Entry:
    label: str
    url: str
    current: str
    """What aria-current says: "page" on this very page, "true" on a page below it, else nothing."""


@dataclass(frozen=True)
class Group:
    label: str
    entries: list[Entry]


def tools_of(user: User) -> Iterator[Tool]:
    """The tools that this user may open and whose page exists, in the order of the menu."""
    return (tool for tool in Tool if tool.url_name and user.may(tool))


def menu_of(user: User, path: str) -> list[Group]:
    """What the left menu shows this user on the page with this path."""
    home = home_url()
    groups: dict[Menu, list[Entry]] = {menu: [] for menu in Menu}
    groups[Menu.MESSENGER].append(Entry("Home", home, "page" if path == home else ""))
    for tool in tools_of(user):
        url = reverse(tool.url_name)
        below = "true" if path.startswith(url) else ""
        groups[tool.menu].append(Entry(tool.label, url, "page" if path == url else below))
    return [Group(menu, entries) for menu, entries in groups.items() if entries]


def search_words_of(user: User) -> str:
    """What the search of the top bar finds for this user: "person, message or address"; "" for nothing at all."""
    people, messages = any(map(user.may, RECIPIENT_LOGS)), any(map(user.may, MESSAGE_LOGS))
    if people:
        return "person, message or address" if messages else "person or address"
    return "message" if messages else ""


def may_use_api(user: User) -> bool:
    """Whether the REST API has anything for this user."""
    return user.may(Tool.MESSAGE_IMPORT, Right.WRITE) or any(True for _ in tools_of(user))
