"""The client of Mailgun's lists of suppressions: it reads them page by page, and takes an address off.

Source: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun , at bounces, complaints,
unsubscribe, allowlist. Other facts of Mailgun are in providers/mailgun.py.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import stamina
from django.conf import settings

from core.text import storable
from mailgun_sync.choices import SuppressionList
from mailgun_sync.client import ProviderError, TransientError
from messenger_logs.services.addresses import mailbox
from providers import mailgun
from providers.http import NoAnswerError, NotSetUpError, TryLaterError, UnknownError, wait_of
from providers.mailgun_pages import Item, read_page
from providers.transport import new_session

MAX_PAGES = 10_000
# After this time a request for a page is not repeated. Its domain waits for the next day.
PAGE_SECONDS = 5 * 60
LONGEST_ADDRESS = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list. The fields have the names of the columns of SuppressionEntry."""

    list: str
    key: str
    address: str = ""
    mailbox: str = ""
    code: str = ""
    reason: str = ""
    everything: bool = True
    suppressed_at: datetime | None = None
    error: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Mailgun answered when it should take an address off a list. ``done``: it is off, or was not on it."""

    done: bool
    text: str


def entry_of(name: SuppressionList, item: Item) -> Entry:
    """Return the entry of an item of a page. One without an address that can be compared has an error."""
    raw = storable(item.raw)
    value = item.value if isinstance(item.value, dict) else {}
    address: Any = value.get("value" if name is SuppressionList.ALLOWLIST else "address")
    error = item.error or _error(item.value, address)
    if error:
        return Entry(name.value, hashlib.sha256(raw.encode()).hexdigest(), error=error, raw=raw)
    address = storable(address)
    return Entry(
        name.value,
        address,
        address=address,
        mailbox=mailbox(address)[:LONGEST_ADDRESS],
        code=_text(value.get("code"))[:32],
        reason=_text(value.get("error") or value.get("reason"))[:2000],
        everything=_is_for_everything(value.get("tags")),
        suppressed_at=_moment(value.get("created_at") or value.get("createdAt")),
        raw=raw,
    )


def _error(value: Any, address: Any) -> str:
    if not isinstance(value, dict):
        return "It is not a JSON object."
    if not isinstance(address, str) or not address.strip():
        return "It names no address."
    return "Its address is too long." if len(address) > LONGEST_ADDRESS else ""


def _text(value: Any) -> str:
    # The numbers of a page are floats: see providers/mailgun_pages.py.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return storable(value) if isinstance(value, str) else ""


def _is_for_everything(tags: Any) -> bool:
    """Whether an entry is about all mail. Unsubscribes may name tags, and then other mail still goes out."""
    return not isinstance(tags, list) or not tags or "*" in tags


def _moment(text: Any) -> datetime | None:
    """Read a date such as "Fri, 21 Oct 2011 11:02:55 GMT", or "… UTC"; None for anything else."""
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None


class SuppressionLists:
    """The lists of a domain, with base and key of the settings. Raises ProviderError if the settings lack one."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        try:
            self._api = mailgun.api(timeout=mailgun.EVENTS_TIMEOUT)
        except NotSetUpError as error:
            raise ProviderError(str(error)) from error

    def pages(self, name: SuppressionList) -> Iterator[list[Entry]]:
        """Yield the entries of a list, in non-empty pages. It ends only after Mailgun's empty page.

        Raises ProviderError.
        """
        url, seen = self._api.base + mailgun.suppressions_path(self.domain, name), set[str]()
        with new_session() as session:
            for _ in range(MAX_PAGES):
                items, next_url = self._ask(session, url)
                if not items:
                    return
                content = hashlib.sha256(json.dumps([item.raw for item in items]).encode()).hexdigest()
                if content in seen:
                    raise ProviderError("Mailgun gave the same page again as the next page.")
                seen |= {url, content}
                yield [entry_of(name, item) for item in items]
                if _origin(next_url) != _origin(url):
                    raise ProviderError("Mailgun's next page is on another host; the key is not sent there.")
                if next_url in seen:
                    raise ProviderError("Mailgun named a page it had given already as the next page.")
                url = next_url
        raise ProviderError(f"Mailgun gave more than {MAX_PAGES:,} pages.")

    def take_off(self, name: SuppressionList, address: str) -> Answer:
        """Ask Mailgun to take an address off a list. To ask again does no harm."""
        try:
            reply = self._api.ask("DELETE", mailgun.suppressions_path(self.domain, name, address), expected=(404,))
        except (TryLaterError, UnknownError) as error:
            return Answer(done=False, text=str(error))
        if reply.ok and (said := reply.object()):
            return Answer(done=True, text=storable(str(said.get("message", f"status {reply.status}")))[:500])
        if reply.ok:
            return Answer(done=False, text="The answer is a web page: is MAILGUN_API_BASE right?")
        if reply.status == 404 and "domain" not in mailgun.error_message(reply).lower():
            return Answer(done=True, text="Mailgun does not have it on this list (404).")
        return Answer(done=False, text=storable(mailgun.suppressions_error(reply))[:500])

    def _ask(self, session: requests.Session, url: str) -> tuple[list[Item], str]:
        retry = stamina.RetryingCaller(
            attempts=settings.MAILGUN_ATTEMPTS, timeout=PAGE_SECONDS, wait_initial=0.5, wait_max=30
        )
        return retry(TransientError, self._ask_once, session, url)

    def _ask_once(self, session: requests.Session, url: str) -> tuple[list[Item], str]:
        try:
            reply = self._api.request("GET", url, session=session)
        except NoAnswerError as error:
            raise TransientError(str(error)) from error
        if reply.status == 429:
            wait = wait_of(reply.headers)
            seconds = max(wait.total_seconds(), 0) if wait else 1
            if seconds > PAGE_SECONDS:
                raise ProviderError("Mailgun's rate limit is used up (429) for longer than we wait.")
            time.sleep(seconds)
            raise TransientError("Mailgun's rate limit is used up (429).")
        if reply.status != 200:
            kind = TransientError if reply.status >= 500 else ProviderError
            raise kind(mailgun.suppressions_error(reply))
        return _read(reply.raw)


def _read(text: str) -> tuple[list[Item], str]:
    """Return the items of a page, and the address of the next one."""
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        raise ProviderError("The answer is a web page and not a list: is MAILGUN_API_BASE right?")
    try:
        items, members = read_page(text, lambda item: item)
    except (ValueError, RecursionError) as error:
        raise TransientError("Mailgun's answer broke off or is not JSON.") from error
    if items is None:
        raise ProviderError("Mailgun's answer has no list of entries.")
    paging = members.get("paging")
    return items, str(paging.get("next", "")) if isinstance(paging, dict) else ""


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL; empty ones for a text that is no URL."""
    try:
        return urlsplit(url)[:2]
    except ValueError:
        return "", ""
