"""The facts of Mailgun: addresses, limits, and its error answers.

Source: https://documentation.mailgun.com/docs/mailgun/ , at the page that each fact names.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.dispatch import Signal

from providers.http import LONGEST_WAIT, REFUSALS, Api, NotSetUpError, Reply

NAME = "Mailgun"
# The base address of each region: api-reference/api-overview, "Mailgun Regions".
REGIONS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# The most recipients of one message with recipient variables: user-manual/sending-messages/batch-sending.
MOST_RECIPIENTS = 1000
# The most events of one page: user-manual/events/query-options.
MOST_EVENTS = 300
# The most entries of one page of a list of suppressions: api-reference/send/mailgun/bounces.
MOST_SUPPRESSIONS = 1000
# These statuses refuse the mail or a recipient. Others are about the account, such as its limit (402).
REFUSES_THE_MAIL = frozenset({400, 413, 422})
# Seconds to connect, seconds for a whole page. Mailgun may need a while to collect a page of events.
EVENTS_TIMEOUT = (10, 90)
# A run does not wait for a rate limit that lasts longer. The next sync continues.
LONGEST_RATE_LIMIT = LONGEST_WAIT
# Sent with each page of events that was read for another purpose than a sync: ``domain``, and the answer as ``body``.
events_read = Signal()
_EVENTS_ERRORS = {
    401: f"{NAME} {REFUSALS[401]} (401).",
    403: "The API key may not read this domain's events (403).",
    404: f"{NAME} does not know this domain (404): are the name and MAILGUN_REGION right?",
}


def is_configured() -> bool:
    """Whether this installation names Mailgun in its settings, with a key or with domains."""
    return bool(settings.MAILGUN_API_KEY or settings.MAILGUN_DOMAINS)


def api(*, base: str = "", key: str = "", timeout: tuple[float, float] | None = None) -> Api:
    """Return Mailgun's API. The settings give the base and the key, if the caller gives none. Raises NotSetUpError.

    Source of the authentication: api-reference/mg-auth.
    """
    key = key or settings.MAILGUN_API_KEY
    if not key:
        raise NotSetUpError("There is no MAILGUN_API_KEY in the settings of this installation.")
    base = base or settings.MAILGUN_API_BASE or REGIONS.get(settings.MAILGUN_REGION, "")
    if not base:
        raise NotSetUpError(f"MAILGUN_REGION is {settings.MAILGUN_REGION!r}; it must be us or eu.")
    return Api(NAME, base.rstrip("/"), headers={"Accept": "application/json"}, auth=("api", key), timeout=timeout)


def messages_path(domain: str) -> str:
    """Return the path that accepts mail: user-manual/sending-messages/send-http."""
    return f"/v3/{quote(domain)}/messages"


def events_path(domain: str, **query: Any) -> str:
    """Return the path of a first page of events, the oldest first.

    ``begin`` and ``end`` are epoch seconds: user-manual/events/time-range. Each page names the address of the next
    page, and only an empty page is the last: user-manual/events/events.
    """
    return f"/v3/{quote(domain)}/events?{urlencode({'ascending': 'yes', 'limit': MOST_EVENTS, **query})}"


def suppressions_path(domain: str, name: str, address: str = "", **query: Any) -> str:
    """Return the path of a list of suppressions, such as "bounces", or of one address in it.

    A page of a list has the address of the next page, and only an empty page is the last. DELETE takes an address off:
    api-reference/send/mailgun/bounces, complaints, unsubscribe, allowlist.
    """
    path = f"/v3/{quote(domain)}/{name}"
    if address:
        return f"{path}/{quote(address, safe='@')}"
    return f"{path}?{urlencode({'limit': MOST_SUPPRESSIONS, **query})}"


def error_message(reply: Reply) -> str:
    """Return the message of an error answer, "" if it has none: api-reference/api-overview, "Response Codes"."""
    message = reply.object().get("message")
    return message if isinstance(message, str) else ""


def events_error(reply: Reply) -> str:
    """Say why Mailgun gave no events, in plain words for the office."""
    return _explain(reply, _EVENTS_ERRORS)


def suppressions_error(reply: Reply) -> str:
    """Say why Mailgun did nothing with a list of suppressions, in plain words for the office."""
    return _explain(reply, _EVENTS_ERRORS | {403: "The API key may not use this domain's suppressions (403)."})


def _explain(reply: Reply, texts: dict[int, str]) -> str:
    text = texts.get(reply.status, f"{NAME} answered with status {reply.status}.")
    return f"{text} It said: {message[:200]}" if (message := error_message(reply)) else text
