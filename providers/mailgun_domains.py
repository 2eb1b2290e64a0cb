"""What Mailgun says of a sending domain: its state, and whether the DNS has the records that it needs.

Source: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains , GET /v4/domains/{name}.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.text import storable
from providers import mailgun
from providers.http import REFUSALS, NoAnswerError, NotSetUpError, Reply

# Seconds to connect, seconds for the whole answer.
TIMEOUT = (5, 20)
MOST_RECORDS = 50
# Mailgun's words for the state of a domain that may send.
ACTIVE = "active"
VALID = "valid"
_ERRORS = {
    403: "The API key may not read the settings of this domain (403).",
    404: "Mailgun does not know this domain (404): are the name and MAILGUN_REGION right?",
    429: "Mailgun's rate limit is used up (429). It is asked again later.",
}


class DomainUnknown(Exception):
    """Mailgun said nothing of the domain. The message says why, in plain words for the office."""


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record that a domain needs. ``valid`` is Mailgun's word: valid, invalid or unknown."""

    purpose: str
    """"sending" or "receiving"."""
    type: str
    name: str
    value: str
    valid: str


@dataclass(frozen=True, slots=True)
class DomainInfo:
    """The state is Mailgun's word: active, unverified, disabled…"""

    state: str
    records: list[Record]


def fetch_domain(name: str) -> DomainInfo:
    """Ask Mailgun about a domain, once. Raises DomainUnknown."""
    try:
        api = mailgun.api(timeout=TIMEOUT)
        reply = api.request("GET", api.base + mailgun.domain_path(name))
    except (NotSetUpError, NoAnswerError) as error:
        raise DomainUnknown(str(error)) from error
    if reply.status != 200:
        raise DomainUnknown(_error(reply))
    answer = reply.object()
    domain = answer.get("domain")
    if not isinstance(domain, dict) or not isinstance(domain.get("state"), str):
        raise DomainUnknown("The answer is not about a domain: is MAILGUN_API_BASE right?")
    state = "disabled" if domain.get("is_disabled") is True else _text(domain["state"])
    return DomainInfo(state, list(_records(answer))[:MOST_RECORDS])


def _error(reply: Reply) -> str:
    if reply.status == 401:
        return f"{mailgun.NAME} {REFUSALS[401]} (401)."
    return _ERRORS.get(reply.status, f"Mailgun answered with status {reply.status}.")


def _records(answer: dict[str, Any]) -> Iterator[Record]:
    for purpose in ("sending", "receiving"):
        found = answer.get(f"{purpose}_dns_records")
        for one in found if isinstance(found, list) else []:
            if isinstance(one, dict):
                yield Record(purpose, *(_text(one.get(field)) for field in ("record_type", "name", "value", "valid")))


def _text(value: Any) -> str:
    return storable(value[:500]) if isinstance(value, str) else ""
