"""The parts of the table of events: nothing that reads or stores events notices them, and nobody waits for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from threading import Barrier, Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.errors import InsufficientPrivilege

from accounts.database_roles import give_rights
from listings.paging import Bounds, Key, Sort, fetch_page
from mailgun_sync import tasks
from mailgun_sync.apps import make_months as make_months_after_migrate
from mailgun_sync.choices import GroupBy
from mailgun_sync.client import reread
from mailgun_sync.groups import EventGroups
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.months import AHEAD, Month, drop_month, make_months, months, months_before
from tests.accounts.test_database_roles import ROLE, as_running_role
from tests.examples import examples

pytestmark = pytest.mark.django_db

CHICAGO = ZoneInfo("America/Chicago")
# No event of another test is near, and no months are.
YEAR = datetime.now(UTC).year + 2
MOVE = import_module("mailgun_sync.migrations.0014_events_by_month")


@pytest.fixture
def domain(db: None) -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


def text(at: datetime, key: str, recipient: str = "mai@example.com") -> str:
    seconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    stamp = f"{seconds // 10**6}.{seconds % 10**6:06d}"
    return f'{{"event": "delivered", "id": "{key}", "timestamp": {stamp}, "recipient": "{recipient}"}}'


def store(domain: SendingDomain, at: datetime, key: str = "one", recipient: str = "mai@example.com") -> int:
    return store_events(domain_id=domain.pk, events=[reread(text(at, key, recipient))]).new


def part_of(key: str) -> str:
    """The end of the name of the part that has the event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM mailgun_sync_mailgunevent WHERE event_id = %s", [key])
        ((name,),) = cursor.fetchall()
    return str(name).removeprefix("mailgun_sync_mailgunevent_")


def named(found: list[Month]) -> list[str]:
    return [month.name.removeprefix("mailgun_sync_mailgunevent_") for month in found]


def test_the_months_ahead_are_there_after_a_migration() -> None:
    assert not make_months()
    ends = [month.end for month in months()]
    assert ends == sorted(ends)
    assert sum(end > datetime.now(UTC) for end in ends) == AHEAD + 1
    make_months_after_migrate()
    assert [month.end for month in months()] == ends


def test_beat_makes_them_every_day() -> None:
    from config.celery import app

    assert tasks.make_months.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
    before = named(months())
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE "{months()[-1].name}"')
    tasks.make_months()
    assert named(months()) == before


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(YEAR, 10, 31, 18, 59, tzinfo=CHICAGO), (YEAR, 10), (YEAR + 1, 1)),
        (datetime(YEAR, 10, 31, 19, 0, tzinfo=CHICAGO), (YEAR, 11), (YEAR + 1, 2)),
        (datetime(YEAR, 12, 31, 23, 59, tzinfo=CHICAGO), (YEAR + 1, 1), (YEAR + 1, 4)),
        (datetime(YEAR, 3, 14, 3, 0, tzinfo=CHICAGO), (YEAR, 3), (YEAR, 6)),
    ],
)
def test_a_month_is_one_of_utc(now: datetime, first: tuple[int, int], last: tuple[int, int]) -> None:
    before = {month.name for month in months()}
    assert make_months(since=now, now=now) == AHEAD + 1
    made = [month for month in months() if month.name not in before]
    assert [made[0].begin, made[-1].begin] == [datetime(year, month, 1, tzinfo=UTC) for year, month in (first, last)]
    assert all(one.end == other.begin for one, other in pairwise(made))


