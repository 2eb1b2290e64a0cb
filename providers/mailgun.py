"""What we know of Mailgun: addresses, limits, and how it says no.

Sources: https://documentation.mailgun.com/docs/mailgun/ , at the pages that each fact names.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from providers.http import LONGEST_WAIT, REFUSALS, Api, NotSetUpError, Reply

NAME = "Mailgun"
# Where an account's domains are: api-reference/api-overview, "Mailgun Regions".
REGIONS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# Recipients of one message with recipient variables: user-manual/sending-messages/batch-sending.
MOST_RECIPIENTS = 1000
# Events of one page: user-manual/events/query-options.
MOST_EVENTS = 300
# Refusals of what is in a mail, or of its recipients. Others are about the account, such as its limit (402).
REFUSES_THE_MAIL = frozenset({400, 413, 422})
# Seconds to connect, seconds between two bytes. A page of events may take a while to come together.
EVENTS_TIMEOUT = (10, 60)
# A rate limit that lasts longer is for the next sync to wait for.
LONGEST_RATE_LIMIT = LONGEST_WAIT
_EVENTS_REFUSALS = {
    401: f"{NAME} {REFUSALS[401]} (401).",
    403: "The API key may not read this domain's events (403).",
    404: f"{NAME} does not know this domain (404): are the name and MAILGUN_REGION right?",
}


def api(*, base: str = "", key: str = "", timeout: tuple[float, float] | None = None) -> Api:
    """Mailgun's API, as the settings name it where no other base or key is given. Raises NotSetUpError.

    Signed in to as api-reference/mg-auth has it.
    """
    key = key or settings.MAILGUN_API_KEY
    if not key:
        raise NotSetUpError("There is no MAILGUN_API_KEY in the settings of this installation.")
    base = base or settings.MAILGUN_API_BASE or REGIONS.get(settings.MAILGUN_REGION, "")
    if not base:
        raise NotSetUpError(f"MAILGUN_REGION is {settings.MAILGUN_REGION!r}; it must be us or eu.")
    return Api(NAME, base.rstrip("/"), headers={"Accept": "application/json"}, auth=("api", key), timeout=timeout)


def messages_path(domain: str) -> str:
    """Where mail is handed over: user-manual/sending-messages/send-http."""
    return f"/v3/{quote(domain)}/messages"


def events_path(domain: str, **query: Any) -> str:
    """Where events are asked for, the oldest first.

    ``begin`` and ``end`` are epoch seconds: user-manual/events/time-range. Each page names the address of the next one,
    and only an empty page is the last: user-manual/events/events.
    """
    return f"/v3/{quote(domain)}/events?{urlencode({'ascending': 'yes', 'limit': MOST_EVENTS, **query})}"


def error_message(reply: Reply) -> str:
    """What an error answer says for people; "" where it says nothing: api-reference/api-overview, "Response Codes"."""
    message = reply.object().get("message")
    return message if isinstance(message, str) else ""


def events_refusal(reply: Reply) -> str:
    """Why events were not given, in words for the office."""
    words = _EVENTS_REFUSALS.get(reply.status, f"{NAME} answered with status {reply.status}.")
    return f"{words} It said: {message[:200]}" if (message := error_message(reply)) else words
