"""The left menu, the pages of tools, and the hint of the search field."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from accounts.access import home_url
from accounts.models import User
from accounts.tools import MAILGUN_TOOLS, MESSAGE_LOGS, RECIPIENT_LOGS, Menu, Tool
from listings.registry import registry
from providers import mailgun


@dataclass(frozen=True)
class Entry:
    label: str
    url: str
    current: str
    """The value of aria-current: "page" on this page, "true" on a page below it, else ""."""


@dataclass(frozen=True)
class Group:
    label: str
    entries: list[Entry]


# The pages of tools that are no listing.
_OTHER_PAGES = {
    Tool.MAILGUN_SYNC: "web:system_health",
    Tool.MESSAGE_IMPORT: "web:message_import",
    Tool.USER_GROUPS: "web:user_groups",
    Tool.ROSTER: "web:roster",
    Tool.RECORDS_REQUEST: "web:records_requests",
    Tool.RETENTION: "web:retention",
    Tool.ERASE: "web:erase",
    Tool.SCHEDULED_REPORTS: "web:scheduled_reports",
}


def page_url(tool: Tool) -> str:
    """Return the address of a tool's page in the menu; "" for a tool that only programs use."""
    if tool in _OTHER_PAGES:
        return reverse(_OTHER_PAGES[tool])
    return entry.url() if (entry := registry.of_tool(tool)) else ""


def tools_of(user: User) -> list[tuple[Tool, str]]:
    """Return the tools that this user may open, with the addresses of their pages, in the order of the menu.

    Those of Mailgun are left out where nothing can come from Mailgun.
    """
    tools = [tool for tool in Tool if tool not in MAILGUN_TOOLS or mailgun.is_configured()]
    return [(tool, url) for tool in tools if (url := page_url(tool)) and user.may(tool, tool.opened_by)]


def menu_of(user: User, path: str) -> list[Group]:
    """Return the left menu for this user, on the page with this path."""
    home = home_url()
    groups: dict[Menu, list[Entry]] = {menu: [] for menu in Menu}
    groups[Menu.MESSENGER].append(Entry(gettext("Home"), home, "page" if path == home else ""))
    for tool, url in tools_of(user):
        below = "true" if path.startswith(url) else ""
        groups[tool.menu].append(Entry(str(tool.label), url, "page" if path == url else below))
    return [Group(menu.label, entries) for menu, entries in groups.items() if entries]


def search_words_of(user: User) -> str:
    """Return what the search in the top bar finds for this user: "person, message or address"; "" for nothing.

    Nothing is searched while an administrator sees the product as this user.
    """
    if user.viewed_by:
        return ""
    people, messages = any(map(user.may, RECIPIENT_LOGS)), any(map(user.may, MESSAGE_LOGS))
    if people:
        return gettext("person, message or address") if messages else gettext("person or address")
    return pgettext("search", "message") if messages else ""


def may_use_api(user: User) -> bool:
    """Whether this user may do anything with the REST API."""
    return not user.viewed_by and any(page_url(tool) and user.may(tool, tool.opened_by) for tool in Tool)