def test_events_are_in_the_part_of_their_month_or_in_the_part_for_odd_times(domain: SendingDomain) -> None:
    make_months(since=datetime(YEAR, 10, 1, tzinfo=UTC), now=datetime(YEAR, 10, 1, tzinfo=UTC))
    edge = datetime(YEAR + 1, 1, 1, tzinfo=UTC)
    at = {
        "before": edge - timedelta(microseconds=1),
        "after": edge,
        "first 1 AM": datetime(YEAR, 11, 3, 1, 30, tzinfo=CHICAGO, fold=0),
        "second 1 AM": datetime(YEAR, 11, 3, 1, 30, tzinfo=CHICAGO, fold=1),
        "long ago": datetime(1970, 1, 2, tzinfo=UTC),
        "far ahead": datetime(YEAR + 300, 5, 1, tzinfo=UTC),
    }
    for key, moment in at.items():
        assert (store(domain, moment, key), store(domain, moment, key)) == (1, 0)

    assert {key: part_of(key) for key in at} == {
        "before": f"{YEAR}_12",
        "after": f"{YEAR + 1}_01",
        "first 1 AM": f"{YEAR}_11",
        "second 1 AM": f"{YEAR}_11",
        "long ago": "other",
        "far ahead": "other",
    }
    assert list(MailgunEvent.objects.order_by("occurred_at").values_list("event_id", flat=True)) == sorted(
        at, key=lambda key: at[key].astimezone(UTC)
    )


def test_an_event_that_gets_a_truer_time_goes_to_its_month(domain: SendingDomain) -> None:
    """As a twin does that is told to the microsecond later: see twins.py."""
    edge = datetime(YEAR, 12, 1, tzinfo=UTC)
    make_months(since=edge - timedelta(days=1), now=edge)
    store(domain, edge)
    event = MailgunEvent.objects.get()
    MailgunEvent.objects.filter(pk=event.pk, occurred_at=edge).update(occurred_at=edge - timedelta(microseconds=400))
    assert part_of("one") == f"{YEAR}_11"
    assert MailgunEvent.objects.get().pk == event.pk


def test_a_month_that_is_made_too_late_takes_its_events(domain: SendingDomain) -> None:
    at = datetime(YEAR, 12, 31, 23, tzinfo=UTC)
    for number in range(3):
        store(domain, at + timedelta(hours=number), f"e{number}")
    before = set(MailgunEvent.objects.values_list("pk", "event_id", "raw", "occurred_at"))
    assert {part_of(f"e{number}") for number in range(3)} == {"other"}

    make_months(since=at, now=at)

    assert [part_of(f"e{number}") for number in range(3)] == [f"{YEAR}_12", f"{YEAR + 1}_01", f"{YEAR + 1}_01"]
    assert set(MailgunEvent.objects.values_list("pk", "event_id", "raw", "occurred_at")) == before
    assert store(domain, at, "e0") == 0


def test_many_events_that_came_too_early_stay_where_they_are(domain: SendingDomain) -> None:
    """To move them would take long, and others would wait. They are found, and retention deletes them in steps."""
    at = datetime(YEAR, 12, 5, tzinfo=UTC)
    fill(domain, at, 2001)
    assert make_months(since=at, now=at) == AHEAD
    assert f"{YEAR}_12" not in named(months())
    assert MailgunEvent.objects.filter(occurred_at__gte=at).count() == 2001


