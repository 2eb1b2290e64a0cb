"""Erase a person on request: from every table and file, in small steps. Figures stay, and so does what is held.

It goes on where it stopped. What a hold protects, and what a message needs that has not ended, waits: then the erasure
stays open, says so, and every night tries again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.services import hashed_search, record_audit_event
from dispatch.models import Claim
from messenger_logs.choices import CANCELABLE, MessageType, Mode
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.consents import UNKNOWN_PERSON
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.remove_people import remove_people
from retention.models import Erasure
from retention.services import erasing_elsewhere as elsewhere
from retention.services.aging import lock_message
from retention.services.holds import Holds, respecting_holds
from retention.services.needles import Needles
from retention.services.steps import OutOfTime, Steps, limit_time

_OPT_MESSAGES = (MessageType.TEXT_OPT_IN, MessageType.TEXT_OPT_OUT)


class NobodyFound(Exception):
    """No message knows this person id."""


@dataclass(frozen=True)
class Identity:
    """What names a person. It grows with each run, because rows that are done do not say it any more."""

    person_id: str
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    """Addresses as they were typed, where that is another text."""
    messages: frozenset[int] = frozenset()

    @property
    def needles(self) -> Needles:
        return Needles(names=self.names, addresses=self.addresses | self.given)

    def as_json(self) -> dict[str, list[str] | list[int]]:
        named = {name: sorted(getattr(self, name)) for name in ("names", "addresses", "given")}
        return {**named, "messages": sorted(self.messages)}


@dataclass
class Result:
    """What a run did: rows that went, by what they are, and what stays, by why."""

    gone: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)


def identity_of(person_id: str, known: Erasure | None = None) -> Identity:
    """Return what names this person in the ledger, and what an erasure under way knew before."""
    rows = Recipient.objects.filter(person_id=person_id, removed=False).exclude(person_id=UNKNOWN_PERSON)
    devices = Delivery.objects.filter(recipient__in=rows).exclude(mode=Mode.INBOX).exclude(address="")
    addresses = list(devices.values_list("address", "given_address").distinct())
    before = known.identity if known else {}
    return Identity(
        person_id,
        names=frozenset([*before.get("names", []), *rows.values_list("name", flat=True).distinct()]),
        addresses=frozenset([*before.get("addresses", []), *(address for address, _ in addresses)]),
        given=frozenset([*before.get("given", []), *(given for _, given in addresses if given)]),
        messages=frozenset([*before.get("messages", []), *rows.values_list("message_id", flat=True).distinct()]),
    )


def record(action: str, erasure: Erasure, *, by: User | None = None) -> None:
    """The trail has a hash of the person id, as it has of searches: who knows the id can find the row."""
    person = hashed_search(erasure.person_id)
    details = {"searched": [person], "gone": erasure.figures, "stays": erasure.stays}
    record_audit_event(by=by, action=action, target=f"Erasure {erasure.pk}", details=details)


def open_erasures() -> Iterator[int]:
    """Yield the erasures that are not finished, the oldest first."""
    yield from Erasure.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True)


def erase_person(*, erasure_id: int, until: float | None = None, pause: bool = True) -> bool:
    """Erase what can be erased now. Returns whether nothing is left.

    It may be killed, and run twice at once. Until the time ``until`` of time.monotonic(); the next run goes on.
    """
    erasure = Erasure.objects.filter(pk=erasure_id, finished_at=None).first()
    if erasure is None:
        return True
    identity = identity_of(erasure.person_id, erasure)
    Erasure.objects.filter(pk=erasure_id, finished_at=None).update(identity=identity.as_json())
    steps, result = Steps(until=until, pause=pause), Result()
    try:
        _erase_messages(identity, steps, result)
        derive_contacts()
        elsewhere.erase(identity, steps, result)
        derive_contacts()
    except OutOfTime:
        _settle(erasure_id, result, ended=False)
        return False
    return _settle(erasure_id, result, ended=True)


@transaction.atomic
def _settle(erasure_id: int, result: Result, *, ended: bool) -> bool:
    """Keep the figures. Once nothing waits any more, what names the person goes from here too."""
    erasure = Erasure.objects.select_for_update().filter(pk=erasure_id, finished_at=None).first()
    if erasure is None:
        return True
    erasure.figures = dict(Counter(erasure.figures) + result.gone)
    # Of a run that was cut nobody knows yet what stays.
    erasure.stays = {why: number for why, number in result.stays.items() if number} if ended else {}
    done = ended and not (result.stays["held"] or result.stays["running"])
    if done:
        record("person.erased", erasure)
        needles = identity_of(erasure.person_id, erasure).needles
        erasure.reason = needles.redacted(erasure.reason)
        erasure.person_id, erasure.identity = "", {}
        erasure.finished_at = Now()
    erasure.save()
    return done


# The ledger


def _erase_messages(identity: Identity, steps: Steps, result: Result) -> None:
    for message_id in sorted(_messages_of(identity)):
        outcome, rows = steps(_erase_from, message_id, identity)
        result.stays[outcome] += int(outcome in ("held", "running"))
        result.gone[gettext_noop("messages")] += int(outcome == "erased")
        result.gone[gettext_noop("rows of recipients")] += rows


def _messages_of(identity: Identity) -> set[int]:
    """The messages that have a row of the person, and the STOP of a number that nobody was known to have then."""
    mine = Recipient.objects.filter(person_id=identity.person_id, removed=False)
    found = mine.values_list("message_id"), _unknown_rows(identity).values_list("message_id")
    return {pk for rows in found for (pk,) in rows}


def _unknown_rows(identity: Identity) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        address__in=identity.addresses,
        recipient__person_id=UNKNOWN_PERSON,
        message__message_type__in=_OPT_MESSAGES,
    )


def people_of(message_id: int, identity: Identity) -> list[str]:
    """The person ids under which the person is in a message."""
    unknown = _unknown_rows(identity).filter(message=message_id).exists()
    return [identity.person_id, *([UNKNOWN_PERSON] if unknown else [])]


def is_held(message: SentMessage, identity: Identity, holds: Holds) -> bool:
    """Whether a hold protects the person's rows in this message, or the message as a whole."""
    if identity.person_id in holds.people | holds.people_in(message.pk):
        return True
    return SentMessage.objects.filter(holds.whole_messages(), pk=message.pk).exists()


