"""The lists of addresses that the provider does not try, for each domain, and their API.

    GET    /v3/{domain}/{list}?limit=100   a page; `paging.next` leads on, and only an empty page is the last
    POST   /v3/{domain}/{list}             one entry as a form, or many as a JSON list
    DELETE /v3/{domain}/{list}             all of them
    GET    /v3/{domain}/{list}/{address}   one entry
    DELETE /v3/{domain}/{list}/{address}   take it off: mail to it is tried again

Source: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun
"""

import json
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.utils import formatdate
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from sandbox.clock import Clock
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.people import Mailbox, Person

if TYPE_CHECKING:
    from sandbox.provider import Provider

LISTS = ("bounces", "complaints", "unsubscribes", "whitelists")
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000

Entry = dict[str, Any]

# The list of a mailbox that the provider does not try.
LIST_OF = {
    Mailbox.BOUNCED_BEFORE: "bounces",
    Mailbox.UNSUBSCRIBED: "unsubscribes",
    Mailbox.COMPLAINED_BEFORE: "complaints",
}
_MAILBOX_OF = {name: mailbox for mailbox, name in LIST_OF.items()}
_REMOVED = {
    "bounces": "Bounced address has been removed",
    "complaints": "Spam complaint has been removed",
    "unsubscribes": "Unsubscribe event has been removed",
    "whitelists": "Allowlist address/domain has been removed",
}


