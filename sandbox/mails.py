"""The life of one mail to one person: the events that the provider writes about it."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.events import NewEvent
from sandbox.people import Mailbox, Person

Event = dict[str, Any]

# Answers of a receiving server that ask for a retry: code, enhanced code, text.
TRY_AGAIN = (
    (450, "4.2.1", "4.2.1 This mailbox receives mail at a rate that prevents more from being accepted"),
    (451, "4.7.1", "4.7.1 Unknown sender, please come again in ten minutes"),
    (421, "4.3.2", "4.3.2 Busy: too many connections from your address"),
    (451, "4.4.1", "4.4.1 Directory server did not answer in time"),
)
RETRY_SECONDS = (600, 900, 1800, 3600)

SUPPRESSED = {
    Mailbox.BOUNCED_BEFORE: ("suppress-bounce", 605, "Not delivering to previously bounced address"),
    Mailbox.UNSUBSCRIBED: ("suppress-unsubscribe", 606, "Not delivering to unsubscribed address"),
    Mailbox.COMPLAINED_BEFORE: ("suppress-complaint", 607, "Not delivering to an address that complained"),
}

DEVICES = (
    ("mobile browser", "iOS", "mobile", "Mobile Safari"),
    ("mobile browser", "Android", "mobile", "Chrome Mobile"),
    ("browser", "Windows", "desktop", "Firefox"),
    ("email client", "OS X", "desktop", "Apple Mail"),
)


@dataclass(frozen=True)
class Send:
    """A message as the provider accepts it, once for all its recipients."""

    domain: str
    message_id: str
    username: str
    from_: str
    subject: str
    tag: str
    size: int
    variables: str = "object"
    """The form in which events have the user variables: object, list, null, text or error."""
    own: dict[str, str] | None = None
    """The user variables. None: they name the sender and the person."""

    @property
    def tags(self) -> list[str]:
        return [self.tag] if self.tag else []

    def headers(self, person: Person) -> dict[str, str]:
        """Return the headers of the mail to this person."""
        return {"to": person.header, "message-id": self.message_id, "from": self.from_, "subject": self.subject}

    def user_variables(self, person: Person) -> Any:
        """Return the user variables in the form of this send."""
        own = {"sender": self.username, "person_id": person.person_id} if self.own is None else self.own
        return {
            "object": own,
            "list": [],
            "null": None,
            "text": json.dumps(own),
            "error": "User variables are too long to be shown",
        }[self.variables]


class Mail:
    """One mail of a send. The random generator decides its life, which `events(at)` returns."""

    def __init__(
        self,
        send: Send,
        person: Person,
        rng: random.Random,
        learn: Callable[[Event, float], None] = lambda *_: None,
        pace: float = 1.0,
    ) -> None:
        """`learn` hears of each event and its moment, so that the provider knows whom not to try any more.

        `pace` multiplies every delay.
        """
        self.learn = learn
        self.pace = pace
        self.send = send
        self.person = person
        self.rng = rng
        self.key = base64.urlsafe_b64encode(rng.randbytes(24)).decode()
        self.recipient_domain = person.address.partition("@")[2]

    def events(self, at: float) -> Iterator[NewEvent]:
        """Yield its events, from the moment of the hand-off (epoch seconds). Some may be days later."""
        for moment, event in self._life(at):
            moment = at + (moment - at) * self.pace
            moment = round(moment, 7 if event.get("flags", {}).get("is-delayed-bounce") else 6)
            event = {"event": event.pop("event"), "id": self._id(), "timestamp": moment, **event}
            self.learn(event, moment)
            yield NewEvent(moment, event["id"], moment + self._lateness() * self.pace, json.dumps(event).encode())

    def _life(self, at: float) -> Iterator[tuple[float, Event]]:
        if self.rng.random() < 0.001:
            yield at, self._rejected()
            return
        yield at, self._accepted()
        at += self.rng.lognormvariate(0.8, 0.7)
        mailbox = self.person.mailbox
        if any(begin <= at < end for begin, end in self.person.refused):
            words = "5.7.1 Mail from this server is not accepted at present"
            yield at, self._failed("permanent", "generic", self._smtp(554, words, "5.7.1"))
        elif mailbox in SUPPRESSED:
            yield at, self._suppressed(*SUPPRESSED[mailbox])
        elif mailbox is Mailbox.UNKNOWN:
            words = f"5.1.1 <{self.person.address}>: nobody here has this address"
            yield at, self._failed("permanent", "bounce", self._smtp(550, words, "5.1.1"))
        elif mailbox is Mailbox.STRICT:
            words = "5.7.1 Message refused: our policy does not let bulk mail in"
            yield at, self._failed("permanent", "generic", self._smtp(554, words, "5.7.1"))
        elif mailbox is Mailbox.FULL:
            yield from self._full(at)
        else:
            yield from self._arrives(at, tries=self._tries_before_delivery())

    def _tries_before_delivery(self) -> int:
        if self.person.mailbox is Mailbox.SLOW:
            return 1
        return self.rng.choice((1, 1, 2, 3)) if self.rng.random() < 0.012 else 0

    def _full(self, at: float) -> Iterator[tuple[float, Event]]:
        words = "This mailbox is full and cannot take more mail"
        for attempt, wait in enumerate(RETRY_SECONDS[:3], start=1):
            status = self._smtp(452, f"4.2.2 {words}", "4.2.2", attempt)
            yield at, self._failed("temporary", "generic", status | {"retry-seconds": wait})
            at += wait + self.rng.uniform(1, 20)
        yield at, self._failed("permanent", "bounce", self._smtp(552, f"5.2.2 {words}", "5.2.2", 4))

    def _arrives(self, at: float, tries: int) -> Iterator[tuple[float, Event]]:
        greeting = self.rng.choice(TRY_AGAIN)
        for attempt, wait in enumerate(RETRY_SECONDS[:tries], start=1):
            code, enhanced, words = greeting
            reason = "greylisted" if enhanced == "4.7.1" else "generic"
            status = self._smtp(code, words, enhanced, attempt) | {"retry-seconds": wait}
            yield at, self._failed("temporary", reason, status)
            at += wait + self.rng.uniform(1, 20)
        yield at, self._delivered(tries + 1)
        yield from self._afterwards(at)

    def _afterwards(self, at: float) -> Iterator[tuple[float, Event]]:
        """Yield what happens after the delivery, at the family or at a second server."""
        chance = self.rng.random()
        if chance < 0.001:
            yield at + self.rng.uniform(60, 20_000), self._bounced_later()
        elif chance < 0.0018:
            yield at + self.rng.uniform(300, 100_000), self._complained()
        elif chance < 0.0026:
            yield at + self.rng.uniform(300, 100_000), self._tracked("unsubscribed")
        elif chance < 0.07:
            opened = at + min(self.rng.lognormvariate(7.5, 1.5), 200_000)
            yield opened, self._tracked("opened")
            if chance < 0.016:
                address = f"https://www.harrison.example/{self.send.tag}"
                yield opened + self.rng.uniform(3, 90), self._tracked("clicked") | {"url": address}

    def _id(self) -> str:
        return base64.urlsafe_b64encode(self.rng.randbytes(16)).decode().rstrip("=")

    def _lateness(self) -> float:
        """Return how long after an event the API shows it: mostly seconds, sometimes up to 20 minutes."""
        chance = self.rng.random()
        if chance < 0.92:
            return self.rng.uniform(0.5, 6)
        return self.rng.uniform(10, 240) if chance < 0.99 else self.rng.uniform(240, 1200)

    # The kinds of events, in the provider's words and forms

    def _accepted(self) -> Event:
        event = self._about_mail("accepted", "info")
        event["method"] = "http"
        del event["envelope"]["sending-ip"]
        event["message"]["recipients"] = [self.person.address]
        return event

    def _delivered(self, attempt: int) -> Event:
        return self._about_mail("delivered", "info") | {"delivery-status": self._smtp(250, "OK", "", attempt)}

    def _failed(self, severity: str, reason: str, status: dict[str, Any]) -> Event:
        event = self._about_mail("failed", "error" if severity == "permanent" else "warn")
        return event | {"severity": severity, "reason": reason, "delivery-status": status}

    def _suppressed(self, reason: str, code: int, words: str) -> Event:
        """A mail that was not tried. `description` has the text, because no server answered."""
        status = {"attempt-no": 1, "message": "", "code": code, "description": words, "session-seconds": 0.0}
        event = self._failed("permanent", reason, status)
        del event["envelope"]["sending-ip"]
        return event

    def _rejected(self) -> Event:
        """A refusal before there was a mail. Such events name no recipient."""
        event = self._about_mail("rejected", "warn")
        for key in ("recipient", "recipient-domain", "envelope", "storage"):
            del event[key]
        return event | {"reject": {"reason": "The message has no valid recipients left", "description": ""}}

    def _bounced_later(self) -> Event:
        """A failure report that came after the delivery. It has fewer parts."""
        status = {
            "bounce-code": "5.1.1",
            "message": "smtp; 550 5.1.1 The account was closed",
            "code": self.rng.choice((550, "5.1.1")),
            "description": "The message could not be given to one or more of its recipients.",
            "enhanced-code": "5.1.1",
        }
        event = self._failed("permanent", "generic", status)
        event |= {"flags": {"is-delayed-bounce": True}, "envelope": {}}
        del event["tags"], event["campaigns"], event["recipient-domain"]
        return event

    def _complained(self) -> Event:
        event = self._about_mail("complained", "warn")
        for key in ("envelope", "storage", "recipient-domain"):
            del event[key]
        return event | {"flags": {"is-test-mode": False}}

    def _tracked(self, kind: str) -> Event:
        """An event of the family's mail program. It knows only the id of the message."""
        client_type, system, device, name = self.rng.choice(DEVICES)
        return {
            "event": kind,
            "log-level": "info",
            "recipient": self.person.address,
            "geolocation": {"country": "US", "region": "Minnesota", "city": "Harrison"},
            "tags": self.send.tags,
            "campaigns": [],
            "user-variables": self.send.user_variables(self.person),
            "ip": f"198.51.100.{self.rng.randrange(1, 255)}",
            "client-info": {
                "client-type": client_type,
                "client-os": system,
                "device-type": device,
                "client-name": name,
                "user-agent": f"Mozilla/5.0 ({system}) {name}",
                "bot": "",
            },
            "message": {"headers": {"message-id": self.send.message_id}},
        }

    def _about_mail(self, kind: str, level: str) -> Event:
        """The common parts of the events of a mail."""
        send, address = self.send, self.person.address
        return {
            "event": kind,
            "log-level": level,
            "envelope": {
                "transport": "smtp",
                "sender": f"messenger@{send.domain}",
                "sending-ip": "192.0.2.25",
                "targets": address,
            },
            "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
            "message": {"headers": send.headers(self.person), "attachments": [], "size": send.size},
            "storage": {
                "url": f"https://storage.provider.example/v3/domains/{send.domain}/messages/{self.key}",
                "region": "us-east4",
                "key": self.key,
                "env": "production",
            },
            "recipient": address,
            "recipient-domain": self.recipient_domain,
            "campaigns": [],
            "tags": send.tags,
            "user-variables": send.user_variables(self.person),
        }

    def _smtp(self, code: int, message: str, enhanced: str, attempt: int = 1) -> dict[str, Any]:
        """The answer of the receiving server."""
        status: dict[str, Any] = {
            "tls": True,
            "mx-host": f"mx1.{self.recipient_domain}",
            "code": code,
            "description": "",
            "session-seconds": round(self.rng.uniform(0.2, 4), 6),
            "utf8": True,
            "attempt-no": attempt,
            "message": message,
            "certificate-verified": True,
        }
        if enhanced:
            status["enhanced-code"] = enhanced
        return status