def fill(domain: SendingDomain, at: datetime, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mailgun_sync_mailgunevent (domain_id, event, event_id, occurred_at, recipient, subject,"
            " message_id, severity, reason, code, detail, person_id, raw)"
            " SELECT %s, 'delivered', %s || n, %s, '', '', '', '', '', '', '', '', '{}' FROM generate_series(1, %s) n",
            [domain.pk, at.isoformat(), at, number],
        )


@pytest.mark.parametrize("name", ["2031-02-02", "1999-01-01", "2999-01-01", None])
def test_only_months_can_be_made(name: str | None) -> None:
    with pytest.raises(DatabaseError, match="not the first day"), connection.cursor() as cursor:
        cursor.execute("SELECT mailgun_sync_make_month(%s)", [name])


@pytest.mark.parametrize(
    "name",
    [
        "accounts_auditevent",
        "mailgun_sync_mailgunevent",
        "mailgun_sync_mailgunevent_other",
        "mailgun_sync_mailgunevent_2001_01",
        'x"; DROP TABLE accounts_user; --',
        None,
    ],
)
def test_only_months_can_be_dropped(name: str | None) -> None:
    with pytest.raises(DatabaseError, match="not a month of events"), connection.cursor() as cursor:
        cursor.execute("SELECT mailgun_sync_drop_month(%s)", [name])


def test_the_role_that_runs_the_product_makes_and_drops_months_and_nothing_else(domain: SendingDomain) -> None:
    give_rights(role=ROLE, password="not used here")
    at = datetime(YEAR, 5, 1, tzinfo=UTC)
    with as_running_role():
        assert make_months(since=at, now=at) == AHEAD + 1
        store(domain, at)
        month = next(month for month in months() if month.begin == at)
        for statement in (f"DROP TABLE {month.name}", f"ALTER TABLE {month.name} RENAME TO x", "CREATE TABLE x ()"):
            with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
            assert isinstance(refused.value.__cause__, InsufficientPrivilege)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {month.name}")
            assert cursor.fetchone() == (1,)
        assert drop_month(month) == 1
    assert not MailgunEvent.objects.exists()


EDGES = [datetime(YEAR, month, 1, tzinfo=UTC) for month in (11, 12)] + [datetime(YEAR + 1, 1, 1, tzinfo=UTC)]
times = st.builds(
    lambda edge, step, unit: edge + step * unit,
    st.sampled_from([*EDGES, datetime(1971, 1, 1, tzinfo=UTC), datetime(YEAR + 200, 1, 1, tzinfo=UTC)]),
    st.integers(-2, 2),
    st.sampled_from([timedelta(microseconds=1), timedelta(hours=5), timedelta(days=20)]),
)
drawn_events = st.lists(
    st.tuples(times, st.sampled_from(["mai@example.com", "lia@example.org"]), st.sampled_from(["Snow day", ""])),
    max_size=14,
)


@pytest.mark.slow
@given(drawn=drawn_events, made=st.booleans(), low=st.none() | times, descending=st.booleans())
@examples(60, of=4)
def test_a_list_a_search_and_groups_are_those_of_one_table(
    domain: SendingDomain, drawn: list[Any], made: bool, low: datetime | None, descending: bool
) -> None:
    """Whether the months were made before the events came, or after it."""
    with transaction.atomic():
        if made:
            make_months(since=EDGES[0] - timedelta(days=25), now=EDGES[0])
        rows = MailgunEvent.objects.bulk_create(
            MailgunEvent(
                domain=domain, event="delivered", event_id=str(n), occurred_at=at, recipient=to, subject=subject, raw=""
            )
            for n, (at, to, subject) in enumerate(drawn)
        )
        if not made:
            make_months(since=EDGES[0] - timedelta(days=25), now=EDGES[0])
        shown = [row for row in rows if low is None or row.occurred_at >= low]
        shown.sort(key=lambda row: (row.occurred_at, row.pk), reverse=descending)
        assert paged(low, descending) == [row.pk for row in shown]
        searched = MailgunEvent.objects.all().sent_to(["mai@example.com"]).order_by("occurred_at", "pk")
        assert [row.pk for row in searched] == sorted(
            (row.pk for row in rows if row.recipient == "mai@example.com"),
            key=lambda pk: next((row.occurred_at, pk) for row in rows if row.pk == pk),
        )
        groups = EventGroups(MailgunEvent.objects.filter(Bounds("occurred_at", low).condition()), GroupBy.MESSAGE)
        found, _ = groups.page(sort="events", descending=True, size=9)
        assert {group.event.subject: group.events for group in found} == Counter(row.subject for row in shown)
        transaction.set_rollback(True)


def paged(low: datetime | None, descending: bool) -> list[int]:
    """The ids of all pages, one after the other."""
    sort, bounds, key = Sort("occurred_at", "occurred_at", descending), Bounds("occurred_at", low=low), None
    seen: list[int] = []
    while True:
        page, _ = fetch_page(MailgunEvent.objects.all(), sort=sort, bounds=bounds, key=key, size=3)
        seen += [row.pk for row in page.rows]
        if not page.more_after:
            return seen
        key = Key(page.rows[-1].pk, page.rows[-1].occurred_at, backward=False)


def test_a_query_with_a_time_reads_no_other_month() -> None:
    make_months(since=datetime(YEAR, 1, 1, tzinfo=UTC), now=datetime(YEAR, 1, 1, tzinfo=UTC))
    at = datetime(YEAR, 2, 10, tzinfo=UTC)
    events = MailgunEvent.objects.filter(occurred_at__gte=at, occurred_at__lt=at + timedelta(days=2))
    plan = events.order_by("-occurred_at", "-pk")[:50].explain()
    assert f"{YEAR}_02" in plan
    assert plan.count("Scan") == 1


# What others notice


@pytest.fixture
def usual_months(transactional_db: None) -> Iterator[None]:
    """Undo what a test made or dropped."""
    before = {month.name for month in months()}
    yield
    for month in months():
        if month.name not in before:
            with transaction.atomic():
                drop_month(month)
    make_months()
    assert {month.name for month in months()} == before


def beside(action: Callable[[], Any]) -> Callable[[], Any]:
    """The action for a thread of its own, whose session ends with it."""

    def act() -> Any:
        try:
            return action()
        finally:
            connections.close_all()

    return act


@contextmanager
def open_transaction(action: Callable[[], object]) -> Iterator[None]:
    """Somebody does this, and does not commit before the context ends."""
    at_work, end = Event(), Event()

    def act() -> None:
        with transaction.atomic():
            action()
            at_work.set()
            end.wait(60)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(beside(act))
        assert at_work.wait(60)
        try:
            yield
        finally:
            end.set()
            running.result(60)


@pytest.mark.slow
def test_two_makers_at_once_make_each_month_once(usual_months: None) -> None:
    at, both = datetime(YEAR, 7, 1, tzinfo=UTC), Barrier(2)

    def make() -> int:
        both.wait(30)
        return make_months(since=at, now=at)

    with ThreadPoolExecutor(2) as pool:
        made = [running.result(60) for running in [pool.submit(beside(make)) for _ in range(2)]]
    assert sum(made) == AHEAD + 1


@pytest.mark.slow
def test_who_makes_months_waits_for_a_page_of_a_sync_and_holds_up_none(
    usual_months: None, domain: SendingDomain
) -> None:
    at = datetime(YEAR, 7, 1, tzinfo=UTC)
    with open_transaction(lambda: store(domain, datetime.now(UTC), "under way")):
        with pytest.raises(OperationalError, match="lock timeout"):
            make_months(since=at, now=at)
        store(domain, at, "too early", "lia@example.com")
        assert part_of("too early") == "other"
    assert make_months(since=at, now=at) == AHEAD + 1
    store(domain, at, "in time")
    assert MailgunEvent.objects.count() == 3
    assert {part_of("too early"), part_of("in time")} == {f"{YEAR}_07"}


@pytest.mark.slow
def test_nobody_waits_long_behind_those_who_drop_a_month(usual_months: None, domain: SendingDomain) -> None:
    """A report reads events for minutes: the month stays, and pages and syncs go on at once. Then it goes."""
    at = datetime(YEAR, 7, 1, tzinfo=UTC)
    make_months(since=at, now=at)
    month = next(month for month in months() if month.begin == at)
    fill(domain, at, 500)
    waits: list[float] = []
    stop = Event()

    def visit() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            MailgunEvent.objects.filter(event_id="none").exists()
            with page_transaction():
                store(domain, datetime.now(UTC), f"v{number}")
            waits.append(time.monotonic() - began)

    def drop() -> int | None:
        with transaction.atomic():
            return drop_month(month)

    with ThreadPoolExecutor(1) as pool:
        visitor = pool.submit(beside(visit))
        with open_transaction(lambda: MailgunEvent.objects.count()):
            for _ in range(5):
                began = time.monotonic()
                with pytest.raises(OperationalError, match="lock timeout"):
                    drop()
                assert time.monotonic() - began < 5
            seen = len(waits)
        for _ in range(100):
            try:
                assert drop() == 500
                break
            except OperationalError:  # a visitor held the lock at that moment
                continue
        stop.set()
        visitor.result(60)
    assert seen, "the visitor came through while the report was read"
    assert max(waits) < 2, "five attempts of 0.05 seconds, on a machine with other work"
    assert month not in months()
    assert not MailgunEvent.objects.filter(occurred_at__gte=at).exists()


# The table of before


def rows() -> set[tuple[Any, ...]]:
    names = [field.attname for field in MailgunEvent._meta.concrete_fields]
    return set(MailgunEvent.objects.values_list(*names))


def layout() -> dict[str, Any]:
    """The indexes and keys of the table, without their parts, and how rows are numbered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, regexp_replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '),"
            " indisvalid FROM pg_index WHERE indrelid = 'mailgun_sync_mailgunevent'::regclass"
        )
        indexes = {name: (definition, valid) for name, definition, valid in cursor.fetchall()}
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE conrelid = 'mailgun_sync_mailgunevent'::regclass AND contype IN ('u', 'p', 'f', 'c')"
        )
        keys = {name: (definition, valid) for name, definition, valid in cursor.fetchall()}
        cursor.execute("SELECT pg_get_serial_sequence('mailgun_sync_mailgunevent', 'id')")
        return {"indexes": indexes, "keys": keys, "sequence": cursor.fetchone()}


def move(*, back: bool) -> None:
    with connection.cursor() as cursor:
        # A table with checks that wait for the commit cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor(atomic=False) as editor:
        (MOVE.move_back if back else MOVE.move_over)(None, editor)


@pytest.mark.slow
def test_the_table_of_before_becomes_a_part_with_all_its_events(domain: SendingDomain) -> None:
    now = datetime.now(UTC)
    before = layout()
    move(back=True)
    at = {"old": now - timedelta(days=700), "new": now, "odd": datetime(1970, 1, 2, tzinfo=UTC)}
    at |= {"soon": now + timedelta(days=70), "far ahead": datetime(YEAR + 300, 5, 1, tzinfo=UTC)}
    for key, moment in at.items():
        store(domain, moment, key)
    kept = rows()
    give_rights(role=ROLE, password="not used here")

    move(back=False)

    assert rows() == kept
    assert layout() == before
    (old,) = [month for month in months() if month.begin is None]
    assert old.end > now + timedelta(hours=23)
    until = old.name.removeprefix("mailgun_sync_mailgunevent_")
    assert {key: part_of(key) for key in ("old", "new", "odd", "far ahead")} == {
        **dict.fromkeys(("old", "new", "odd"), until),
        "far ahead": "other",
    }
    assert part_of("soon") == (now + timedelta(days=70)).strftime("%Y_%m")
    assert not make_months()
    with as_running_role():
        assert store(domain, now, "new") == 0
        store(domain, now, "newer")
        assert MailgunEvent.objects.latest("pk").event_id == "newer"
    move(back=False)
    assert len(rows()) == len(kept) + 1
    move(back=True)
    assert len(rows()) == len(kept) + 1
    store(domain, now, "newest")
    assert MailgunEvent.objects.latest("pk").event_id == "newest"


@pytest.mark.slow
def test_the_table_is_moved_over_while_syncs_and_readers_go_on(usual_months: None, domain: SendingDomain) -> None:
    """The move begins while a report is read, so it has to wait, and nobody else does."""
    move(back=True)
    try:
        stored: list[str] = []
        stop = Event()

        def sync() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                with page_transaction():
                    store(domain, datetime.now(UTC), f"s{number}")
                stored.append(f"s{number}")
                MailgunEvent.objects.count()

        store(domain, datetime.now(UTC), "first")
        with ThreadPoolExecutor(2) as pool:
            syncing = pool.submit(beside(sync))
            with open_transaction(lambda: MailgunEvent.objects.count()):
                moving = pool.submit(beside(lambda: move(back=False)))
                seen = len(stored)
                deadline = time.monotonic() + 30
                while len(stored) < seen + 5 and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert len(stored) >= seen + 5
            moving.result(120)
            stop.set()
            syncing.result(60)
        assert set(MailgunEvent.objects.values_list("event_id", flat=True)) == {"first", *stored}
        assert [month.begin for month in months()].count(None) == 1
    finally:
        MailgunEvent.objects.all().delete()
        move(back=True)
        move(back=False)


def test_months_before_are_those_that_are_over() -> None:
    (first, *_) = months()
    assert months_before(first.end) == [first]
    assert not months_before(first.end - timedelta(microseconds=1))
