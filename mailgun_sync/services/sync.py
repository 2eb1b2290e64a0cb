"""Read a domain's events: store early, settle late.

A run stores each page as it comes, so the newest events are on the screen at once. ``settled_through`` follows half an
hour behind, and only after a whole reading. So the next run reads again what came late or was lost in a crash.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from accounts.models import User
from core.dates import time_text
from core.leases import TakenOver, end_leases, lease
from core.timeouts import words_for
from mailgun_sync.choices import RunKind, RunOutcome
from mailgun_sync.client import EventSource, ProviderError, ProviderEvent, TooLargeEventError
from mailgun_sync.models import SendingDomain, SyncGap, SyncRun
from mailgun_sync.querysets import SyncRunQuerySet
from mailgun_sync.services.ingest import page_transaction, store_events
from mailgun_sync.services.source_counts import count_call
from mailgun_sync.services.sources import open_source

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=5)
FIRST_LOOK = timedelta(days=1)
SLICE = timedelta(hours=1)  # the shortest slice of a long catch-up
BACKFILL_STEP = timedelta(days=1)
NOT_A_GAP = timedelta(hours=1)  # what the provider drops while a backfill is on its first day
SETTLE_STEP = timedelta(minutes=5)
LONGEST_SETTLE = timedelta(hours=6)
HUNG = "It gave no sign of life any more, so a later sync ended it and took over."
MOST_TOO_LARGE = 20  # in one slice; what has more of them is no list of events
LONGEST = timedelta(hours=6)
TOOK_TOO_LONG = (
    f"It ran for {LONGEST // timedelta(hours=1)} hours without an end and was stopped. What it had read stays, and the"
    " next sync reads on."
)


class AlreadyRunningError(Exception):
    """Another process reads this domain's events now. The message says since when, in plain words for the office."""

    def __init__(self, run: SyncRun | None) -> None:
        facts = (
            f", since {time_text(run.started_at)}; its last sign of life was at {time_text(run.seen_at)}" if run else ""
        )
        super().__init__(f"Another sync of this domain is running{facts}.")


def bring_up_to_date(
    *,
    domain_id: int,
    sweep: timedelta | None = None,
    asked_by: User | None = None,
    wait: timedelta = timedelta(0),
) -> list[SyncRun]:
    """Sync a domain, then continue its unfinished backfill. Returns the runs; they hold the provider's errors.

    ``wait`` says how long to wait for another process. Raises AlreadyRunningError after that.
    """
    runs = [sync_domain(domain_id=domain_id, sweep=sweep, asked_by=asked_by, wait=wait)]
    while runs[-1].outcome == RunOutcome.SUCCEEDED:
        # The lease is free between two days, so a long backfill does not delay the hourly sync.
        day = backfill_day(domain_id=domain_id, asked_by=asked_by, wait=max(wait, timedelta(minutes=10)))
        if day is None:
            break
        runs.append(day)
    return runs


def sync_domain(
    *,
    domain_id: int,
    sweep: timedelta | None = None,
    asked_by: User | None = None,
    wait: timedelta = timedelta(0),
) -> SyncRun:
    """Read a domain's events up to now, from where they are settled, or from ``sweep`` ago if that is earlier.

    Raises AlreadyRunningError when another process has the domain for longer than ``wait``.
    """
    kind = RunKind.SWEEP if sweep else RunKind.SYNC
    with _alone(domain_id, wait):
        domain = SendingDomain.objects.get(pk=domain_id)
        with _recorded(domain, kind, asked_by) as run:
            source, clock = open_source(domain, run)
            # The earlier clock counts: if ours is fast, we would settle minutes that are still to come.
            run_start = min(datetime.now(UTC), clock)
            begin = _begin(domain, run_start, sweep)
            if begin >= run_start:
                clocks = f"The earlier of Mailgun's clock and ours says {time_text(run_start)}"
                raise ProviderError(f"{clocks}, and everything before that was read already.")
            _read(source, run, domain, begin, run_start)
            _settle(domain, run, begin, run_start)
    return run


def backfill_day(*, domain_id: int, asked_by: User | None = None, wait: timedelta = timedelta(0)) -> SyncRun | None:
    """Read the next day of a domain's backfill: the oldest first, because it expires first. None without a backfill."""
    with _alone(domain_id, wait):
        domain = SendingDomain.objects.get(pk=domain_id)
        if domain.backfill_next is None or domain.backfill_until is None or domain.paused:
            return None
        with _recorded(domain, RunKind.BACKFILL, asked_by) as run:
            source, clock = open_source(domain, run)
            oldest = _oldest(min(datetime.now(UTC), clock))
            begin = domain.backfill_next
            if oldest - begin > NOT_A_GAP:
                begin = min(oldest, domain.backfill_until)
                _record_gap(domain, domain.backfill_next, begin)
            end = min(begin + BACKFILL_STEP, domain.backfill_until)
            if begin < end:
                _read(source, run, domain, begin, end)
            _finish_backfill_day(domain, end, domain.backfill_until)
    return run


