"""Webhooks: the provider calls the product at each event, signed, and again if the answer is no success."""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from sandbox.agenda import Agenda
from sandbox.clock import Clock
from sandbox.events import NewEvent
from sandbox.posting import post

Event = dict[str, Any]

KINDS = frozenset({"accepted", "delivered", "failed", "opened", "clicked", "complained", "unsubscribed"})
RETRY_SECONDS = (300, 600, 900, 3600, 7200, 14400)
STORED, NEVER_AGAIN = 200, 406
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_OLD_WORDS = {"bounce": "bounced"}


class Kind(StrEnum):
    """What may be wrong or odd with a call."""

    BAD_SIGNATURE = "bad-signature"
    REPLAY = "replay"  # the same call comes again, with the same token
    TWICE = "twice"  # the event comes twice, each time with a signature of its own
    LATE = "late"  # the signature was made so many `seconds` ago
    SEVERAL = "several"  # the event waits, and comes in one call with the next one
    FORM = "form"  # an old form post, urlencoded
    MULTIPART = "multipart"  # an old form post, multipart
    LOST = "lost"  # it never comes


@dataclass
class Fault:
    """What happens to the next `times` events."""

    kind: Kind
    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class WebhookCall:
    """A call that was made, and the status of its answer; 0 without an answer."""

    attempt: int
    content_type: str
    body: bytes = field(repr=False)
    status: int


class Webhooks:
    """Calls the product about the events of all domains. `pace` multiplies the waits before it calls again."""

    def __init__(self, clock: Clock, agenda: Agenda) -> None:
        self.url = ""
        self.signing_key = ""
        self.pace = 1.0
        self.calls: list[WebhookCall] = []
        self.since = clock.now()
        """Events that occurred before this moment (epoch seconds) are not told."""
        self._clock = clock
        self._agenda = agenda
        self._faults: list[Fault] = []
        self._waiting: list[Event] = []
        self._lock = threading.Lock()

    def start(self, url: str, signing_key: str) -> None:
        """Call this address about all events from now on."""
        self.url, self.signing_key, self.since = url, signing_key, self._clock.now()

    def fail(self, kind: str, *, times: int = 1, seconds: float = 0.0) -> None:
        """Let the next events come in the way that `kind` says; an earlier fault goes first."""
        self._faults.append(Fault(Kind(kind), times, seconds))

    def clear_faults(self) -> None:
        self._faults.clear()

    def added(self, events: Iterable[NewEvent]) -> None:
        """Call about events that were added, each when it occurs."""
        if not self.url:
            return
        for event in events:
            if event.timestamp >= self.since:
                self._agenda.at(event.timestamp, self._tell, event.text)

    def _tell(self, text: bytes) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            return
        if not isinstance(event, dict) or event.get("event") not in KINDS:
            return
        fault = self._next_fault()
        for content_type, body in self._bodies(event, fault):
            self._post(content_type, body, 0)

    def _next_fault(self) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self._faults if fault.times > 0), None)
            if fault:
                fault.times -= 1
            return fault

    def _bodies(self, event: Event, fault: Fault | None) -> list[tuple[str, bytes]]:
        """Return the calls about an event, each with its content type."""
        kind = fault.kind if fault else None
        if kind is Kind.LOST:
            return []
        if kind is Kind.SEVERAL:
            self._waiting.append(event)
            return []
        if kind in (Kind.FORM, Kind.MULTIPART) and is_told_by_form(event):
            return [form_post(event, self.signature(stamp=event["timestamp"]), multipart=kind is Kind.MULTIPART)]
        signature = self.signature(stamp=self._clock.now() - (fault.seconds if fault else 0))
        if kind is Kind.BAD_SIGNATURE:
            signature["signature"] = "0" * 64
        events, self._waiting = [*self._waiting, event], []
        call = (_JSON, json_call(events, signature))
        again = {Kind.REPLAY: [call], Kind.TWICE: [(_JSON, json_call(events, self.signature()))]}
        return [call, *again.get(kind, [])] if kind else [call]

    def signature(self, *, stamp: float | None = None, key: str | None = None) -> dict[str, str]:
        """Return a new signature, made at this moment (epoch seconds) with this key; by default now and with ours."""
        timestamp = str(int(self._clock.now() if stamp is None else stamp))
        token = secrets.token_hex(25)
        made = hmac.new((key or self.signing_key).encode(), f"{timestamp}{token}".encode(), hashlib.sha256)
        return {"timestamp": timestamp, "token": token, "signature": made.hexdigest()}

    def _post(self, content_type: str, body: bytes, attempt: int) -> None:
        """Call the product. Call again later if the answer is neither "stored" nor "never again"."""
        status, _ = post(self.url, body, content_type)
        self.calls.append(WebhookCall(attempt, content_type, body, status))
        if status not in (STORED, NEVER_AGAIN) and attempt < len(RETRY_SECONDS):
            wait = RETRY_SECONDS[attempt] * self.pace
            self._agenda.at(self._clock.now() + wait, self._post, content_type, body, attempt + 1)


def json_call(events: list[Event], signature: dict[str, str]) -> bytes:
    """Return the JSON of a call. One event stands alone, several stand in a list."""
    return json.dumps({"signature": signature, "event-data": events[0] if len(events) == 1 else events}).encode()


def is_told_by_form(event: Event) -> bool:
    """Whether an old account calls about such an event. It does not call about temporary failures."""
    return event["event"] != "accepted" and event.get("severity") != "temporary"


def form_post(event: Event, signature: dict[str, str], *, multipart: bool = False) -> tuple[str, bytes]:
    """Return the content type and the body of the old form post about an event."""
    headers = event.get("message", {}).get("headers", {})
    status = event.get("delivery-status") or {}
    kind = event["event"]
    if kind == "failed":
        kind = _OLD_WORDS.get(event.get("reason", ""), "dropped")
    fields = {
        "event": kind,
        "recipient": event.get("recipient", ""),
        "domain": headers.get("message-id", "").rpartition("@")[2],
        "message-headers": json.dumps([[name.title(), value] for name, value in headers.items()]),
        "Message-Id": f"<{headers.get('message-id', '')}>",
        "code": str(status.get("code", "")),
        "error": status.get("message", ""),
        "description": status.get("description", ""),
        **(event.get("user-variables") or {}),
        **signature,
    }
    if not multipart:
        return _FORM, urlencode(fields).encode()
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return f"multipart/form-data; boundary={boundary}", f"{''.join(parts)}--{boundary}--\r\n".encode()
