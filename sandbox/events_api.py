"""The Events API: the rules for its parameters, and its answers."""

import json
import math
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from sandbox.events import FILTER_FIELDS, Cursor, Event, Page, Search, to_ms
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.provider import Provider

DEFAULT_LIMIT = 100
MAX_LIMIT = 300


def respond(provider: Provider, request: Request, token: str, fault: Fault | None) -> Response:
    """Answer with a page of the domain's events: the first page of the parameters, or the page of the token.

    Raises RefusedError if the request breaks a rule.
    """
    if request.method != "GET":
        raise RefusedError(405, "Events can only be read")
    if token and request.query:
        raise RefusedError(400, "A page address is called as it is, without parameters")
    cursor = Cursor.from_token(token) if token else Cursor(parse_search(request.parameters))
    provider.write_mail_events()
    now = provider.clock.now()
    page = provider.stores[request.domain].page(
        cursor,
        now=now,
        oldest=now - provider.retention.total_seconds(),
        limit=fault.size if fault and fault.kind is Kind.SHORT else None,
    )
    if fault and fault.kind is Kind.LOOP:
        page = replace(page, next=replace(cursor, page=cursor.page + 1))
    return Response(200, _render(page, request, fault))


def page_number(token: str) -> int:
    """Return the number of the page in its traversal, from 1; 0 for an unknown token."""
    try:
        return Cursor.from_token(token).page if token else 1
    except RefusedError:
        return 0


def parse_search(parameters: list[tuple[str, str]]) -> Search:
    """Check the parameters of a first page by the documented rules. Raises RefusedError with a message."""
    given: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for name, value in parameters:
        if name in FILTER_FIELDS:
            filters.append((name, value))
        elif name in ("begin", "end", "ascending", "limit", "pretty"):
            given[name] = value
        else:
            raise RefusedError(400, f"Unknown parameter: {name}")
    if "begin" not in given:
        raise RefusedError(400, "The parameter begin is missing")
    begin = parse_time("begin", given["begin"])
    end = parse_time("end", given["end"]) if "end" in given else None
    return Search(begin, end, _parse_direction(begin, end, given.get("ascending")), _parse_limit(given), filters)


def _render(page: Page, request: Request, fault: Fault | None) -> bytes:
    """Return a page as JSON. It has the events byte for byte as they were added."""
    kind = fault.kind if fault else None
    base = f"http://{request.host}/v3/{quote(request.domain)}/events/"
    paging = {
        "next": base + page.next.token(),
        "previous": base + page.previous.token(),
        "first": base + page.first.token(),
        "last": base + page.last.token(),
    }
    if fault and kind is Kind.FOREIGN_NEXT:
        paging["next"] = fault.host + paging["next"].removeprefix(f"http://{request.host}")
    if kind is Kind.REPEATED_NEXT:
        paging["next"] = request.url
    items = b"[" + b",".join(_texts(page.events, fault)) + b"]"
    if fault and kind is Kind.ITEMS:
        items = json.dumps(fault.value).encode()
    return b'{"items":' + items + b',"paging":' + json.dumps(paging).encode() + b"}"


def _texts(events: list[Event], fault: Fault | None) -> list[bytes]:
    texts = [event.text for event in events]
    if fault and fault.kind is Kind.POISON:
        text = fault.text if isinstance(fault.text, bytes) else fault.text.encode("utf-8", "surrogatepass")
        texts.insert(len(texts) // 2, text)
    return texts


def parse_time(name: str, text: str) -> int:
    """Return a moment in epoch milliseconds. Raises RefusedError."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
            # "-0000" is UTC, too; parsedate_to_datetime gives it without a zone.
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            raise RefusedError(400, f"{name} is neither epoch seconds nor an RFC 2822 date: {text[:100]}") from None
    if not math.isfinite(seconds) or not 0 <= seconds < 10_000_000_000:
        raise RefusedError(400, f"{name} is not a moment: {text[:100]}")
    return to_ms(seconds)


def _parse_direction(begin: int, end: int | None, ascending: str | None) -> bool:
    if ascending is None:
        if end is None:
            raise RefusedError(400, "ascending must be yes or no when end is not given")
        return begin <= end
    if ascending not in ("yes", "no"):
        raise RefusedError(400, "ascending must be yes or no")
    upwards = ascending == "yes"
    if end is not None and end != begin and upwards != (begin < end):
        raise RefusedError(400, "ascending does not agree with begin and end")
    return upwards


def _parse_limit(given: dict[str, str]) -> int:
    text = given.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_LIMIT):
        raise RefusedError(400, f"limit must be a number from 1 to {MAX_LIMIT}")
    return int(text)
