"""Counts of events in groups: by reason, by mailbox provider, or by message; for each day and kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, Count, F, Max, Min, Q, When
from django.db.models.functions import TruncDate

from core.replica import read_connection
from mailgun_sync.choices import GroupBy
from mailgun_sync.models import MailgunEvent
from mailgun_sync.querysets import MailgunEventQuerySet

# Events of a group have the same values in these columns. An event without a message here belongs to those of its
# subject.
_KEYS: dict[GroupBy, dict[str, Any]] = {
    GroupBy.REASON: {"key_1": F("kind"), "key_2": F("reason_text")},
    GroupBy.PROVIDER: {"key_1": F("mailbox_provider")},
    GroupBy.MESSAGE: {
        "key_1": F("sent_message_id"),
        "key_2": Case(When(sent_message__isnull=True, then=F("subject_key"))),
    },
}
# The columns of an event that say what its group is, in the order of the model.
_SHARED = [
    field.attname
    for field in MailgunEvent._meta.concrete_fields
    if field.name in {"id", "subject", "kind", "reason_text", "mailbox_provider", "subject_key", "sent_message"}
]
# The values that groups can be sorted by.
SORTS = ("events", "last_at")


@dataclass(frozen=True)
class EventGroup:
    """The events of one group. ``event`` is one of them, which has what all of them share.

    ``pk`` is the id of that event, so it names the group in an address without a value of a person.
    """

    _meta: ClassVar[Any] = MailgunEvent._meta

    by: GroupBy
    event: MailgunEvent
    events: int
    last_at: datetime
    counts: list[tuple[date, str, int]]
    """Day in the district's zone, kind, number of events."""

    @property
    def pk(self) -> int:
        return self.event.pk

    @property
    def kind(self) -> str:
        """Of a group by reason: the kind of its events."""
        return str(self.event.kind)

    @cached_property
    def days(self) -> Counter[date]:
        """The events of each day that has any."""
        days: Counter[date] = Counter()
        for day, _, number in self.counts:
            days[day] += number
        return days

    @cached_property
    def kinds(self) -> Counter[str]:
        """The events of each kind that there is."""
        kinds: Counter[str] = Counter()
        for _, kind, number in self.counts:
            kinds[kind] += number
        return kinds


def events_like(event: MailgunEvent, by: GroupBy) -> Q:
    """Return the condition for the events of the same group."""
    if by is GroupBy.REASON:
        return Q(kind=event.kind, reason_text=event.reason_text)
    if by is GroupBy.PROVIDER:
        return Q(mailbox_provider=event.mailbox_provider)
    if event.sent_message_id:
        return Q(sent_message=event.sent_message_id)
    return Q(sent_message=None, subject_key=event.subject_key)


class EventGroups:
    """The groups of some events, as far as the database counts them: nothing is read before it is asked for."""

    model = EventGroup

    def __init__(self, events: MailgunEventQuerySet, by: GroupBy) -> None:
        self.events, self.by = events, by

    def page(
        self, *, sort: str, descending: bool, size: int, beyond: tuple[Any, int] | None = None
    ) -> tuple[list[EventGroup], int]:
        """Return the first ``size`` groups in an order, and how many groups there are.

        ``beyond`` is the sort value and the id of a group: then the groups begin after it.
        """
        try:
            sql, parameters = self._sql(sort, descending, beyond)
        except EmptyResultSet:  # The user sees no events, or a filter is not valid.
            return [], 0
        with read_connection().cursor() as cursor:
            cursor.execute(f"{sql} LIMIT %s", [*parameters, size])
            rows = cursor.fetchall()
        return [_group(self.by, row) for row in rows], rows[0][-1] if rows else 0

    def iterator(
        self, *, sort: str = "events", descending: bool = True, chunk_size: int = 2_000
    ) -> Iterator[EventGroup]:
        """Yield all groups, through a server-side cursor."""
        try:
            sql, parameters = self._sql(sort, descending, None)
        except EmptyResultSet:
            return
        with read_connection().chunked_cursor() as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(chunk_size):
                yield from (_group(self.by, row) for row in rows)

    def count(self, limit: int | None = None) -> int:
        keys = self.events.order_by().annotate(**_KEYS[self.by]).values(*_KEYS[self.by]).distinct()
        return int((keys if limit is None else keys[:limit]).count())

    def largest(self, number: int) -> list[EventGroup]:
        """Return the groups with the most events."""
        return self.page(sort="events", descending=True, size=number)[0]

    def by_day(self) -> Counter[date]:
        """Return the events of all groups by day, in the district's zone."""
        days = self.events.order_by().annotate(day=TruncDate("occurred_at")).values_list("day").annotate(Count("pk"))
        return Counter(dict(days))

    def like(self, event_id: int) -> EventGroup | None:
        """Return the group of an event; None if the events have none like it (any more)."""
        event = self.events.filter(pk=event_id).first()
        if event is None:
            return None
        groups, _ = EventGroups(self.events.filter(events_like(event, self.by)), self.by).page(
            sort="events", descending=True, size=1
        )
        return groups[0] if groups else None

    def _sql(self, sort: str, descending: bool, beyond: tuple[Any, int] | None) -> tuple[str, list[Any]]:
        if sort not in SORTS:
            raise ValueError(sort)
        keys = _KEYS[self.by]
        parts = self.events.order_by().annotate(**keys, day=TruncDate("occurred_at")).values(*keys, "day", "kind")
        times = {"first": Min("occurred_at"), "last": Max("occurred_at")}
        counted = parts.annotate(n=Count("pk"), newest=Max("pk"), **times)
        inner, parameters = counted.query.sql_with_params()
        way, than = ("DESC", "<") if descending else ("ASC", ">")
        condition = f"WHERE ({sort}, newest) {than} (%s, %s)" if beyond else ""
        sql = f"""
            SELECT {", ".join(f"one.{column}" for column in _SHARED)}, events, last_at, counts, total
            FROM (
                SELECT sum(n)::bigint AS events, max(newest) AS newest, min(first) AS first_at, max(last) AS last_at,
                    json_agg(json_build_array(day, kind, n)) AS counts, count(*) OVER () AS total
                FROM ({inner}) AS part GROUP BY {", ".join(keys)}
            ) AS grouped JOIN {MailgunEvent._meta.db_table} AS one
                ON one.id = newest AND one.occurred_at BETWEEN first_at AND last_at
            {condition} ORDER BY {sort} {way}, newest {way}
        """  # noqa: S608  (names of columns, and what the ORM wrote)
        return sql, [*parameters, *(beyond or ())]


def _group(by: GroupBy, row: tuple[Any, ...]) -> EventGroup:
    *values, events, last_at, counts, _ = row
    counts = json.loads(counts) if isinstance(counts, str) else counts
    return EventGroup(
        by=by,
        event=MailgunEvent.from_db("default", _SHARED, values),
        events=events,
        last_at=last_at,
        counts=sorted((date.fromisoformat(day), kind, number) for day, kind, number in counts),
    )
