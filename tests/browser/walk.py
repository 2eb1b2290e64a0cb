"""Every page of a small demo district that an administrator can open, each once, with a name for its picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import NoReverseMatch, resolve
from django.utils.text import slugify

from accounts.models import User
from accounts.tools import Tool
from listings.registry import registry
from messenger_logs.choices import Engine
from messenger_logs.models import SentMessage
from tests.web.test_crawl import arguments_of, examples_by_status, other_pages
from web.help import help_url
from web.message_urls import message_url

# The pages of a message, "" for its own.
PARTS = ("", "recipients", "unreached", "call_sheet", "report", "cancel", "retry")


class Stop(NamedTuple):
    name: str
    address: str


def stops(user: User) -> Iterator[Stop]:
    """Yield each page. Some answer with a file, a redirect or a part of a page: the visitor passes those by."""
    seen: set[str] = set()
    for stop in (*of_messages(), *of_lists(user), *others()):
        if stop.address not in seen:
            seen.add(stop.address)
            yield stop


def of_messages() -> Iterator[Stop]:
    for status, message in sorted(examples_by_status().items()):
        for part in PARTS if status in ("sent", "in_progress") else PARTS[:1]:
            if address := _of_message(message, part):
                yield Stop(slugify(f"message {status} {part}"), address)


def _of_message(message: SentMessage, part: str) -> str:
    tool = Tool.SENT_MESSAGE_LOG_2 if message.engine == Engine.V2 else Tool.ADMIN_SENT_MESSAGE_LOG
    try:
        return message_url(tool, message.pk, *filter(None, [part]))
    except NoReverseMatch:
        return ""  # Not every tool has every part.


def of_lists(user: User) -> Iterator[Stop]:
    for entry in registry:
        if entry.path and "message_log_message" not in entry.name:
            yield Stop(slugify(f"list {entry.name}"), entry.url(**arguments_of(entry, user)))


def others() -> Iterator[Stop]:
    for page in other_pages():
        if not page.htmx and not page.address.startswith(("/api/", "/admin/", "/accounts/logout")):
            yield Stop(slugify(f"page {resolve(page.address).view_name}"), page.address)
    yield Stop("help-contacts-to-fix", help_url(Tool.ADMIN_CONTACTS_TO_FIX))