def start_backfill(*, domain_id: int) -> bool:
    """Set up a backfill of all that the provider still has, day by day. False if the domain was never synced."""
    begin = _oldest(datetime.now(UTC))
    return bool(
        SendingDomain.objects.filter(pk=domain_id, settled_through__gt=begin).update(
            backfill_from=begin, backfill_next=begin, backfill_until=F("settled_through")
        )
    )


@contextmanager
def _alone(domain_id: int, wait: timedelta) -> Iterator[None]:
    """Let one process at a time read a domain. Its lease ends soon after the process.

    A process that hangs renews its lease all the same. After HUNG_AFTER without a sign of life the next one ends it.
    """
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        with lease(lease_name(domain_id)) as free:
            if free:
                yield
                return
        _end_lease_of_hung(domain_id)
        if time.monotonic() >= deadline:
            raise AlreadyRunningError(_skipped(domain_id))
        time.sleep(0.2)


def lease_name(domain_id: int) -> str:
    return f"sync of domain {domain_id}"


def _running(domain_id: int) -> SyncRunQuerySet:
    return SyncRun.objects.filter(domain=domain_id).running()


def _skipped(domain_id: int) -> SyncRun | None:
    """Count, for the System Health page, that a sync leaves the domain to the one that runs. Returns that run."""
    _running(domain_id).update(skipped=F("skipped") + 1)
    return _running(domain_id).first()


def _end_lease_of_hung(domain_id: int) -> None:
    """End the lease of a domain, if its run gives no sign of life any more."""
    if _running(domain_id).silent().exists():
        log.error("mailgun_sync.hung", domain=domain_id, ended=end_leases(lease_name(domain_id)))


@contextmanager
def _recorded(domain: SendingDomain, kind: RunKind, asked_by: User | None) -> Iterator[SyncRun]:
    """Record a run with its outcome. An error ends this run and no other."""
    # We have the domain, so another run that still says "running" is of a process that died or hung. If that goes on,
    # it finds its run ended, and stores no page any more.
    _running(domain.pk).silent().update(error=HUNG)
    _running(domain.pk).update(outcome=RunOutcome.INTERRUPTED, finished_at=Now())
    run = SyncRun.objects.create(domain=domain, kind=kind, asked_by=asked_by)
    error = ""
    try:
        yield run
    except ProviderError as refused:
        error = str(refused)
        log.warning("mailgun_sync.failed", domain=domain.name, error=error)
    except TakenOver:
        error = HUNG
        log.error("mailgun_sync.taken_over", domain=domain.name)
    except SoftTimeLimitExceeded:
        error = TOOK_TOO_LONG
        log.error("mailgun_sync.took_too_long", domain=domain.name)
    except Exception as unexpected:
        error = words_for(unexpected)
        log.exception("mailgun_sync.crashed", domain=domain.name)
    with transaction.atomic():
        ended = _running(domain.pk).filter(pk=run.pk)
        if ended.update(outcome=RunOutcome.FAILED if error else RunOutcome.SUCCEEDED, error=error, finished_at=Now()):
            SendingDomain.objects.filter(pk=domain.pk).update(last_error=error, last_error_at=Now() if error else None)
    run.refresh_from_db()


def _oldest(now: datetime) -> datetime:
    return now - timedelta(days=settings.MAILGUN_RETENTION_DAYS)


def _begin(domain: SendingDomain, run_start: datetime, sweep: timedelta | None) -> datetime:
    begin = domain.settled_through - OVERLAP if domain.settled_through else run_start - FIRST_LOOK
    if sweep:
        begin = min(begin, run_start - sweep)
    oldest = _oldest(run_start)
    if domain.settled_through and domain.settled_through < oldest:
        _record_gap(domain, domain.settled_through, oldest)
    return max(begin, oldest)


def _record_gap(domain: SendingDomain, begin: datetime, end: datetime) -> None:
    log.warning("mailgun_sync.gap", domain=domain.name, begin=begin.isoformat(), end=end.isoformat())
    SyncGap.objects.update_or_create(domain=domain, begin=begin, defaults={"end": end})


