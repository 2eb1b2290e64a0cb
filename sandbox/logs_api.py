"""The Logs API, the successor of the Events API: the same events in other words, 100 a page, by tokens.

Of its filters the stand-in knows one, and wants it: a search has the events of one domain.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox.events import Cursor, Event, Page, Search
from sandbox.events_api import parse_time
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.provider import Provider

PATH = "/v1/analytics/logs"
MAX_LIMIT = 100
_FLAGS = ("is-authenticated", "is-system-test", "is-routed", "is-test-mode", "is-delayed-bounce", "is-callback")


def respond(provider: Provider, request: Request, fault: Fault | None) -> Response:
    """Answer with a page. Raises RefusedError if the request breaks a rule."""
    if request.method != "POST":
        raise RefusedError(405, "Logs are asked for by POST")
    body = _body(request)
    search, domain, cursor = _search(body), domain_of(body), cursor_of(body)
    if domain not in provider.stores:
        return Response.json({"items": [], "pagination": {}})
    if cursor and cursor.search != search:
        raise RefusedError(400, "The token belongs to another search")
    provider.write_mail_events()
    now = provider.clock.now()
    page = provider.stores[domain].page(
        cursor or Cursor(search),
        now=now,
        oldest=now - provider.retention.total_seconds(),
        limit=fault.size if fault and fault.kind is Kind.SHORT else None,
    )
    if fault and fault.kind is Kind.LOOP:
        page = replace(page, next=replace(cursor or Cursor(search), page=page.next.page))
    return Response(200, _render(page, domain, request, fault))


def read_request(request: Request) -> None:
    """Note the domain and the page number of a request, for the log and the faults."""
    try:
        body = _body(request)
        request.domain, cursor = domain_of(body), cursor_of(body)
        request.page = cursor.page if cursor else 1
    except RefusedError:
        request.page = 0


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "The body is not a JSON object")
    return body


def domain_of(body: dict[str, Any]) -> str:
    """Return the domain of a search. Raises RefusedError if its filter names none."""
    try:
        (only,) = body["filter"]["AND"]
        (value,) = only["values"]
        if (only["attribute"], only["comparator"]) == ("domain", "="):
            return str(value["value"])
    except (KeyError, TypeError, ValueError):
        pass
    raise RefusedError(400, "The filter has to name one domain")


def cursor_of(body: dict[str, Any]) -> Cursor | None:
    """Return the place that the token of a request names; None for a first page. Raises RefusedError."""
    token = (body.get("pagination") or {}).get("token")
    return Cursor.from_token(token) if token else None


def _search(body: dict[str, Any]) -> Search:
    paging = body.get("pagination") or {}
    limit = paging.get("limit", MAX_LIMIT)
    if paging.get("sort") not in ("timestamp:asc", "timestamp:desc"):
        raise RefusedError(400, "sort must be timestamp:asc or timestamp:desc")
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise RefusedError(400, f"limit must be a number from 1 to {MAX_LIMIT}")
    begin, end = (_moment(name, body.get(name)) for name in ("start", "end"))
    ascending = paging["sort"] == "timestamp:asc"
    return Search(*((begin, end) if ascending else (end, begin)), ascending, limit)


def _moment(name: str, value: Any) -> int:
    if not isinstance(value, str) or value.replace(".", "").isdigit():
        raise RefusedError(400, f"{name} must be an RFC 2822 date")
    return parse_time(name, value)


def _render(page: Page, domain: str, request: Request, fault: Fault | None) -> bytes:
    kind = fault.kind if fault else None
    pagination = {name: getattr(page, name).token() for name in ("next", "previous", "first", "last")}
    if kind is Kind.REPEATED_NEXT:
        pagination["next"] = (request.json().get("pagination") or {}).get("token") or page.first.token()
    if kind is Kind.FOREIGN_NEXT:
        pagination["next"] = ""
    items = [as_log(event, domain) for event in page.events]
    if fault and kind is Kind.POISON:
        text = fault.text if isinstance(fault.text, bytes) else fault.text.encode("utf-8", "surrogatepass")
        items.insert(len(items) // 2, text)
    listed = b"[" + b",".join(items) + b"]"
    if fault and kind is Kind.ITEMS:
        listed = json.dumps(fault.value).encode()
    return b'{"items":' + listed + b',"pagination":' + json.dumps(pagination).encode() + b',"aggregates":{}}'


def as_log(event: Event, domain: str) -> bytes:
    """Return an event in the words of the Logs API. What is no JSON object stays as it is."""
    try:
        fields = json.loads(event.text)
        return json.dumps(log_of(fields, domain)).encode() if isinstance(fields, dict) else event.text
    except ValueError:
        return event.text


def log_of(event: dict[str, Any], domain: str) -> dict[str, Any]:
    """Return an event in the words of the Logs API: what is empty is left out, and times are cut to milliseconds."""
    fields = {name: value for name, value in event.items() if value not in (None, [], {}) and name != "timestamp"}
    timestamp = event.get("timestamp")
    if isinstance(timestamp, int | float):
        moment = datetime.fromtimestamp(round(timestamp * 1_000_000) // 1000 / 1000, UTC)
        fields["@timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(fields.get("user-variables"), dict):
        fields["user-variables"] = json.dumps(fields["user-variables"])
    if isinstance(storage := fields.get("storage"), dict) and "url" in storage:
        fields["storage"] = storage | {"url": [storage["url"]]}
    if isinstance(flags := fields.get("flags"), dict):
        fields["flags"] = dict.fromkeys(_FLAGS, False) | flags
    return fields | {"account": {"id": "12345"}, "domain": {"name": domain}}
