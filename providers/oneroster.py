"""What we know of the REST API of OneRoster 1.1 and 1.2: addresses, ways to sign in, pages.

A collection comes in pages by `limit` and `offset`; the header X-Total-Count says how many there are, and Link whether
there is a next page. We never follow an address that an answer names. Version 1.2 signs in by OAuth 2 (client
credentials); 1.1 by OAuth 1.0a, which signs each request, or by a bearer token. Sources: the REST bindings of both
versions and their sections on security, https://www.imsglobal.org/spec/oneroster/.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import requests
import stamina
from django.conf import settings
from oauthlib.oauth1 import Client as Signer

from providers.http import CONNECT_SECONDS, REFUSALS, Api, NoAnswerError, NotSetUpError, Reply, TooLargeError, wait_of
from providers.transport import new_session

NAME = "The roster's server"
ATTEMPTS = 5
LONGEST_WAIT = timedelta(seconds=60)
SCOPES = {
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly",
    "1.2": "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly",
}


class RosterError(Exception):
    """A collection could not be read to its end. The message says why, as a sentence."""


class RosterChanged(RosterError):
    """The roster changed while it was read: from page to page items were left out, or came again."""


class _Again(Exception):
    """The request may be made again, after this time if the server named one."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


def is_configured() -> bool:
    return bool(settings.ROSTER_URL)


@dataclass
class OneRoster:
    """The API, for one reading: it has an end by the clock, and one connection at a time."""

    base: str
    deadline: float
    """By time.monotonic()."""
    _api: Api = field(init=False)
    _token: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        self._api = Api(NAME, self.base, timeout=(CONNECT_SECONDS, settings.ROSTER_ANSWER_SECONDS))

    @classmethod
    def of_settings(cls) -> OneRoster:
        """Raises NotSetUpError if the settings lack something."""
        for name in ("ROSTER_URL", *_NEEDED[settings.ROSTER_AUTH]):
            if not getattr(settings, name):
                raise NotSetUpError(f"There is no {name} in the settings of this installation.")
        return cls(settings.ROSTER_URL.rstrip("/"), time.monotonic() + 60 * settings.ROSTER_MINUTES)

    def collection(self, name: str, *, filter: str = "") -> Iterator[list[Any]]:
        """Yield the items of a collection ("orgs", "users"), page by page, in the order of their sourcedIds.

        Raises RosterError; RosterChanged where the server gave another number of items than it says there are.
        """
        query = {"limit": settings.ROSTER_PAGE, "sort": "sourcedId", "orderBy": "asc"}
        query |= {"filter": filter} if filter else {}
        offset, last = 0, None
        total: int | None = None
        with new_session() as session:
            while True:
                reply = self._get(session, f"/{name}?{urlencode({**query, 'offset': offset})}")
                items = _items(reply, name)
                if items and items == last:
                    raise RosterError(f"{NAME} gave the same page of {name} again as the next page.")
                yield items
                if offset and total != _total(reply):
                    raise RosterChanged(f"{NAME} said {total} {name}, then {_total(reply)}: they changed meanwhile.")
                offset, total, last = offset + len(items), _total(reply), items
                if not items or _is_last(reply, offset, len(items), total):
                    break
        if total is not None and offset != total:
            raise RosterChanged(f"{NAME} said {total:,} {name} and gave {offset:,}: they changed meanwhile.")

    def _get(self, session: requests.Session, path: str) -> Reply:
        retry = stamina.RetryingCaller(attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=30)
        try:
            return retry(_retry_delay, self._get_once, session, path)
        except _Again as error:
            raise RosterError(str(error)) from error

    def _get_once(self, session: requests.Session, path: str) -> Reply:
        if time.monotonic() > self.deadline:
            raise RosterError(f"Reading took longer than {settings.ROSTER_MINUTES:,} minutes.")
        url = self.base + path
        reply = self._request(replace(self._api, headers=self._headers(url)), "GET", url, session=session)
        if reply.status == 401 and self._token:
            self._token = ""  # it has expired; the next try gets another one
            raise _Again(_refusal(reply), timedelta(0))
        return _good(reply)

    def _headers(self, url: str) -> dict[str, str]:
        accept = {"Accept": "application/json"}
        if settings.ROSTER_AUTH == "oauth1":
            signer = Signer(
                settings.ROSTER_CLIENT_ID, settings.ROSTER_CLIENT_SECRET, signature_method=settings.ROSTER_SIGNATURE
            )
            signed: dict[str, str] = signer.sign(url)[1]
            return accept | signed
        token = settings.ROSTER_TOKEN if settings.ROSTER_AUTH == "bearer" else self._token or self._new_token()
        return accept | {"Authorization": f"Bearer {token}"}

    def _new_token(self) -> str:
        """Get a token by the client's credentials (RFC 6749, section 4.4). Raises RosterError or _Again."""
        scopes = settings.ROSTER_SCOPES or SCOPES[settings.ROSTER_VERSION]
        api = replace(self._api, auth=(settings.ROSTER_CLIENT_ID, settings.ROSTER_CLIENT_SECRET))
        form = {"grant_type": "client_credentials", "scope": scopes}
        token = _good(self._request(api, "POST", settings.ROSTER_TOKEN_URL, data=form)).object().get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RosterError(f"{NAME} gave no token.")
        self._token = token
        return token

    def _request(self, api: Api, method: str, url: str, **content: Any) -> Reply:
        try:
            return api.request(method, url, **content)
        except TooLargeError as error:
            raise RosterError(f"{error} Set ROSTER_PAGE to fewer than {settings.ROSTER_PAGE:,}.") from error
        except NoAnswerError as error:
            raise _Again(str(error)) from error


_NEEDED = {
    "oauth2": ("ROSTER_TOKEN_URL", "ROSTER_CLIENT_ID", "ROSTER_CLIENT_SECRET"),
    "oauth1": ("ROSTER_CLIENT_ID", "ROSTER_CLIENT_SECRET"),
    "bearer": ("ROSTER_TOKEN",),
}


def _good(reply: Reply) -> Reply:
    if reply.status == 429 or reply.status >= 500:
        raise _Again(f"{NAME} asks for patience ({reply.status}).", wait_of(reply.headers))
    if reply.status != 200:
        raise RosterError(_refusal(reply))
    return reply


def _refusal(reply: Reply) -> str:
    why = REFUSALS.get(reply.status, "did not answer the request").replace("the API key", "our credentials")
    return f"{NAME} {why} ({reply.status})."


def _retry_delay(error: Exception) -> bool | timedelta:
    if not isinstance(error, _Again):
        return False
    if error.after is None:
        return True
    return error.after if error.after <= LONGEST_WAIT else False


def _items(reply: Reply, name: str) -> list[Any]:
    items = reply.object().get(name)
    if not isinstance(items, list):
        raise RosterError(f"{NAME} gave no list of {name}.")
    return items


def _total(reply: Reply) -> int | None:
    total = reply.headers.get("X-Total-Count", "").strip()
    return int(total) if total.isdecimal() and len(total) < 12 else None


def _is_last(reply: Reply, offset: int, here: int, total: int | None) -> bool:
    """Whether no page follows. A server may give fewer items than we asked for, and more after them."""
    if total is not None:
        return offset >= total
    if links := reply.headers.get("Link", ""):
        return re.search(r"""\brel\s*=\s*["']?next\b""", links) is None
    return here < int(settings.ROSTER_PAGE)
