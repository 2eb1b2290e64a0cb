"""The facts of Mailgun: addresses, limits, and its error answers.

Source: https://documentation.mailgun.com/docs/mailgun/ , at the page that each fact names.
"""

from __future__ import annotations

from email.utils import formatdate
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
# The most events of one page: user-manual/events/query-options, and of the Logs API: api-reference/send/mailgun/logs.
MOST_EVENTS = 300
MOST_LOGS = 100
LOGS_PATH = "/v1/analytics/logs"
# An address with one of these statuses is not there any more. 404 also says that Mailgun does not know a domain.
NOT_THERE = 501
GONE = frozenset({405, 410, NOT_THERE})
PERHAPS_GONE = GONE | {404}
# What MAILGUN_SOURCE takes: one of the two APIs, or the Events API until that is gone.
EVENTS, LOGS, AUTO = "events", "logs", "auto"
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
_EVENTS_GONE = f"{NAME}'s Events API does not exist any more ({{status}}): does MAILGUN_SOURCE allow the Logs API?"
_LOGS_ERRORS = {
    401: _EVENTS_ERRORS[401],
    403: "The API key may not read the logs of this account (403).",
    404: f"{NAME} has no Logs API at this address (404): are MAILGUN_API_BASE and MAILGUN_REGION right?",
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


def logs_search(domain: str, *, begin: float, end: float, limit: int = MOST_LOGS, token: str = "") -> dict[str, Any]:
    """Return the search, as JSON for LOGS_PATH, that gives a page of a domain's events, the oldest first.

    ``begin`` and ``end`` are epoch seconds. Each page names the token of the next: api-reference/send/mailgun/logs.
    """
    values = [{"label": domain, "value": domain}]
    paging = {"sort": "timestamp:asc", "limit": limit}
    return {
        "start": formatdate(begin),
        "end": formatdate(end),
        "filter": {"AND": [{"attribute": "domain", "comparator": "=", "values": values}]},
        "pagination": paging | {"token": token} if token else paging,
    }


def domain_path(domain: str) -> str:
    """Return the path that tells about a domain: api-reference/send/mailgun/domains."""
    return f"/v4/domains/{quote(domain)}"


def error_message(reply: Reply) -> str:
    """Return the message of an error answer, "" if it has none: api-reference/api-overview, "Response Codes"."""
    message = reply.object().get("message")
    return message if isinstance(message, str) else ""


def events_error(reply: Reply) -> str:
    """Say why Mailgun gave no events, in plain words for the office."""
    text = _EVENTS_GONE.format(status=reply.status) if reply.status in GONE else _EVENTS_ERRORS.get(reply.status)
    return _with_message(reply, text)


def logs_error(reply: Reply) -> str:
    """Say why Mailgun's Logs API gave no events, in plain words for the office."""
    return _with_message(reply, _LOGS_ERRORS.get(reply.status))


def _with_message(reply: Reply, text: str | None) -> str:
    text = text or f"{NAME} answered with status {reply.status}."
    return f"{text} It said: {message[:200]}" if (message := error_message(reply)) else text
