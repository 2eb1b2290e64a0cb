"""The stand-in's state, and the methods with which tests and the demo set it up."""

import base64
import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sandbox.accepted import AcceptedLog
from sandbox.chances import Chances
from sandbox.clock import Clock, Moment, epoch
from sandbox.events import EventStore, NewEvent
from sandbox.exchange import Request
from sandbox.faults import Fault, Faults, Kind, RateLimit
from sandbox.journal import Journal
from sandbox.oneroster import Roster
from sandbox.suppressions import Suppressions
from sandbox.telephony import Telephony
from sandbox.webhooks import Webhooks

API_KEY = "key-sandbox"
DOMAIN = "mg.harrison.example"


class Mailing(Protocol):
    """An accepted mail that has events."""

    @property
    def domain(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def message_id(self) -> str: ...

    def events(self, provider: "Provider") -> Iterator[NewEvent]: ...


class Provider:
    """Domains with their events, phones, a clock, faults, a log of requests, and all that was accepted.

    The default of every `domain` argument is the first domain. Moments are epoch seconds or datetimes.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        domains: Iterable[str] = (DOMAIN,),
        retention: timedelta = timedelta(days=30),
        seed: int = 1,
        journal: Journal | None = None,
    ) -> None:
        self.journal = journal or Journal()
        self.mail_pace = 1.0
        """Multiplies the times in the life of a mail: retries, opening, and how late its events are shown."""
        self.api_key = api_key
        self.retention = retention
        self.seed = seed
        self.clock = Clock()
        self.chances = Chances(seed)
        self.accepted = AcceptedLog()
        self.phones = Telephony(self.clock, self.chances, self.accepted, seed, self.journal)
        self.webhooks = Webhooks(self.clock, self.phones.agenda)
        self.stores = {domain: EventStore(self.webhooks.added) for domain in domains}
        self.suppressions = {domain: Suppressions(self.clock) for domain in self.stores}
        self.roster = Roster()
        self.events_api_gone = 0
        """The status with which the Events API says that it is gone, such as 410 or 404; 0 while it is there."""
        self._new_mailings: list[Mailing] = []
        self.faults = Faults()
        self.latency = 0.0
        """The seconds before every answer."""
        self.rate_limit: RateLimit | None = None
        self.requests: list[Request] = []
        """The log of requests, in order of arrival; `del sandbox.requests[:]` clears it."""
        self.most_at_once = 0
        """The largest number of requests at the same time."""
        self.before_answer: Callable[[], None] = lambda: None
        """Called before each answer; the demo adds its traffic here."""
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def domain(self) -> str:
        """The first domain."""
        return next(iter(self.stores))

    def add_domain(self, domain: str) -> None:
        """Serve one more domain, which has no events yet."""
        self.stores[domain] = EventStore(self.webhooks.added)
        self.suppressions[domain] = Suppressions(self.clock)

    def suppress(self, name: str, *entries: dict[str, Any], domain: str | None = None) -> None:
        """Put entries on a list: "bounces", "complaints", "unsubscribes", "whitelists". See sandbox/suppressions.py."""
        self.suppressions[domain or self.domain].add(name, entries)

    # Events

    def add(self, *, domain: str | None = None, visible_at: Moment | None = None, **fields: Any) -> dict[str, Any]:
        """Add an event and return it as the API will give it.

        `fields` are the event's fields, with `_` for `-` (`delivery_status={…}`, `user_variables={…}`); `subject` and
        `message_id` go to the message's headers. The defaults are those of a mail delivered now. The provider shows the
        event from `visible_at` on; by default at once.
        """
        event = self._event(fields)
        self.add_raw(json.dumps(event), domain=domain, visible_at=visible_at)
        return event

    def add_raw(
        self,
        text: str | bytes,
        *,
        timestamp: Moment | None = None,
        id: str | None = None,
        domain: str | None = None,
        visible_at: Moment | None = None,
    ) -> None:
        """Add an event as exact text. The API gives it byte for byte, even if it is not JSON.

        `timestamp` and `id` decide its place among the others. By default they come from the text. If the text has
        none, the time is the provider's now, and the id is empty.
        """
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self._store(domain).add(
            NewEvent(
                self._timestamp_of(raw) if timestamp is None else epoch(timestamp),
                _string_in(raw, "id") if id is None else id,
                0.0 if visible_at is None else epoch(visible_at),
                raw,
            )
        )

    def add_many(
        self,
        n: int,
        begin: Moment,
        end: Moment,
        *,
        domain: str | None = None,
        visible_at: Moment | None = None,
        **fields: Any,
    ) -> list[str]:
        """Add n events quickly, evenly from `begin` up to `end`. Returns their ids in order of time.

        `fields` are those of `add`. Each event has its own id, timestamp and recipient (family<n>@example.com).
        """
        start, stop = epoch(begin), epoch(end)
        marks = {"id": "<id>", "timestamp": "<timestamp>", "recipient": "<recipient>"}
        template = json.dumps(self._event({**marks, **fields})).replace('"<timestamp>"', "<timestamp>")
        shown = 0.0 if visible_at is None else epoch(visible_at)
        ids = [f"{random.getrandbits(64):016x}{number:06x}" for number in range(n)]
        events = []
        for number, id in enumerate(ids):
            # Whole milliseconds, so that rounding never moves an event past the end.
            moment = (int(start * 1000) + int((stop - start) * 1000) * number // n) / 1000
            text = (
                template.replace("<id>", id)
                .replace("<timestamp>", f"{moment:.6f}")
                .replace("<recipient>", f"family{number}@example.com")
            )
            events.append(NewEvent(moment, id, shown, text.encode()))
        self._store(domain).add_all(events)
        return ids

    # Accepted mail

    def accept_mail(self, mailing: Mailing, abouts: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
        """Accept a mail for the addresses of `abouts`, which has the details of each."""
        with self._lock:
            self._new_mailings.append(mailing)
        self.accepted.add("mail", mailing.at, mailing.message_id, abouts)
        if self.webhooks.url:
            self.phones.agenda.at(mailing.at, self.write_mail_events)

    def write_mail_events(self) -> None:
        """Make the events of newly accepted mail. This happens on request, so that accepting mail stays quick."""
        with self._lock:
            new, self._new_mailings = self._new_mailings, []
            for mailing in new:
                self.stores[mailing.domain].add_all(mailing.events(self))

    def decide(self, kind: str, to: str, *outcomes: str) -> None:
        """Set the outcomes of mails, calls or texts: see `Chances.decide`. chances.py lists the outcomes."""
        self.chances.decide(kind, to, *outcomes)

    # Faults

    def fail(self, what: int | str = 500, **options: Any) -> Fault:
        """Let the next request fail, in the way that `what` says.

        A number is the status of the answer; 429 has the headers of the rate limit (`reset_ms=`, `retry_after=`).
        A word is a kind: "delay" (`seconds=`), "cut" (connection ends mid-body), "half" (half of the JSON), "html"
        (a web page with status 200), "items" (`value=` in place of the list), "poison" (`text=` as one more event),
        "short" (a page of `size=` events), "foreign-next" (`host=`), "repeated-next", "loop" (the same page under ever
        new addresses), "drip" (byte by byte, `seconds=` between them), "drip-head" (a head without an end), "large"
        (JSON of `megabytes=`), "endless" (a body without an end), "lost" (the connection ends without an answer),
        "twice" (its events, call flow and receipts come twice), "broken-record" (a domain whose DNS `record=` is not
        valid: SPF, DKIM, CNAME, MX). With `accepted=True` a status, a 429 or a lost answer only seems to fail: the
        provider accepts the request.

        The requests: `times=` many (default 1; None: all from now on), after `skip=` others, only `page=` k of each
        traversal, only of `domain=`, only with `path=` in path or query. An earlier fault goes first.
        """
        if isinstance(what, int):
            kind = Kind.RATE_LIMIT if what == 429 else Kind.STATUS
            return self.faults.add(Fault(kind, status=what, **options))
        return self.faults.add(Fault(Kind(what), **options))

    def hold(self, **options: Any) -> Fault:
        """Hold the next request (options of `fail`) until `release()`; with `mid_body=True` after half an answer.

        Returns the fault; its `held.wait(timeout)` waits until the server holds a request.
        """
        return self.faults.add(Fault(Kind.HOLD, **options))

    def release(self) -> None:
        """Release every held request, and remove the holds."""
        self.faults.release()

    def clear_faults(self) -> None:
        """Remove all faults, the latency and the rate limit."""
        self.faults.clear()
        self.webhooks.clear_faults()
        self.latency = 0.0
        self.rate_limit = None

    def limit_rate(self, calls: int, seconds: float) -> None:
        """Answer 429 to all but the first `calls` requests in each window of `seconds`."""
        self.rate_limit = RateLimit(self.clock, calls, seconds)

    # The log

    def begin_request(self, request: Request) -> None:
        """Log a request that came in."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def end_request(self) -> None:
        """Count a request as answered."""
        with self._lock:
            self._at_once -= 1

    def _store(self, domain: str | None) -> EventStore:
        return self.stores[domain or self.domain]

    def _timestamp_of(self, raw: bytes) -> float:
        timestamp = _read(raw).get("timestamp")
        return float(timestamp) if isinstance(timestamp, int | float) else self.clock.now()

    def _event(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return an event with these fields; the other fields are those of a delivered mail."""
        given = {name.replace("_", "-"): value for name, value in fields.items()}
        if isinstance(given.get("timestamp"), datetime):
            given["timestamp"] = round(epoch(given["timestamp"]), 6)
        recipient = given.get("recipient", "family@example.com")
        headers = {
            "to": recipient,
            "message-id": given.pop("message-id", f"{random.getrandbits(64):016x}@{self.domain}"),
            "from": f"Front Office <office@{self.domain}>",
            "subject": given.pop("subject", "Picture day is on Thursday"),
        }
        return {
            "event": "delivered",
            "id": base64.urlsafe_b64encode(random.randbytes(16)).decode().rstrip("="),
            "timestamp": round(self.clock.now(), 6),
            "log-level": "info",
            "recipient": recipient,
            "message": {"headers": headers, "attachments": [], "size": 2048},
            "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
            "tags": [],
            "user-variables": {},
            **given,
        }


def _read(raw: bytes) -> dict[str, Any]:
    """Return the event in the text; an empty one if there is none."""
    try:
        event = json.loads(raw)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _string_in(raw: bytes, name: str) -> str:
    value = _read(raw).get(name)
    return value if isinstance(value, str) else ""
