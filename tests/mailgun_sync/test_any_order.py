"""Messages, reports and events in any order come to the same end, which plain Python finds out without the product."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.links import link_events
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, PersonReach, SentMessage
from messenger_logs.reach import people_in_parts, people_of_many
from messenger_logs.services.intake import add_message
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
DOMAINS = ["mg.harrison.example", "mg.north.example"]
# Each mailbox and each Message-Id, and how others write it.
MAILBOXES = {
    "mai@example.com": ["mai@example.com", "MAI@Example.com", "Mai <mai@example.com>"],
    "mom@bücher.example": ["mom@bücher.example", "Mom@xn--bcher-kva.example"],
    "tou@example.com": ["tou@example.com"],
}
IDS = {
    "1@mg.harrison.example": ["<1@mg.harrison.example>", "1@MG.Harrison.example"],
    "2@mg.north.example": ['"<2@mg.north.example>"', "Message-Id: 2@mg.north.example"],
    "3@campus.example": ["<3@campus.example>\r\n", "3@campus.example"],
}
SUBJECTS = ["Snow day", "Bus 14"]
# The domains of each reply-to address; None for an address that is of none of them.
REPLY_TO = {"": None, "office@harrison.example": {DOMAINS[0]}, "a@b.north.example": None, "mom@gmail.example": None}
KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "opened": (0, {"event": "opened"}),
    "accepted": (1, {"event": "accepted"}),
    "failed-temporary": (2, {"event": "failed", "severity": "temporary"}),
    "delivered": (3, {"event": "delivered"}),
    "failed-permanent": (4, {"event": "failed", "severity": "permanent"}),
    "suppressed": (4, {"event": "failed", "severity": "permanent", "reason": "suppress-bounce"}),
    "rejected": (4, {"event": "rejected"}),
    "complained": (5, {"event": "complained"}),
}
FIGURES = {
    "delivered": {"delivered"},
    "failed": {"failed-permanent", "rejected"},
    "suppressed": {"suppressed"},
    "complained": {"complained"},
}
ARRIVED, REFUSED = {"delivered", "complained"}, {"failed-permanent", "rejected", "suppressed"}
numbers = count(1)


@dataclass
class Row:
    """A recipient's device, as it is after all reports."""

    mailbox: str
    status: str
    id: str
    at: datetime | None
    reported: bool = False


@dataclass
class Message:
    name: str
    subject: str
    reply_to: str
    created: datetime
    rows: list[Row]
    data: dict[str, Any]
    reports: list[StatusReport] = field(default_factory=list)

    def device(self, mailbox: str) -> Row | None:
        """The row of a mailbox that counts: the first that was sent, else the first."""
        rows = [row for row in self.rows if row.mailbox == mailbox]
        return next((row for row in rows if row.status == "sent"), rows[0] if rows else None)

    def has_id(self, id: str, mailbox: str) -> bool:
        """Whether one of its rows has it. Duplicates follow a row that a report is about."""
        counts = self.device(mailbox)
        rows = [counts] if counts and counts.reported else self.rows
        return any((row.id, row.mailbox) == (id, mailbox) for row in rows)


@dataclass
class Event:
    mailbox: str
    domain: str
    id: str
    subject: str
    at: datetime
    kind: str
    text: str
    key: str


