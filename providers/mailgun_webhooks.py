"""Mailgun's webhooks: their signatures, the JSON of today, and the form posts of old accounts.

Sources: user-manual/events/webhooks of Mailgun's documentation; for the form posts its edition of 2017, "Tracking
Deliveries" and "Tracking Failures".
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.mailgun_pages import Item, read_list, read_members

# What the setting of a webhook is called where a district enters the address: user-manual/events/webhooks.
KINDS = ("Accepted", "Delivered", "Permanent Failure", "Temporary Failure", "Spam Complaints", "Unsubscribes")
_STAMP = re.compile(r"\d{1,11}", re.ASCII)

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Signature:
    """What proves that Mailgun made a call. It covers its time and token, not the events: so no token counts twice."""

    timestamp: str
    token: str
    signature: str

    @property
    def signed_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.timestamp), UTC)

    def is_of_one(self, keys: Iterable[str]) -> bool:
        """Whether one of these keys made it. The time that it takes tells nothing about a key."""
        text = f"{self.timestamp}{self.token}".encode(errors="replace")
        made = [hmac.new(key.encode(), text, "sha256").hexdigest() for key in keys]
        given = self.signature.lower().encode(errors="replace")
        return any(hmac.compare_digest(one.encode(), given) for one in made)


@dataclass(frozen=True, slots=True)
class Call:
    """A signature, and the events that came with it. The signature is None if it is missing or has another form."""

    signature: Signature | None
    events: list[Item]


def read_calls(text: str) -> list[Call]:
    """Read the JSON of a webhook. A list has several calls, and ``event-data`` may be a list of events.

    Raises ValueError or RecursionError for other text.
    """
    texts = [item.raw for item in read_list(text)] if text.lstrip()[:1] == "[" else [text]
    return [_call(read_members(one)) for one in texts]


def _call(members: Mapping[str, Item]) -> Call:
    signature, data = members.get("signature"), members.get("event-data")
    if data is None:
        raise ValueError("no event-data")
    events = read_list(data.raw) if isinstance(data.value, list) else [data]
    value = signature.value if signature else None
    return Call(_signature(value if isinstance(value, dict) else {}), events)


def read_form(fields: Fields, *, id_prefix: str) -> Call:
    """Read an old form post. Its event gets an id that its token gives, because it has none of its own.

    Of a name that comes twice, the last value is Mailgun's in the signature; elsewhere the first is, and a variable of
    the mail follows. Raises ValueError if it is no form of an event.
    """
    signature = _signature({name: values[-1] for name, values in fields.items() if name in _SIGNATURE and values})
    first = {name: values[0] for name, values in fields.items() if values and name not in _SIGNATURE}
    if "event" not in first:
        raise ValueError("no event")
    event = {"id": f"{id_prefix}{signature.token if signature else ''}", **_event(first)}
    event["timestamp"] = int(signature.timestamp) if signature else 0
    raw = json.dumps(event)
    return Call(signature, [Item(raw, json.loads(raw, parse_int=float))])


def _signature(value: Mapping[str, Any]) -> Signature | None:
    stamp, token, signature = (value.get(name) for name in ("timestamp", "token", "signature"))
    if isinstance(stamp, float) and stamp.is_integer():
        stamp = str(int(stamp))
    if not all(isinstance(part, str) and part for part in (stamp, token, signature)):
        return None
    if not _STAMP.fullmatch(str(stamp)) or len(str(token)) > 100:
        return None
    return Signature(str(stamp), str(token), str(signature))


# The members of an event that say which domain it is about, the surest first. A mail's own texts come last.
def domains_of(event: Any) -> Iterator[str]:
    """Yield the domains that an event names, the surest first. If it names one outright, there is no other."""
    if not isinstance(event, dict):
        return
    named = event.get("domain")
    named = named.get("name") if isinstance(named, dict) else named
    if isinstance(named, str) and named:
        yield named.lower()
        return
    urls = _inside(event, "storage", "url")
    for url in urls if isinstance(urls, list) else [urls]:
        if isinstance(url, str) and (found := re.search(r"/domains/([^/?#]+)/", url)):
            yield found[1].lower()
    for path in (("envelope", "sender"), ("message", "headers", "message-id"), ("message", "headers", "from")):
        text = _inside(event, *path)
        if isinstance(text, str) and "@" in text:
            yield text.rpartition("@")[2].strip("<> ").lower()


def _inside(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


# Form posts

_SIGNATURE = frozenset({"timestamp", "token", "signature"})
# Each old word with the event, severity and reason of today.
_OLD_WORDS = {"bounced": ("failed", "permanent", "bounce"), "dropped": ("failed", "permanent", "generic")}
_SUPPRESSIONS = {"605": "suppress-bounce", "606": "suppress-unsubscribe", "607": "suppress-complaint"}
_CLIENT = ("client-name", "client-os", "client-type", "device-type", "user-agent")
_PLACE = ("city", "country", "region")
# What else such a form has. All other fields are variables of the mail.
_OTHERS = frozenset(
    {"event", "recipient", "domain", "message-headers", "Message-Id", "message-id", "code", "error", "notification"}
    | {"description", "reason", "ip", "url", "tag", "X-Mailgun-Tag", "X-Mailgun-Sid", "attachment-count", "body-plain"}
    | {"campaign-id", "campaign-name", "mailing-list"}
    | {*_CLIENT, *_PLACE}
)


def _event(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the event of a form in the words of the Events API, and beside it the fields as they came."""
    kind, severity, reason = _OLD_WORDS.get(form["event"], (form["event"], "", ""))
    event: dict[str, Any] = {
        "event": kind,
        "domain": form.get("domain", ""),
        "recipient": form.get("recipient", ""),
        "message": {"headers": _headers(form)},
        "user-variables": {name: value for name, value in form.items() if name not in _OTHERS},
        "form": dict(form),
    }
    if severity:
        event |= {"severity": severity, "reason": _reason(form, reason), "delivery-status": _delivery_status(form)}
    for name, parts in (("client-info", _CLIENT), ("geolocation", _PLACE)):
        if found := {part: form[part] for part in parts if part in form}:
            event[name] = found
    return event | {name: form[name] for name in ("ip", "url") if name in form}


def _reason(form: Mapping[str, str], usual: str) -> str:
    given = form.get("reason", "")
    if given.startswith("suppress-"):
        return given
    return _SUPPRESSIONS.get(form.get("code", ""), usual)


def _delivery_status(form: Mapping[str, str]) -> dict[str, Any]:
    code = form.get("code", "")
    return {
        "code": int(code) if code.isascii() and code.isdigit() and len(code) < 6 else code,
        "message": form.get("error") or form.get("notification") or "",
        "description": form.get("description", ""),
    }


def _headers(form: Mapping[str, str]) -> dict[str, str]:
    try:
        pairs = json.loads(form.get("message-headers", "[]"))
        found = {name.lower(): value for name, value in pairs if isinstance(name, str) and isinstance(value, str)}
    except (ValueError, TypeError, RecursionError):
        found = {}
    headers = {name: found[name] for name in ("to", "from", "subject") if name in found}
    message_id = form.get("Message-Id") or form.get("message-id") or found.get("message-id", "")
    return headers | {"message-id": message_id.strip().strip("<>")}