def _erase_from(message_id: int, identity: Identity) -> tuple[str, int]:
    """Erase the person from a message. Returns "erased", "held" or "running", and how many rows changed."""
    with respecting_holds() as holds:
        limit_time()
        lock_message(message_id)
        message = SentMessage.objects.select_for_update(no_key=True).get(pk=message_id)
        if is_held(message, identity, holds):
            return "held", 0
        if is_running(message):
            return "running", 0
        people = people_of(message_id, identity)
        rows = remove_people(message_id=message_id, people=people, staying=None)
        elsewhere.redact_message(message, identity.needles)
        elsewhere.redact_claims(message, identity.needles)
        elsewhere.redact_merge_fields(message, identity.needles)
    return "erased", rows


def is_running(message: SentMessage) -> bool:
    """Whether something of the message may still leave, or be on the line."""
    open_claims = Claim.objects.filter(message=message).exclude(state="settled")
    return message.status in CANCELABLE or message.redials.exists() or open_claims.exists()


# The preview


@dataclass(frozen=True)
class Preview:
    """What an erasure would do now: rows that would go, by what they are, and what would stay, by why."""

    person_id: str
    names: list[str]
    gone: dict[str, int]
    stays: dict[str, int]


def preview(person_id: str) -> Preview:
    """Count what an erasure would do. Raises NobodyFound."""
    identity = identity_of(person_id)
    if not identity.messages:
        raise NobodyFound
    result = Result()
    with respecting_holds() as holds:
        for message in SentMessage.objects.filter(pk__in=_messages_of(identity)).order_by("pk"):
            outcome = _outcome(message, identity, holds)
            result.stays[outcome] += int(outcome != "messages")
            result.gone[outcome] += int(outcome == "messages")
        elsewhere.count(identity, holds, result)
    gone = {name: number for name, number in result.gone.items() if number}
    stays = {name: number for name, number in result.stays.items() if number}
    return Preview(person_id, sorted(identity.names), gone, stays)


def _outcome(message: SentMessage, identity: Identity, holds: Holds) -> str:
    if is_held(message, identity, holds):
        return "held"
    return "running" if is_running(message) else "messages"