class Suppressions:
    """The lists of one domain. Addresses are compared in lower case. Several threads may use it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # An entry shows from its moment on: the store of events has those of the future, too.
        self._entries: dict[str, dict[str, tuple[float, Entry]]] = {name: {} for name in LISTS}
        self._order: dict[str, list[str]] = {}
        # Who was taken off a list gets mail again, whatever the chances say.
        self._allowed: set[str] = set()
        self._lock = threading.Lock()

    def add(self, name: str, entries: Iterable[Entry], at: float = 0.0) -> None:
        """Add entries with `address`, those of the allowlist with `value`; they show from `at` on."""
        with self._lock:
            for entry in entries:
                key = str(entry.get("address") or entry.get("value") or "").lower()
                if key not in self._entries[name] or at <= self._clock.now():
                    self._entries[name][key] = at, entry
            self._order.pop(name, None)

    def get(self, name: str, address: str) -> Entry | None:
        """Return an entry; None if the list does not have the address."""
        at, entry = self._entries[name].get(address.lower(), (0.0, None))
        return entry if at <= self._clock.now() else None

    def remove(self, name: str, address: str) -> bool:
        """Take an address off a list. Returns whether it was there."""
        found = self.get(name, address) is not None
        with self._lock:
            self._allowed.add(address.lower())
            self._order.pop(name, None)
            self._entries[name].pop(address.lower(), None)
        return found

    def clear(self, name: str) -> None:
        """Take all addresses off a list."""
        for address in list(self._entries[name]):
            self.remove(name, address)

    def counts(self) -> dict[str, int]:
        """Return the number of entries of each list."""
        now = self._clock.now()
        return {name: sum(at <= now for at, _ in entries.values()) for name, entries in self._entries.items()}

    def page(self, name: str, *, after: str, before: str, limit: int) -> tuple[list[Entry], str, str]:
        """Return entries in the order of their addresses, and the first and the last of these addresses."""
        now = self._clock.now()
        with self._lock:
            order = self._order.setdefault(name, sorted(self._entries[name]))
            if before:
                keys: Iterable[str] = reversed(order[: bisect_left(order, before)])
            else:
                keys = islice(order, bisect_right(order, after) if after else 0, None)
            found = ((key, self._entries[name][key]) for key in keys)
            shown = list(islice(((key, entry) for key, (at, entry) in found if at <= now), limit))
        shown.sort(key=itemgetter(0))
        entries = [entry for _, entry in shown]
        return entries, shown[0][0] if shown else before or after, shown[-1][0] if shown else after

    def note(self, person: Person, at: float) -> None:
        """Put a person on the list of their mailbox, if it has one, and nobody took them off."""
        name = LIST_OF.get(person.mailbox)
        if name and person.address.lower() not in self._allowed and not self.get(name, person.address):
            self.add(name, [_entry_of(person.mailbox, person.address, at)], at)

    def mailbox(self, person: Person, at: float) -> Person:
        """Return the person with the mailbox that mail meets now: the lists decide, and chance fills them."""
        self.note(person, at)
        for name, mailbox in _MAILBOX_OF.items():
            if self.get(name, person.address):
                return replace(person, mailbox=mailbox)
        return replace(person, mailbox=Mailbox.GOOD) if person.mailbox in LIST_OF else person

    def learn(self, event: dict[str, Any], at: float) -> None:
        """Put the recipient of a bounce, a complaint or an unsubscribe on the list, as the provider does."""
        address = event.get("recipient")
        if not isinstance(address, str) or self._is_allowlisted(address):
            return
        if event.get("event") == "failed" and event.get("reason") == "bounce":
            status = event.get("delivery-status") or {}
            entry = {"code": str(status.get("code", 550)), "error": status.get("message", "")}
            self.add("bounces", [{"address": address, **entry, "created_at": _date(at)}], at)
        elif event.get("event") == "complained":
            self.add("complaints", [{"address": address, "created_at": _date(at)}], at)
        elif event.get("event") == "unsubscribed":
            self.add("unsubscribes", [{"address": address, "tags": ["*"], "created_at": _date(at)}], at)

    def _is_allowlisted(self, address: str) -> bool:
        allowed = self._entries["whitelists"]
        return address.lower() in allowed or address.lower().rpartition("@")[2] in allowed


def _entry_of(mailbox: Mailbox, address: str, at: float) -> Entry:
    """Return the entry of an address that is not tried any more."""
    entry: Entry = {"address": address, "created_at": _date(at)}
    if mailbox is Mailbox.BOUNCED_BEFORE:
        entry |= {"code": "550", "error": "5.1.1 Nobody here has this address"}
    if mailbox is Mailbox.UNSUBSCRIBED:
        entry |= {"tags": ["*"]}
    return entry


def respond(provider: "Provider", request: Request, name: str, address: str, fault: Fault | None) -> Response:
    """Answer a request about a list, or about one address of it. Raises RefusedError if it breaks a rule."""
    lists, address = provider.suppressions[request.domain], unquote(address)
    match request.method, address:
        case "GET", "":
            return Response(200, _page(lists, request, name, fault))
        case "POST", "":
            entries = list(_given(request))
            lists.add(name, entries)
            return Response.json({"message": f"{len(entries)} addresses have been added to the {name} table"})
        case "DELETE", "":
            lists.clear(name)
            return Response.json({"message": "The list has been cleared"})
        case "GET", _:
            if entry := lists.get(name, address):
                return Response.json(entry)
        case "DELETE", _:
            if lists.remove(name, address):
                return Response.json({"address": address, "message": _REMOVED[name]})
        case _:
            raise RefusedError(405, "Lists can be read, added to, and cleared")
    raise RefusedError(404, f"Address not found in {name} table")


def _page(lists: Suppressions, request: Request, name: str, fault: Fault | None) -> bytes:
    given = dict(request.parameters)
    limit = given.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MAX_LIMIT):
        raise RefusedError(400, f"limit must be a number from 1 to {MAX_LIMIT}")
    kind = fault.kind if fault else None
    size = fault.size if fault and kind is Kind.SHORT else int(limit)
    entries, first, last = lists.page(name, after=given.get("after", ""), before=given.get("before", ""), limit=size)
    base = f"http://{request.host}/v3/{quote(request.domain)}/{name}?limit={limit}"
    paging = {
        "first": base,
        "next": f"{base}&{urlencode({'after': last})}",
        "previous": f"{base}&{urlencode({'before': first})}",
        "last": f"{base}&{urlencode({'before': chr(0x10FFFF)})}",
    }
    if fault and kind is Kind.FOREIGN_NEXT:
        paging["next"] = fault.host + paging["next"].removeprefix(f"http://{request.host}")
    if kind is Kind.REPEATED_NEXT:
        paging["next"] = request.url
    texts = [json.dumps(entry) for entry in entries]
    if fault and kind is Kind.POISON:
        text = fault.text if isinstance(fault.text, str) else fault.text.decode(errors="replace")
        texts.insert(len(texts) // 2, text)
    items = json.dumps(fault.value) if fault and kind is Kind.ITEMS else f"[{','.join(texts)}]"
    return f'{{"items":{items},"paging":{json.dumps(paging)}}}'.encode()


def _given(request: Request) -> Iterator[Entry]:
    """Yield the entries of a body: those of a JSON list, or one of a form."""
    # The form is that of sending mail.
    from sandbox.messages_api import read_form

    if request.content_type.startswith("application/json"):
        yield from request.json()
    else:
        form = {name: values[0] for name, values in read_form(request).items()}
        if not form.get("address"):
            raise RefusedError(400, "'address' parameter is missing")
        yield {"created_at": _date(request.at), **form}


def _date(at: float) -> str:
    return formatdate(at, usegmt=True).replace("GMT", "UTC")
