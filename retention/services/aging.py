"""Let go what its period is over for, the oldest first. It may be killed and run twice at once: each step is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from core.timeouts import DEADLOCK, LOCK_NOT_AVAILABLE, code_of
from dispatch.models import InboxMessage
from dispatch.services.retention import delete_claims, forget_webhooks
from mailgun_sync.models import MailgunEvent
from mailgun_sync.services.months import Month, drop_month, months_before
from mailgun_sync.services.remove_events import remove_events
from mailgun_sync.services.retention import (
    delete_addresses,
    delete_events,
    delete_runs,
    delete_unused_addresses,
    forget_calls,
    of_rows,
)
from messenger_logs.choices import CANCELABLE
from messenger_logs.models import Delivery, DeviceAttempt, Recipient, Reply, SentMessage
from messenger_logs.removed import REMOVED, removed_texts
from messenger_logs.services import replies as replies_service
from messenger_logs.services.remove_people import remove_people
from messenger_logs.services.totals import lock_totals, recount
from retention.choices import Kind
from retention.models import AgedMessage
from retention.services import audit_trail, files
from retention.services.holds import Holds, respecting_holds
from retention.services.periods import limits
from retention.services.steps import PEOPLE, ROWS, OutOfTime, Steps, limit_time

# When a message was at its end.
_ENDED = Coalesce("dispatch_finished_at", "scheduled_at")
_MESSAGES = 200
_NEVER = datetime.min.replace(tzinfo=UTC)

_NEXT_PEOPLE = f"""
SELECT person_id FROM {Recipient._meta.db_table}
WHERE message_id = %s AND person_id > %s AND NOT removed AND NOT person_id = ANY(%s)
GROUP BY person_id ORDER BY person_id LIMIT %s
"""  # noqa: S608  (table names only)


def retain(*, now: datetime | None = None, until: float | None = None, pause: bool = True) -> tuple[Counter[str], bool]:
    """Let go what is too old, until a time of time.monotonic().

    Returns how many rows went, by what they are, and whether it came to its end.
    """
    now = now or timezone.now()
    steps, gone = Steps(until=until, pause=pause), Counter[str]()
    before = limits(now)
    try:
        steps(forget_webhooks, now=now)
        steps(forget_calls, now=now)
        _age_claims(claims_before(now), steps, gone)
        for kind, age in _WORK.items():
            if kind in before:
                age(before[kind], steps, gone)
    except OutOfTime:
        return gone, False
    return gone, True


def claims_before(now: datetime) -> datetime:
    """Return the moment before which answers to hand-overs are too old: the later one of period and configuration."""
    return max(limits(now).get(Kind.RAW, _NEVER), now - timedelta(days=settings.CLAIM_RETENTION_DAYS))


def ended_before(before: datetime) -> Q:
    """The messages that had their end before this."""
    return Q(created_at__lt=before, ended_at__lt=before) & ~Q(status__in=CANCELABLE)


def aging(kind: Kind, before: datetime, holds: Holds) -> Q:
    """The messages of which something of this kind is here and too old, and which no hold protects as a whole."""
    done = {
        Kind.BODIES: Q(aged__bodies_at__isnull=False),
        Kind.PEOPLE: Q(aged__people_at__isnull=False, aged__kept=0),
        Kind.RAW: Q(aged__raw_at__isnull=False),
    }[kind]
    return ended_before(before) & ~done & ~holds.whole_messages()


def messages_to_age(kind: Kind, before: datetime, holds: Holds) -> QuerySet[SentMessage]:
    """The messages of which something of a kind goes, the oldest first."""
    found = SentMessage.objects.alias(ended_at=_ENDED).filter(aging(kind, before, holds))
    if kind is not Kind.PEOPLE and holds.of_people:
        # The text of a message that a held family got is a part of what is held.
        found = found.exclude(Exists(Recipient.objects.filter(holds.rows(), message=OuterRef("pk"))))
    return found.order_by("created_at", "pk")


def _each(kind: Kind, before: datetime, steps: Steps) -> Iterator[int]:
    """Yield the messages to age, the oldest first. Holds are asked for again with each few hundred."""
    last: tuple[datetime, int] | None = None
    while found := steps(_next_messages, kind, before, last):
        yield from (pk for _, pk in found)
        last = found[-1]


def _next_messages(kind: Kind, before: datetime, last: tuple[datetime, int] | None) -> list[tuple[datetime, int]]:
    with respecting_holds() as holds:
        limit_time()
        found = messages_to_age(kind, before, holds)
        if last:
            found = found.filter(Q(created_at__gt=last[0]) | Q(created_at=last[0], pk__gt=last[1]))
        return list(found.values_list("created_at", "pk")[:_MESSAGES])


def lock_message(message_id: int) -> None:
    """Take the message's lock. A message from before totals were kept is counted now, while it has its people."""
    if not lock_totals(message_id=message_id):
        recount(message_id=message_id)


