"""All that is wrong with the site, the urgent first. System Health, alerts and Home show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.troubles import troubles as account_troubles
from core.queue import queue_answers
from core.replica import ReplicaState, replica_state
from core.troubles import Trouble
from dispatch.status import ModeStatus
from dispatch.troubles import troubles as dispatch_troubles
from health.models import Heartbeat
from health.services.heartbeats import BEAT, queue_part
from health.services.readiness import FILES
from mailgun_sync.troubles import troubles as sync_troubles
from messenger_logs.troubles import troubles as message_troubles
from reports.troubles import troubles as job_troubles

SILENT_AFTER = timedelta(seconds=35)
# Without a worker for one of these, messages wait.
_SENDING = frozenset({"dispatch", "calls"})


def all_troubles(now: datetime, statuses: Iterable[ModeStatus] | None = None) -> list[Trouble]:
    """Return all troubles, the urgent first, then the oldest. The number of queries does not grow with the rows.

    Who knows the statuses of the modes gives them, so that they are not read twice.
    """
    others = (own_troubles, message_troubles, sync_troubles, job_troubles, account_troubles)
    found = chain(dispatch_troubles(now, statuses), *(troubles(now) for troubles in others))
    return sorted(found, key=lambda trouble: (not trouble.urgent, trouble.since or now, trouble.key))


def own_troubles(now: datetime) -> Iterator[Trouble]:
    """Yield what is wrong with the stores, the queue, beat and the workers."""
    if not FILES.ask().works:
        yield _files_away()
    if trouble := _replica_trouble(replica_state()):
        yield trouble
    yield from _queue_troubles(now)


def _queue_troubles(now: datetime) -> Iterator[Trouble]:
    if not queue_answers():
        # Without it no worker can say more.
        yield _queue_away()
        return
    beats = dict(Heartbeat.objects.values_list("part", "beaten_at"))
    if _silent(beats.get(BEAT), now):
        yield _beat_is_silent(beats.get(BEAT))
    for queue in settings.CELERY_TASK_QUEUES:
        last = beats.get(queue_part(queue.name))
        if _silent(last, now):
            yield _no_worker(queue.name, last)


def _files_away() -> Trouble:
    return Trouble(
        key="health.files",
        part=_("Files"),
        words=_("The store of files cannot be used: no report is made or opened, and no file comes in."),
        to_do=_(
            "Check the owner and the room of the folder REPORT_FOLDER; with S3 its bucket, its keys and the network."
        ),
    )


def _replica_trouble(state: ReplicaState) -> Trouble | None:
    """Return what is wrong with the replica for reading. Nobody waits because of it."""
    words = {
        ReplicaState.AWAY: _("It does not answer, so the primary does its work."),
        ReplicaState.BEHIND: _(
            "It is more than %(seconds)s seconds behind, or does not follow, so the primary does its work."
        )
        % {"seconds": f"{settings.REPLICA_LAG_SECONDS:g}"},
    }
    if state not in words:
        return None
    return Trouble(
        key=f"health.replica.{state.value}",
        part=_("Replica for reading"),
        words=words[state],
        to_do=_("Look at the replica: pg_stat_wal_receiver, its log, its disk. There is no hurry."),
    )


def _queue_away() -> Trouble:
    return Trouble(
        key="health.queue",
        part=_("Task queue"),
        words=_("The task queue (Valkey) does not answer, so no worker does anything."),
        to_do=_("Start Valkey again, and check REDIS_URL. Nothing is lost: what is due goes out when it is back."),
        urgent=True,
    )


def _silent(last: datetime | None, now: datetime) -> bool:
    return last is None or last < now - SILENT_AFTER


def _beat_is_silent(last: datetime | None) -> Trouble:
    return Trouble(
        key="health.beat",
        part=pgettext("part of the site", "Schedule"),
        words=_("No message goes out, and no sync starts on its own: celery beat does not run."),
        to_do=_("Start celery beat again, and read its log."),
        since=last,
        urgent=True,
    )


def _stands_still(queue: str) -> str:
    """What does not happen without a worker for the queue."""
    return {
        "dispatch": _("No message goes out."),
        "calls": _("The results of calls do not come in."),
        "sync": _("No events of e-mails come in."),
        "reports": _("No report is made in the background, and no file is imported."),
    }.get(queue, _("Contacts to fix, digests and the work of the night stand still."))


def _no_worker(queue: str, last: datetime | None) -> Trouble:
    return Trouble(
        key=f"health.worker.{queue}",
        part=_("Workers of %(queue)s") % {"queue": queue},
        words=" ".join([_stands_still(queue), _("No worker takes tasks of the queue %(queue)s.") % {"queue": queue}]),
        to_do=_("Start a celery worker with this queue (--queues=%(queue)s), and read its log.") % {"queue": queue},
        since=last,
        urgent=queue in _SENDING,
    )