def _slices(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Cut a range into slices for parallel reading. There are more slices than readers, because some hours are busy."""
    readers = settings.MAILGUN_SLICES
    count = min(int((end - begin) / SLICE), 8 * readers) if readers > 1 else 1
    cuts = [begin + (end - begin) * number / count for number in range(count)] if count > 1 else [begin]
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _read(source: EventSource, run: SyncRun, domain: SendingDomain, begin: datetime, end: datetime) -> None:
    """Store all events from ``begin`` to ``end``. Returns only after every slice has reached its empty page."""
    SyncRun.objects.filter(pk=run.pk).update(begin=begin, end=end)
    slices = _slices(begin, end)
    if len(slices) == 1:
        _read_slice(source, run, domain, begin, end, threading.Event())
        return
    stop = threading.Event()

    def read_in_thread(begin: datetime, end: datetime) -> None:
        try:
            _read_slice(source, run, domain, begin, end, stop)
        finally:
            connection.close()

    with ThreadPoolExecutor(settings.MAILGUN_SLICES, thread_name_prefix="mailgun-slice") as pool:
        try:
            for done in as_completed([pool.submit(read_in_thread, *piece) for piece in slices]):
                done.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _read_slice(
    source: EventSource, run: SyncRun, domain: SendingDomain, begin: datetime, end: datetime, stop: threading.Event
) -> None:
    backfill = run.kind == RunKind.BACKFILL
    for events in _pages(source, domain, begin, end):
        if stop.is_set():
            return
        with page_transaction():
            stored = store_events(
                domain_id=domain.pk,
                events=events,
                covered_from=None if backfill else domain.covered_from,
                settled_through=None if backfill else domain.settled_through,
            )
            alive = (
                _running(domain.pk)
                .filter(pk=run.pk)
                .update(
                    pages=F("pages") + 1,
                    events_seen=F("events_seen") + stored.seen,
                    events_new=F("events_new") + stored.new,
                    quarantined=F("quarantined") + stored.quarantined,
                    differs=F("differs") + stored.differs,
                    late=F("late") + stored.late,
                    latest_by=Greatest(F("latest_by"), stored.latest_by),
                    seen_at=Now(),
                )
            )
            if not alive:
                raise TakenOver
            count_call(domain_id=domain.pk, source=run.source, stored=stored)


def _pages(source: EventSource, domain: SendingDomain, begin: datetime, end: datetime) -> Iterator[list[ProviderEvent]]:
    """Yield the pages. At an event that is too large to read, record a gap of its second, and go on after it."""
    for _ in range(MOST_TOO_LARGE):
        try:
            yield from source.pages(begin, end)
            return
        except TooLargeEventError as error:
            _record_gap(domain, error.begin, error.end)
            begin = error.end
            if begin >= end:
                return
    raise ProviderError(f"Mailgun has more than {MOST_TOO_LARGE} events that are too large to read in this time.")


def _settle(domain: SendingDomain, run: SyncRun, begin: datetime, run_start: datetime) -> None:
    """Move the cursor, which only goes forward. The first run of a domain also sets up the backfill of earlier days."""
    run.refresh_from_db()
    settle_after = max(domain.settle_after, _delay_for(run, domain))
    if settle_after > domain.settle_after:
        log.warning("mailgun_sync.late_events", domain=domain.name, late=run.late, settle_after=str(settle_after))
    oldest = _oldest(run_start)
    with transaction.atomic():
        if oldest < begin:
            SendingDomain.objects.filter(pk=domain.pk, settled_through__isnull=True).update(
                backfill_from=oldest, backfill_next=oldest, backfill_until=begin
            )
        SendingDomain.objects.filter(pk=domain.pk, settled_through__isnull=True).update(covered_from=begin)
        SendingDomain.objects.filter(pk=domain.pk).update(
            settle_after=settle_after, settled_through=Greatest(F("settled_through"), run_start - settle_after)
        )


def _delay_for(run: SyncRun, domain: SendingDomain) -> timedelta:
    """Return the delay before a time is settled, after ``run`` found events that came later than the delay of today.

    A sweep sees a late event up to a day after the provider showed it, so its measure is too long. The delay at most
    doubles.
    """
    if not run.late:
        return timedelta(0)
    enough = SETTLE_STEP * -(-run.latest_by // SETTLE_STEP)
    return min(enough, 2 * domain.settle_after, LONGEST_SETTLE)


def _finish_backfill_day(domain: SendingDomain, end: datetime, until: datetime) -> None:
    mine = SendingDomain.objects.filter(pk=domain.pk, backfill_next=domain.backfill_next)
    if end < until:
        mine.update(backfill_next=end)
    else:
        mine.update(covered_from=F("backfill_from"), backfill_from=None, backfill_next=None, backfill_until=None)
