"""The chain of the audit trail: it shows whether somebody changed, deleted, added or swapped events in the database.

Each event gets a number and a SHA-256 hash of its content and of the hash before it. So a change of one event breaks
the chain at that place. A function of the database makes the links (migration 0014), with the rights of the owner: the
role that runs the product can read them, and cannot write one.

Events are chained a few seconds after their commit, and not when they are stored. A chain has one order, so
every event must wait for the one before. At the insert, or at the commit of a transaction with many rows to check, each
page would then wait for the longest import. Until an event is chained, `AuditWaiting` knows it; a trigger adds that
row.

Retention may let old events go, the oldest first, with the rights of the owner (`forget_events`). Their links stay, and
an event of the trail says up to which number they went.

What this cannot show: the owner of the tables may change an event and its waiting row before it is chained, or may
make the whole chain again. A note of the head of the chain elsewhere shows the second: `verify` compares it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

from django.db import connection, transaction

from accounts.models import AuditWaiting
from accounts.services import record_audit_event

BATCH = 5_000
# The clocks of the web servers and of the database differ by less.
LATE = timedelta(hours=1)

# The third expression is the content that was hashed, as migration 0014 has it.
_LINKS = """
SELECT link.number, link.event_id, link.hash, link.stored_at, event.occurred_at,
    CASE WHEN event.id IS NOT NULL THEN jsonb_build_array(
        link.number, event.id, (extract(epoch FROM event.occurred_at) * 1000000)::bigint, event.who_id, event.who,
        event.action, event.target, event.details, (extract(epoch FROM link.stored_at) * 1000000)::bigint
    )::text END
FROM accounts_auditlink AS link LEFT JOIN accounts_auditevent AS event ON event.id = link.event_id
WHERE link.number > %s ORDER BY link.number LIMIT %s
"""
# Each is one statement, because an event goes from the waiting ones into the chain while this is read.
_OUTSIDE = """
SELECT count(*), min(id) FROM accounts_auditevent AS event
WHERE NOT EXISTS (SELECT FROM accounts_auditlink AS link WHERE link.event_id = event.id)
    AND NOT EXISTS (SELECT FROM accounts_auditwaiting AS waiting WHERE waiting.event_id = event.id)
"""
_GONE_BEFORE = """
SELECT count(*), min(event_id) FROM accounts_auditwaiting AS waiting
WHERE NOT EXISTS (SELECT FROM accounts_auditevent AS event WHERE event.id = waiting.event_id)
"""


# Events that retention let go, the last of them by its place in the chain.
_FORGOTTEN = """
SELECT coalesce(max((details ->> 'through')::bigint), 0) FROM accounts_auditevent WHERE action = 'audit.forgotten'
    AND details ->> 'through' ~ '^[0-9]{1,18}$'
"""
_OLDEST = """
SELECT link.number, event.id, event.occurred_at < %s
FROM accounts_auditlink AS link JOIN accounts_auditevent AS event ON event.id = link.event_id
WHERE link.number > %s ORDER BY link.number LIMIT %s
"""


class Head(NamedTuple):
    """The end of the chain. Who has noted it finds later whether the chain up to there is still the same."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> "Head":
        """Read "NUMBER:HASH". Raises ValueError."""
        number, _, digest = text.strip().partition(":")
        if len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
            raise ValueError("A hash has 64 hexadecimal digits.")
        return cls(int(number), digest.lower())


@dataclass(frozen=True)
class Break:
    """A place where the chain is broken. `number` is the place in the chain, 0 for an event outside of it."""

    number: int
    event_id: int
    reason: str


@dataclass(frozen=True)
class Verification:
    """The result of a check. `head` is the end of the chain as it is stored."""

    head: Head
    waiting: int
    broken: int = 0
    first: Break | None = None

    def with_break(self, found: Break, *, count: int = 1) -> "Verification":
        return replace(self, broken=self.broken + count, first=self.first or found)


def chain_events(*, most: int = BATCH) -> int:
    """Chain events that wait, at most so many. Returns their number; 0 also while another process chains."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_chain_audit(%s)", [most])
        return int(cursor.fetchone()[0])


def forget_events(*, before: datetime, most: int = BATCH) -> int:
    """Delete the oldest events from before a moment, at most so many, and record that. Returns how many.

    They go in the order of the chain, up to the first one that stays. Only the owner of the tables may: for others it
    raises ProgrammingError. Who records an event waits for this short transaction.
    """
    chain_events()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OLDEST, [before, _forgotten(), most])
        old = list(takewhile(itemgetter(2), cursor.fetchall()))
        if not old:
            return 0
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER accounts_auditevent_no_change")
        cursor.execute("DELETE FROM accounts_auditevent WHERE id = ANY(%s)", [[event_id for _, event_id, _ in old]])
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER accounts_auditevent_no_change")
        record_audit_event(by=None, action="audit.forgotten", details={"events": len(old), "through": old[-1][0]})
    return len(old)


def _forgotten() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FORGOTTEN)
        return int(cursor.fetchone()[0])


def verify(*, noted: Head | None = None) -> Verification:
    """Check the whole chain. Memory does not grow with it: it is read a few thousand links at a time.

    `noted` is a head that was noted earlier: the chain must still have it.
    """
    result = Verification(Head(0, ""), AuditWaiting.objects.count())
    for number, digest, found in _checked_links():
        result = replace(result, head=Head(number, digest))
        if noted and number == noted.number and digest != noted.hash:
            found = found or Break(number, 0, f"Number {number} of the chain is not the one that was noted.")
        result = result.with_break(found) if found else result
    if noted and noted.number > result.head.number:
        reason = f"The chain ends at number {result.head.number}, before the number that was noted."
        result = result.with_break(Break(noted.number, 0, reason))
    return _with_events_outside(result)


def _checked_links() -> Iterator[tuple[int, str, Break | None]]:
    """Yield number and hash of each link, and what is wrong with it.

    The next link is checked against the stored hash, so that one change is one break.
    """
    before, expected, forgotten = b"", 1, _forgotten()
    for number, event_id, stored, stored_at, occurred_at, content in _links():
        reason = ""
        if number != expected:
            reason = f"Number {expected} of the chain is missing; the next one is {number}."
        elif content is None and number > forgotten:
            reason = f"Event {event_id}, number {number} of the chain, was deleted."
        elif content and hashlib.sha256(before + content.encode()).digest() != stored:
            reason = f"Event {event_id}, number {number} of the chain, was changed, or its hash was."
        elif content and stored_at and abs(stored_at - occurred_at) > LATE:
            reason = f"Event {event_id}, number {number} of the chain, was stored at another time than it says."
        yield number, stored.hex(), Break(number, event_id, reason) if reason else None
        before, expected = stored, number + 1


def _links() -> Iterator[tuple[int, int, bytes, datetime | None, datetime, str | None]]:
    number = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_LINKS, [number, BATCH])
            rows = cursor.fetchall()
        for number, event_id, digest, *others in rows:
            yield number, event_id, bytes(digest), *others
        if len(rows) < BATCH:
            return


def _with_events_outside(result: Verification) -> Verification:
    for sql, reason in (
        (_OUTSIDE, "Event {} is not in the chain, and does not wait for it."),
        (_GONE_BEFORE, "Event {} was deleted before it was chained."),
    ):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            [(count, first)] = cursor.fetchall()
        if count:
            result = result.with_break(Break(0, first, reason.format(first)), count=count)
    return result
