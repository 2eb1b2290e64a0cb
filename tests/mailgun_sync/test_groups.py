"""The groups of events are those that a count in plain Python finds, on every page of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mailgun_sync.choices import EventKind, GroupBy
from mailgun_sync.groups import EventGroup, EventGroups, events_like
from mailgun_sync.models import MailgunEvent, SendingDomain
from messenger_logs.models import SentMessage
from tests.examples import examples
from tests.messenger_logs.factories import make_message

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 1, 3, tzinfo=UTC)  # the night in which the district's clock goes back
KINDS = [
    {"event": "delivered"},
    {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "detail": "550 5.1.1 <{n}@example.com>: No such user",
    },
    {"event": "failed", "severity": "permanent", "reason": "bounce", "detail": "552 5.2.2 Mailbox {n} is full"},
    {"event": "failed", "severity": "temporary", "reason": "generic", "detail": "No such user"},
    {"event": "complained"},
]
some_events = st.lists(
    st.tuples(
        st.sampled_from(range(len(KINDS))),
        st.sampled_from(["gmail.com", "googlemail.com", "yahoo.com", "example.org"]),
        st.sampled_from(["Snow day", "Library Hours", ""]),
        st.booleans(),
        st.integers(0, 100),
    ),
    max_size=30,
)


@pytest.fixture
def domain() -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


def store(domain: SendingDomain, message: SentMessage, drawn: list[Any]) -> None:
    MailgunEvent.objects.all().delete()
    for number, (kind, host, subject, ours, hours) in enumerate(drawn):
        fields = {name: text.format(n=number) for name, text in KINDS[kind].items()}
        MailgunEvent.objects.create(
            domain=domain,
            event_id=str(number),
            occurred_at=START + timedelta(hours=hours),
            recipient=f"family{number}@{host}",
            subject=subject,
            sent_message=message if ours else None,
            raw="{}",
            **fields,
        )


def key_of(event: MailgunEvent, by: GroupBy) -> tuple[Any, ...]:
    if by is GroupBy.REASON:
        return event.kind, event.reason_text
    if by is GroupBy.PROVIDER:
        return (event.mailbox_provider,)
    return (event.sent_message_id, None if event.sent_message_id else event.subject)


def every_page(groups: EventGroups, sort: str, *, descending: bool) -> list[EventGroup]:
    found: list[EventGroup] = []
    beyond = None
    while True:
        page, total = groups.page(sort=sort, descending=descending, size=2, beyond=beyond)
        if not page:
            return found
        found += page
        beyond = (getattr(page[-1], sort), page[-1].pk)
        assert total == groups.count()


@pytest.mark.slow
@examples(30)
@given(
    drawn=some_events,
    by=st.sampled_from(list(GroupBy)),
    sort=st.sampled_from(["events", "last_at"]),
    down=st.booleans(),
)
def test_groups_are_those_of_a_plain_count(
    domain: SendingDomain, drawn: list[Any], by: GroupBy, sort: str, down: bool
) -> None:
    store(domain, make_message(), drawn)
    events = list(MailgunEvent.objects.all())
    members: dict[Any, list[MailgunEvent]] = defaultdict(list)
    for event in events:
        members[key_of(event, by)].append(event)

    groups = EventGroups(MailgunEvent.objects.all(), by)
    found = every_page(groups, sort, descending=down)

    assert [(getattr(group, sort), group.pk) for group in found] == sorted(
        ((getattr(group, sort), group.pk) for group in found), reverse=down
    )
    assert {key_of(group.event, by): group.events for group in found} == {key: len(own) for key, own in members.items()}
    for group in found:
        own = members[key_of(group.event, by)]
        assert group.days == Counter(timezone.localdate(event.occurred_at) for event in own)
        assert group.kinds == Counter(event.kind for event in own)
        assert group.last_at == max(event.occurred_at for event in own)
        assert MailgunEvent.objects.filter(events_like(group.event, by)).count() == group.events
        assert groups.like(own[0].pk) == group
    assert sorted(group.pk for group in groups.iterator(chunk_size=2)) == sorted(group.pk for group in found)


def test_no_events_are_no_groups() -> None:
    for events in (MailgunEvent.objects.all(), MailgunEvent.objects.none()):
        groups = EventGroups(events, GroupBy.REASON)
        assert groups.page(sort="events", descending=True, size=5) == ([], 0)
        assert list(groups.iterator()) == []
        assert groups.count() == 0
        assert groups.like(1) is None


def test_a_sort_is_one_of_those_there_are() -> None:
    with pytest.raises(ValueError, match="pk"):
        EventGroups(MailgunEvent.objects.all(), GroupBy.REASON).page(sort="pk", descending=True, size=5)


def test_a_kind_of_its_own_is_a_group_of_its_own(domain: SendingDomain) -> None:
    store(domain, make_message(), [(1, "gmail.com", "", False, 1), (3, "gmail.com", "", False, 1)])

    found, _ = EventGroups(MailgunEvent.objects.all(), GroupBy.REASON).page(sort="events", descending=True, size=5)

    assert {(group.kind, group.event.reason_text) for group in found} == {
        (EventKind.FAILED_PERMANENTLY, "No such user"),
        (EventKind.FAILED_TEMPORARILY, "No such user"),
    }
