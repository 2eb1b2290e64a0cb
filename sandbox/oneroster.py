"""A OneRoster REST API, versions 1.1 and 1.2: collections in pages, filters, and the three ways to sign in.

Only what a reader of a roster needs: orgs, academicSessions, users. Source: the REST bindings of both versions,
https://www.imsglobal.org/spec/oneroster/.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from hmac import compare_digest
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode

from oauthlib.oauth1.rfc5849 import signature

from sandbox.exchange import RefusedError, Request, Response

BASES = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
TOKEN = "/oneroster/token"  # noqa: S105  (its address)
COLLECTIONS = ("orgs", "academicSessions", "users")
_SCOPE = "/scope/roster-core.readonly"
_TERM = re.compile(r"\s*([\w.]+)\s*(!=|>=|<=|=|>|<|~)\s*'([^']*)'\s*")
_VERIFIERS = {"HMAC-SHA1": signature.verify_hmac_sha1, "HMAC-SHA256": signature.verify_hmac_sha256}
_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "=": lambda mine, wanted: mine == wanted,
    "!=": lambda mine, wanted: mine != wanted,
    ">": lambda mine, wanted: mine > wanted,
    ">=": lambda mine, wanted: mine >= wanted,
    "<": lambda mine, wanted: mine < wanted,
    "<=": lambda mine, wanted: mine <= wanted,
    "~": lambda mine, wanted: wanted.lower() in mine.lower(),
}


@dataclass
class Roster:
    """What the server knows. Tests fill the collections with objects as the API gives them."""

    client_id: str = "roster-client"
    client_secret: str = "roster-secret"  # noqa: S105  (of the stand-in)
    orgs: list[dict[str, Any]] = field(default_factory=list)
    academicSessions: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    most: int = 10_000
    """The most items of a page, whatever is asked for."""
    tells_total: bool = True
    """Whether answers have the header X-Total-Count."""
    tells_next: bool = True
    """Whether answers have the header Link."""
    tokens: set[str] = field(default_factory=set)

    def sign_out(self) -> None:
        """Let every token expire."""
        self.tokens.clear()


def is_of_roster(path: str) -> bool:
    return path == TOKEN or path.startswith(tuple(f"{base}/" for base in BASES.values()))


def authorized(roster: Roster, request: Request, headers: Message) -> bool:
    """Whether a request signs in: the token's by the client's name and secret, all others by token or signature."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    if request.path == TOKEN:
        wanted = base64.b64encode(f"{roster.client_id}:{roster.client_secret}".encode()).decode()
        return scheme.lower() == "basic" and compare_digest(given, wanted)
    if scheme.lower() == "bearer":
        return given in roster.tokens
    return scheme.lower() == "oauth" and _is_signed(roster, request, headers)


def _is_signed(roster: Roster, request: Request, headers: Message) -> bool:
    """Whether the signature of OAuth 1.0a (RFC 5849, section 3.4) is that of the client's secret."""
    authorization = {"Authorization": headers["Authorization"]}
    parameters = signature.collect_parameters(request.query, [], authorization, exclude_oauth_signature=False)
    given = dict(parameters)
    signed = SimpleNamespace(
        params=[pair for pair in parameters if pair[0] != "oauth_signature"],
        uri=request.url,
        http_method=request.method,
        signature=given.get("oauth_signature", ""),
    )
    verify = _VERIFIERS.get(given.get("oauth_signature_method", ""))
    known = given.get("oauth_consumer_key") == roster.client_id
    return bool(known and verify and verify(signed, client_secret=roster.client_secret))


def respond(roster: Roster, request: Request) -> Response:
    """Answer a request. Raises RefusedError."""
    if not request.authorized:
        raise RefusedError(401, "The credentials are not valid")
    if request.path == TOKEN:
        return _token(roster, request)
    name = request.path.rpartition("/")[2]
    if request.method != "GET" or name not in COLLECTIONS:
        raise RefusedError(404, "There is no such collection")
    return _page(roster, request, name)


def _token(roster: Roster, request: Request) -> Response:
    form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
    if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith(_SCOPE):
        raise RefusedError(400, "invalid_request")
    token = f"token-{len(roster.tokens) + 1}-{request.at:.6f}"
    roster.tokens.add(token)
    return Response.json({"access_token": token, "token_type": "bearer", "expires_in": 3600, "scope": form["scope"]})


def _page(roster: Roster, request: Request, name: str) -> Response:
    asked = dict(request.parameters)
    items = [item for item in getattr(roster, name) if _fits(item, asked.get("filter", ""))]
    if sort := asked.get("sort"):
        items.sort(key=lambda item: str(item.get(sort, "")), reverse=asked.get("orderBy") == "desc")
    offset, limit = int(asked.get("offset", "0")), min(int(asked.get("limit", "100")), roster.most)
    headers = {"X-Total-Count": str(len(items))} if roster.tells_total else {}
    if roster.tells_next and offset + limit < len(items):
        query = urlencode(asked | {"offset": str(offset + limit), "limit": str(limit)})
        headers["Link"] = f'<http://{request.host}{request.path}?{query}>; rel="next"'
    elif roster.tells_next:
        headers["Link"] = f'<http://{request.host}{request.path}>; rel="first"'
    return Response.json({name: items[offset : offset + limit]}, headers=headers)


def _fits(item: Mapping[str, Any], filter: str) -> bool:
    """Whether an item fits a filter: one comparison, or two with AND or OR. Raises RefusedError."""
    if not filter:
        return True
    parts = re.split(r"\s+(AND|OR)\s+", filter)
    fits = [_fits_one(item, part) for part in parts[::2]]
    return any(fits) if "OR" in parts else all(fits)


def _fits_one(item: Mapping[str, Any], text: str) -> bool:
    found = _TERM.fullmatch(text)
    if found is None:
        raise RefusedError(400, "The filter cannot be read")
    name, operator, wanted = found.groups()
    return any(_COMPARED[operator](mine, wanted) for mine in _values(item, name.split(".")))


def _values(value: Any, steps: list[str]) -> list[str]:
    """Return the texts at a path of names; of a list, those of each of its parts."""
    if isinstance(value, list):
        return [text for part in value for text in _values(part, steps)]
    if not steps:
        return [str(value).lower() if isinstance(value, bool) else str(value)]
    return _values(value.get(steps[0], ""), steps[1:]) if isinstance(value, dict) else []
