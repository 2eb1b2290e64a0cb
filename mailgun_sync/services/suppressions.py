"""Read Mailgun's lists of suppressions as a snapshot, and apply how they differ from the last one.

Mailgun has no news about its lists, so each reading reads all of them. It fills rows of its own, and only when the last
page of the last list is here, one transaction makes them the lists that count. A reading that is cut changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Now

from accounts.models import User
from core.leases import TakenOver, lease
from core.text import storable
from core.timeouts import words_for
from mailgun_sync.choices import RunOutcome, SuppressionList
from mailgun_sync.client import ProviderError
from mailgun_sync.models import Removal, SendingDomain, StagedSuppression, Suppression, SuppressionRun
from mailgun_sync.suppression_lists import Entry, SuppressionLists
from messenger_logs.choices import ContactProblem
from messenger_logs.services.bulk_copy import copy_rows
from messenger_logs.services.contacts import ListedAddress, settle_listed
from messenger_logs.services.erased import anybody_erased, erased_among

log = structlog.get_logger(__name__)

# Addresses whose contacts a statement settles.
BATCH = 10_000
TOOK_TOO_LONG = "It ran too long and was stopped. The lists stay as they were, and the next reading starts over."

PROBLEMS = {
    SuppressionList.BOUNCES: ContactProblem.SUPPRESSED,
    SuppressionList.UNSUBSCRIBES: ContactProblem.UNSUBSCRIBED,
    SuppressionList.COMPLAINTS: ContactProblem.COMPLAINED,
}
# On several lists, an address has the problem of the last of these.
_RANK = Case(*(When(list=name, then=Value(rank)) for rank, name in enumerate(PROBLEMS)), output_field=IntegerField())

_COLUMNS = [column.name for column in fields(Entry)]
_VALUES = [name for name in _COLUMNS if name not in ("list", "key")]

# An address that a person took off the list while we read it may be on a page from before.
_STORE = f"""
INSERT INTO {Suppression._meta.db_table} AS kept (domain_id, {", ".join(_COLUMNS)})
SELECT DISTINCT ON (staged.list, staged.key) %(domain)s, {", ".join(f"staged.{name}" for name in _COLUMNS)}
FROM {StagedSuppression._meta.db_table} AS staged
WHERE staged.run_id = %(run)s AND NOT EXISTS (
    SELECT FROM {Removal._meta.db_table} AS removal
    WHERE removal.domain_id = %(domain)s AND removal.list = staged.list AND removal.mailbox = staged.mailbox
        AND removal.done AND removal.answered_at >= %(started_at)s)
ORDER BY staged.list, staged.key, staged.id DESC
ON CONFLICT (domain_id, list, key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _VALUES)}
WHERE ({", ".join(f"kept.{name}" for name in _VALUES)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})
RETURNING mailbox, xmax = 0
"""  # noqa: S608  (table names only)
_REMOVE = f"""
DELETE FROM {Suppression._meta.db_table} AS kept
WHERE kept.domain_id = %(domain)s AND NOT EXISTS (
    SELECT FROM {StagedSuppression._meta.db_table} AS staged
    WHERE staged.run_id = %(run)s AND staged.list = kept.list AND staged.key = kept.key)
RETURNING mailbox
"""  # noqa: S608  (table names only)
# The first reading that began after the answer shows whether Mailgun did it. Without one, our process died meanwhile.
_CONFIRM = f"""
UPDATE {Removal._meta.db_table} AS removal SET read_at = now(), still_listed = EXISTS (
    SELECT FROM {StagedSuppression._meta.db_table} AS staged
    WHERE staged.run_id = %(run)s AND staged.list = removal.list AND staged.mailbox = removal.mailbox)
WHERE removal.domain_id = %(domain)s AND removal.read_at IS NULL
    AND coalesce(removal.answered_at, removal.asked_at + interval '10 minutes') < %(started_at)s