class World:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.messages = [self._message() for _ in range(random.randint(1, 4))]
        self.events = [self._event(number) for number in range(random.randint(1, 12))]

    def _message(self) -> Message:
        random, name = self.random, f"m{next(numbers)}"
        created = self._time() - timedelta(hours=random.choice([0, 0, 90]))
        made = Message(name, random.choice(SUBJECTS), random.choice(list(REPLY_TO)), created, [], {})
        recipients = [self._recipient(made, number) for number in range(random.randint(1, 3))]
        made.data = {
            "external_id": name,
            "engine": "classic",
            "message_type": "Behavior",
            "subject": made.subject,
            "sender_name": "Office",
            "reply_to": made.reply_to,
            "created_at": created.isoformat(),
            "modes": ["email"],
            "recipients": recipients,
        }
        return made

    def _recipient(self, made: Message, number: int) -> dict[str, Any]:
        random = self.random
        mailbox = random.choice(list(MAILBOXES))
        row = Row(mailbox, "sent", random.choice(["", "", "job-1", *IDS]), random.choice([None, self._time()]))
        again = made.device(mailbox) is not None
        if not again:
            row.status = random.choice(["sent"] * 5 + ["error", "opt_out"])
        device: dict[str, Any] = {"mode": "email", "address": self._spelled(mailbox)}
        made.rows.append(row)
        if not again and row.status == "sent" and random.random() < 0.3:
            # The rest is told by a report.
            device["status"] = "in_progress"
            row.reported = True
            address, id = self._spelled(mailbox), self._written(row.id)
            made.reports.append(StatusReport(mode="email", address=address, status="sent", at=row.at, provider_id=id))
        else:
            device |= {"status": row.status, "provider_id": self._written(row.id)}
            device |= {"time": row.at.isoformat()} if row.at else {}
        return {"person_id": str(number), "name": f"P{number}", "devices": [device]}

    def _event(self, number: int) -> Event:
        random = self.random
        mailbox, kind = random.choice(list(MAILBOXES)), random.choice(list(KINDS))
        return Event(
            mailbox,
            random.choice(DOMAINS),
            random.choice(["", "9@campus.example", *IDS]),
            random.choice(SUBJECTS),
            self._time() + timedelta(seconds=number),
            kind,
            f"said {random.randint(1, 3)}" if kind not in ("accepted", "delivered") else "",
            f"e{next(numbers)}",
        )

    def _time(self) -> datetime:
        return AT + timedelta(minutes=self.random.choice([-10, -4, 0, 1, 60, 60 * 71, 60 * 73]))

    def _spelled(self, mailbox: str) -> str:
        return self.random.choice(MAILBOXES[mailbox])

    def _written(self, id: str) -> str:
        return self.random.choice(IDS.get(id, [id]))

    # What is true

    def fits(self, event: Event) -> tuple[str, list[Message]]:
        """The key that decides, and the messages that fit by it."""
        known = [one for one in self.messages if event.id and one.has_id(event.id, event.mailbox)]
        elsewhere = event.id.rpartition("@")[2] in set(DOMAINS) - {event.domain}
        if known and not elsewhere:
            return "message_id", known
        return "subject", [one for one in self.messages if self.fits_subject(one, event)]

    def fits_subject(self, message: Message, event: Event) -> bool:
        row = message.device(event.mailbox)
        if row is None or row.status != "sent" or message.subject != event.subject:
            return False
        if (event.id and "@" in row.id) or row.id.rpartition("@")[2] in set(DOMAINS) - {event.domain}:
            return False
        if event.domain not in (REPLY_TO[message.reply_to] or DOMAINS):
            return False
        handed_over = row.at or message.created
        return -timedelta(minutes=5) <= event.at - handed_over <= timedelta(hours=72)

    def links(self) -> dict[str, tuple[str, str, str | None]]:
        """The message of each event by its name, the key, and the address; ambiguous without a message."""
        found: dict[str, tuple[str, str, str | None]] = {}
        for event in self.events:
            key, messages = self.fits(event)
            names = {message.name for message in messages}
            if len(names) == 1:
                found[event.key] = names.pop(), key, event.mailbox
            else:
                found[event.key] = "", "ambiguous" if names else "", None
        return found

    def deciding(self) -> dict[tuple[str, str], Event | None]:
        """The event that decides what happened to the e-mail to each mailbox in each message."""
        links, found = self.links(), {}
        for message in self.messages:
            for mailbox in {row.mailbox for row in message.rows}:
                mine = [
                    event
                    for event in self.events
                    if links[event.key][0] == message.name and event.mailbox == mailbox and KINDS[event.kind][0]
                ]
                best = max(mine, key=lambda event: (KINDS[event.kind][0], event.at), default=None)
                found[message.name, mailbox] = best
        return found

    def outcomes(self) -> dict[tuple[str, str], tuple[str, str, str]]:
        """The outcome of each mailbox in each message, its reason, and the key."""
        links = self.links()
        return {
            of: (best.kind, best.text, links[best.key][1]) if best else ("", "", "")
            for of, best in self.deciding().items()
        }

    def people(self, message: Message) -> dict[str, tuple[str, datetime | None]]:
        """Whether the message reached each of its people, and when. Each of them has one row."""
        deciding = self.deciding()
        return {
            str(number): reach_of(message.device(row.mailbox), deciding[message.name, row.mailbox])
            for number, row in enumerate(message.rows)
        }

    def figures(self, message: Message) -> dict[str, int]:
        outcomes = self.outcomes()
        sent = [m for m in {row.mailbox for row in message.rows} if (row := message.device(m)) and row.status == "sent"]
        words = Counter(outcomes[message.name, mailbox][0] for mailbox in sent)
        counted = {name: sum(words[word] for word in of) for name, of in FIGURES.items()}
        return counted | {"not_known": len(sent) - sum(counted.values())}

    # What the product makes of it

    def steps(self) -> Iterator[Any]:
        """Messages, events and reports in any order; a report comes after its message."""
        steps: list[Any] = [*self.messages, *self.events]
        self.random.shuffle(steps)
        for message in self.messages:
            first = steps.index(message) + 1
            for report in message.reports:
                steps.insert(self.random.randint(first, len(steps)), (message, report))
        steps += self.random.sample(self.events, len(self.events) // 3)
        return iter(steps)

    def take(self, step: Any) -> None:
        match step:
            case Message():
                assert add_message(step.data).created
            case Event():
                self.store(step)
            case (message, report):
                pk = SentMessage.objects.get(external_id=message.name).pk
                assert report_statuses(message_id=pk, reports=[report]).refused == []

    def store(self, event: Event) -> None:
        text = {
            "id": event.key,
            "timestamp": event.at.timestamp(),
            "recipient": MAILBOXES[event.mailbox][len(event.key) % len(MAILBOXES[event.mailbox])],
            "message": {"headers": {"message-id": event.id, "subject": event.subject}},
            "delivery-status": {"message": event.text},
        } | KINDS[event.kind][1]
        domain, _ = SendingDomain.objects.get_or_create(name=event.domain)
        store_events(domain_id=domain.pk, events=[reread(json.dumps(text))])


def reach_of(row: Row | None, best: Event | None) -> tuple[str, datetime | None]:
    """Whether an e-mail reached somebody, and when: the provider's word decides, and without it that it left."""
    said = best.kind if best else ""
    if best and said in ARRIVED:
        return "reached", best.at
    left = bool(said) or (row is not None and row.status == "sent")
    return "unconfirmed" if left and said not in REFUSED else "not_reached", None


def kept(world: World) -> dict[str, Any]:
    names = dict(SentMessage.objects.values_list("pk", "external_id"))
    events = MailgunEvent.objects.filter(event_id__in=[event.key for event in world.events])
    linked = events.values_list("event_id", "sent_message", "linked_by", "delivery__address")
    rows = Delivery.objects.filter(message__external_id__in=[one.name for one in world.messages])
    stored = {name: pk for pk, name in names.items()}
    return {
        "links": {key: (names.get(message, ""), by, address) for key, message, by, address in linked},
        "outcomes": {
            (names[message], address): said
            for message, address, *said in rows.values_list(
                "message", "address", "email_outcome", "email_reason", "email_linked_by"
            )
        },
        "figures": {one.name: figures_of(stored[one.name]) for one in world.messages},
        "people": {one.name: people_of(stored[one.name]) for one in world.messages},
        "sums": {one.name: sums_of(stored[one.name]) for one in world.messages},
    }


def figures_of(message_id: int) -> dict[str, int]:
    email = totals_of(SentMessage.objects.get(pk=message_id)).modes[Mode.EMAIL]
    return {name: getattr(email, name) for name in (*FIGURES, "not_known")}


def people_of(message_id: int) -> dict[str, tuple[str, datetime | None]]:
    rows = PersonReach.objects.filter(message=message_id).values_list("recipient__person_id", "reach", "reached_at")
    return {person: (reach, at) for person, reach, at in rows}


def sums_of(message_id: int) -> Counter[str]:
    """The kept totals of the people; those of the only mode are the same."""
    [people] = people_of_many([message_id]).values()
    assert people_in_parts(message_id).by_mode == {Mode.EMAIL: people}
    return +Counter({kind.value: number for kind, number in people.by_kind.items()})


@examples(60)
@given(random=st.randoms(use_true_random=False))
def test_messages_reports_and_events_come_to_what_is_true_in_any_order(random: Random) -> None:
    MailgunEvent.objects.all().delete()
    SentMessage.objects.all().delete()
    for name in DOMAINS:
        SendingDomain.objects.get_or_create(name=name)
    world = World(random)
    for step in world.steps():
        world.take(step)

    found = kept(world)

    assert found["links"] == world.links()
    assert found["outcomes"] == {key: list(said) for key, said in world.outcomes().items()}
    assert found["figures"] == {message.name: world.figures(message) for message in world.messages}
    people = {message.name: world.people(message) for message in world.messages}
    assert found["people"] == people
    assert found["sums"] == {name: Counter(reach for reach, _ in of.values()) for name, of in people.items()}
    for pk in SentMessage.objects.values_list("pk", flat=True):
        recount(message_id=pk)
    assert link_events() == 0
    assert kept(world) == found