def _still(kind: Kind, before: datetime, holds: Holds, message_id: int) -> bool:
    """Whether the message is still to be aged: it may run again, or be held, since we found it."""
    return messages_to_age(kind, before, holds).filter(pk=message_id).exists()


# Names, addresses and numbers


def _age_people(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    for message_id in _each(Kind.PEOPLE, before, steps):
        last: str | None = ""
        while last is not None:
            last, rows = steps(_remove_some, message_id, last, before)
            gone["people"] += rows
    while rows := steps(_age_replies, before):
        gone["replies"] += rows
    _age_people_in_events(before, steps, gone)


def _age_people_in_events(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    """Take the people out of events that belong to no message, too, and forget their addresses."""
    last: tuple[datetime, int] | None = (_NEVER, 0)
    while last is not None:
        last, rows = steps(_remove_from_events, before, last)
        gone["events without people"] += rows
    address: int | None = 0
    while address is not None:
        address = steps(delete_unused_addresses, before=before, after=address, batch=ROWS)


def _remove_from_events(before: datetime, after: tuple[datetime, int]) -> tuple[tuple[datetime, int] | None, int]:
    """Look at the next events in the order of time. Returns the last one, None at the end."""
    with respecting_holds() as holds:
        limit_time()
        old = MailgunEvent.objects.filter(occurred_at__gte=after[0], occurred_at__lt=before)
        old = old.exclude(occurred_at=after[0], pk__lte=after[1]).order_by("occurred_at", "pk")
        found = list(old.values_list("occurred_at", "pk")[:ROWS])
        events = of_rows(found).exclude(raw="")
        keep = held_events(holds)
        kept = events.filter(keep).values_list("pk", flat=True) if keep is not None else ()
        ids = set(events.values_list("pk", flat=True)) - set(kept)
        if not found:
            return None, 0
        return found[-1], remove_events(ids, since=found[0][0], until=found[-1][0])


def _remove_some(message_id: int, after: str, before: datetime) -> tuple[str | None, int]:
    """Remove the next people of a message, in the order of their ids. Returns the last id, None at the end."""
    with respecting_holds() as holds:
        limit_time()
        lock_message(message_id)
        if not _still(Kind.PEOPLE, before, holds, message_id):
            return None, 0
        held = holds.people_in(message_id)
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_PEOPLE, [message_id, after, sorted(held), PEOPLE])
            people = [person for (person,) in cursor.fetchall()]
        rows = remove_people(message_id=message_id, people=people, staying=held) if people else 0
        if len(people) < PEOPLE:
            _note(message_id, people_at=Now(), kept=len(held))
            return None, rows
        return people[-1], rows


def _age_replies(before: datetime) -> int:
    """Take the numbers and names out of old replies; the texts are bodies."""
    with respecting_holds() as holds:
        limit_time()
        old = Reply.objects.filter(received_at__lt=before).exclude(number=REMOVED)
        ids = list(old.exclude(holds.replies()).order_by("received_at").values_list("pk", flat=True)[:ROWS])
        replies_service.remove_people(ids)
        return Reply.objects.filter(pk__in=ids).update(number=REMOVED, name=REMOVED, person_id="", raw="")


# Texts


def _age_bodies(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    for message_id in _each(Kind.BODIES, before, steps):
        step = partial(_empty_inboxes, message_id, before)
        _through_deliveries(message_id, step, steps)
        gone["bodies"] += steps(_remove_bodies, message_id, before)
    while rows := steps(_age_reply_texts, before):
        gone["texts of replies"] += rows


def _remove_bodies(message_id: int, before: datetime) -> int:
    with respecting_holds() as holds:
        limit_time()
        if not _still(Kind.BODIES, before, holds, message_id):
            return 0
        message = SentMessage.objects.select_for_update(no_key=True).get(pk=message_id)
        attachments = [{**one, "name": REMOVED} for one in message.attachments]
        SentMessage.objects.filter(pk=message_id).update(bodies=removed_texts(message.bodies), attachments=attachments)
        _note(message_id, bodies_at=Now())
    return 1


def _empty_inboxes(message_id: int, before: datetime, deliveries: list[int]) -> None:
    with respecting_holds() as holds:
        limit_time()
        if _still(Kind.BODIES, before, holds, message_id):
            InboxMessage.objects.filter(delivery__in=deliveries).exclude(body="").update(body=REMOVED)


def _age_reply_texts(before: datetime) -> int:
    with respecting_holds() as holds:
        limit_time()
        old = Reply.objects.filter(received_at__lt=before).exclude(text__in=[REMOVED, ""])
        ids = list(old.exclude(holds.replies()).order_by("received_at").values_list("pk", flat=True)[:ROWS])
        return Reply.objects.filter(pk__in=ids).update(text=REMOVED)


# Raw answers


def _age_raw(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    for message_id in _each(Kind.RAW, before, steps):
        gone["raw answers"] += _through_deliveries(message_id, partial(_remove_raw, message_id, before), steps)
        steps(_note_raw, message_id, before)
    while rows := steps(_age_raw_replies, before):
        gone["raw answers"] += rows


def _remove_raw(message_id: int, before: datetime, deliveries: list[int]) -> int:
    with respecting_holds() as holds:
        limit_time()
        lock_message(message_id)
        if not _still(Kind.RAW, before, holds, message_id):
            return 0
        return DeviceAttempt.objects.filter(delivery__in=deliveries).exclude(raw="").update(raw="")


def _age_raw_replies(before: datetime) -> int:
    with respecting_holds() as holds:
        limit_time()
        old = Reply.objects.filter(received_at__lt=before).exclude(raw="").exclude(holds.replies())
        ids = list(old.order_by("received_at").values_list("pk", flat=True)[:ROWS])
        return Reply.objects.filter(pk__in=ids).update(raw="")


def _note_raw(message_id: int, before: datetime) -> None:
    with respecting_holds() as holds:
        if _still(Kind.RAW, before, holds, message_id):
            _note(message_id, raw_at=Now())


def _age_claims(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    while rows := steps(_delete_claims, before):
        gone["answers to hand-overs"] += rows


def _delete_claims(before: datetime) -> int:
    with respecting_holds() as holds:
        limit_time()
        keep = holds.whole_messages("message__")
        if holds.of_people:
            keep |= Q(message__in=Recipient.objects.filter(holds.rows()).values("message"))
        return delete_claims(before=before, keep=keep, batch=ROWS)


# Events, files, audit trail


def _age_events(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    """Drop the months that are over as a whole, then delete what is left in small steps: what is held stays.

    Where somebody reads events for so long that a month cannot be dropped, its events are deleted in steps, too.
    """
    for month in months_before(before):
        gone["events"] += _drop_month(month, steps)
    while rows := steps(_delete_events, before):
        gone["events"] += rows
    steps(delete_runs, before=before)
    steps(_delete_addresses, before)


def _delete_addresses(before: datetime) -> None:
    """Forget the addresses of the events that went. A search finds those of held events by theirs."""
    with respecting_holds() as holds:
        delete_addresses(before=before, some_kept=holds != Holds())


def _drop_month(month: Month, steps: Steps) -> int:
    try:
        return steps(drop_unless_held, month) or 0
    except OperationalError as error:
        if code_of(error) not in {LOCK_NOT_AVAILABLE, DEADLOCK}:
            raise
        return 0


def drop_unless_held(month: Month) -> int | None:
    """Drop a month of events as a whole. Returns how many; None if a hold keeps one of them."""
    with respecting_holds() as holds:
        limit_time()
        return drop_month(month, keep=held_events(holds))


def _delete_events(before: datetime) -> int:
    with respecting_holds() as holds:
        limit_time()
        return delete_events(before=before, keep=held_events(holds), batch=ROWS)


def held_events(holds: Holds) -> Q | None:
    """The events that stay: of held messages and days, and of held people. None if there is no hold."""
    if holds == Holds():
        return None
    keep = holds.in_days("occurred_at") | holds.whole_messages("sent_message__")
    if holds.of_people:
        rows = Recipient.objects.filter(holds.rows()).values("pk")
        keep |= Q(person_id__in=holds.families()) | Q(delivery__recipient__in=rows)
    return keep


def _age_files(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    gone["files"] += steps(files.remove_old, before=before)


def _age_audit_trail(before: datetime, steps: Steps, gone: Counter[str]) -> None:
    while rows := steps(audit_trail.remove_old, before=before, batch=ROWS):
        gone["rows of the audit trail"] += rows


# All of them


def _through_deliveries(message_id: int, step: Callable[[list[int]], int | None], steps: Steps) -> int:
    """Run a step for all deliveries of a message, some thousand at a time. Returns how many rows changed."""
    last, changed = 0, 0
    deliveries = Delivery.objects.filter(message=message_id).order_by("pk").values_list("pk", flat=True)
    while ids := list(deliveries.filter(pk__gt=last)[:ROWS]):
        changed += steps(step, ids) or 0
        last = ids[-1]
    return changed


def _note(message_id: int, **values: object) -> None:
    AgedMessage.objects.update_or_create(message_id=message_id, defaults=values)


_WORK: dict[Kind, Callable[[datetime, Steps, Counter[str]], None]] = {
    Kind.BODIES: _age_bodies,
    Kind.PEOPLE: _age_people,
    Kind.RAW: _age_raw,
    Kind.EVENTS: _age_events,
    Kind.REPORTS: _age_files,
    Kind.AUDIT: _age_audit_trail,
}