"""  # noqa: S608  (table names only)


class AlreadyReadingError(Exception):
    """Another process reads the lists of this domain now."""


def read_suppressions(*, domain_id: int, asked_by: User | None = None) -> SuppressionRun:
    """Read all lists of a domain, and apply them. Returns the run; it holds the provider's error.

    Raises AlreadyReadingError.
    """
    domain = SendingDomain.objects.get(pk=domain_id)
    with _alone(domain_id), _recorded(domain, asked_by) as run:
        lists = SuppressionLists(domain.name)
        for name in SuppressionList:
            for entries in lists.pages(name):
                _stage(run, entries)
        _apply(run)
    return run


@transaction.atomic
def _stage(run: SuppressionRun, entries: list[Entry]) -> None:
    erased = erased_among({entry.mailbox for entry in entries}) if anybody_erased() else set()
    kept = (entry for entry in entries if entry.mailbox not in erased)
    rows = ((run.pk, *attrgetter(*_COLUMNS)(entry)) for entry in kept)
    odd = sum(bool(entry.error) for entry in entries)
    _count(run, pages=F("pages") + 1, entries=F("entries") + len(entries), odd=F("odd") + odd)
    copy_rows(StagedSuppression, ["run_id", *_COLUMNS], rows)


def _count(run: SuppressionRun, **counts: Any) -> None:
    """Store counts of a run, and lock it until the transaction ends. Raises TakenOver if another run has begun."""
    if not SuppressionRun.objects.filter(pk=run.pk, outcome=RunOutcome.RUNNING).update(**counts):
        raise TakenOver


@transaction.atomic
def _apply(run: SuppressionRun) -> None:
    """Make what the run has read the lists that count, and let the contacts follow what changed."""
    # Without all rows of this run, what is not staged would be taken off the lists.
    _count(run, removed=0)
    given: dict[str, int | datetime] = {"run": run.pk, "domain": run.domain_id, "started_at": run.started_at}
    with connection.cursor() as cursor:
        cursor.execute(_STORE, given)
        stored = cursor.fetchall()
        cursor.execute(_REMOVE, given)
        removed = [mailbox for (mailbox,) in cursor.fetchall()]
        cursor.execute(_CONFIRM, given)
    added = sum(new for _, new in stored)
    SuppressionRun.objects.filter(pk=run.pk).update(added=added, removed=len(removed))
    settle_mailboxes({mailbox for mailbox, _ in stored} | set(removed))


def settle_mailboxes(mailboxes: Collection[str]) -> None:
    """Let the contacts of these addresses follow the lists of all domains, in the transaction of the caller."""
    wanted = sorted(filter(None, mailboxes))
    for batch in (wanted[at : at + BATCH] for at in range(0, len(wanted), BATCH)):
        in_force = Suppression.objects.in_force().filter(mailbox__in=batch).annotate(rank=_RANK)
        strongest = in_force.order_by("mailbox", "-rank", "suppressed_at", "pk").distinct("mailbox")
        listed = [_listed(*values) for values in strongest.values_list(*_LISTED)]
        settle_listed(listed=listed, unlisted=set(batch) - {one.address for one in listed})


_LISTED = ("mailbox", "list", "code", "reason", "suppressed_at", "first_seen_at")


def _listed(
    mailbox: str, name: str, code: str, reason: str, suppressed_at: datetime | None, first_seen_at: datetime
) -> ListedAddress:
    words = " ".join(filter(None, [code, reason]))
    return ListedAddress(mailbox, PROBLEMS[SuppressionList(name)], suppressed_at or first_seen_at, words[:2000])


@contextmanager
def _alone(domain_id: int) -> Iterator[None]:
    """Let one process at a time read the lists of a domain. Its lease ends soon after the process."""
    with lease(lease_name(domain_id)) as free:
        if not free:
            raise AlreadyReadingError
        yield


def lease_name(domain_id: int) -> str:
    return f"suppressions of domain {domain_id}"


@contextmanager
def _recorded(domain: SendingDomain, asked_by: User | None) -> Iterator[SuppressionRun]:
    """Record a run with its outcome, and clear away what it has staged."""
    # We have the lease, so a run that still says "running" is of a process that died or stood still. First it ends, so
    # that it stages and applies nothing any more.
    runs = SuppressionRun.objects.filter(domain=domain, outcome=RunOutcome.RUNNING)
    runs.update(outcome=RunOutcome.INTERRUPTED, finished_at=Now())
    _clear(StagedSuppression.objects.filter(run__domain=domain))
    run = SuppressionRun.objects.create(domain=domain, asked_by=asked_by)
    run.refresh_from_db()
    error = ""
    try:
        yield run
    except ProviderError as refused:
        error = storable(str(refused))
        log.warning("suppressions.failed", domain=domain.name, error=error)
    except TakenOver:
        log.error("suppressions.taken_over", domain=domain.name)
    except SoftTimeLimitExceeded:
        error = TOOK_TOO_LONG
        log.error("suppressions.took_too_long", domain=domain.name)
    except Exception as unexpected:
        error = words_for(unexpected)
        log.exception("suppressions.crashed", domain=domain.name)
    outcome = RunOutcome.FAILED if error else RunOutcome.SUCCEEDED
    runs.filter(pk=run.pk).update(outcome=outcome, error=error, finished_at=Now())
    _clear(StagedSuppression.objects.filter(run=run))
    run.refresh_from_db()


def _clear(staged: QuerySet[StagedSuppression]) -> None:
    # No signals and no cascades: PostgreSQL deletes 100,000 rows with one statement.
    staged._raw_delete(staged.db)
