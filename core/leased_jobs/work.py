"""A worker does the job whose turn it is, and stores how it ended. All of it may happen twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from celery import Task
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from core.files import UNFINISHED, files
from core.languages import in_language
from core.leased_jobs.lease import Lease, LeaseLost
from core.leased_jobs.line import claim_next
from core.leased_jobs.models import LeasedJob
from core.queue import call_worker

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Job = TypeVar("Job", bound=LeasedJob)

# So many tasks are queued again at a time, more than workers are free; they expire before they are queued once more.
_MOST_QUEUED, _EXPIRES = 20, 55.0

log = logging.getLogger(__name__)


@contextmanager
def jobs_of(model: type[Job], owner: Model) -> Iterator[Any]:
    """Open a transaction in which nobody else adds a job of this person, so that a limit on them holds."""
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
        yield model.objects.of(owner)


def do_next(
    model: type[Job],
    work: Callable[[Job, Lease], None],
    *,
    job_id: int | None,
    reasons: Mapping[type[Exception], StrOrPromise],
    failed: StrOrPromise,
) -> bool:
    """Do the job whose turn it is, or `job_id` alone. Returns False if there was nothing to do.

    All texts are made in the language in which the job was asked for. `work` ends with `finish`. `reasons` says, by the
    kind of exception, what the person reads who asked for the job; "" stands for the words of the exception. The person
    reads `failed` after any other one.
    """
    job = claim_next(model.objects.all() if job_id is None else model.objects.filter(pk=job_id))
    if job is None:
        return False
    with in_language(job.language):
        _do(job, work, reasons, failed)
    return True


def _do(
    job: Job,
    work: Callable[[Job, Lease], None],
    reasons: Mapping[type[Exception], StrOrPromise],
    failed: StrOrPromise,
) -> None:
    try:
        with Lease(job) as lease:
            work(job, lease)
    except LeaseLost:
        pass
    except tuple(reasons) as reason:
        words = next(words for kind, words in reasons.items() if isinstance(reason, kind))
        _fail(job, str(words or reason))
    except Exception:
        log.exception("%s %s failed.", type(job).__name__, job.pk)
        _fail(job, str(failed))


def finish(job: LeasedJob, *, rows: int, **facts: Any) -> bool:
    """Store that a job is done. Returns False if somebody canceled it meanwhile, or another attempt took over."""
    held = type(job).objects.held(job.claim)
    return bool(held.update(status="done", rows_done=rows, rows_total=rows, finished_at=timezone.now(), **facts))


def _fail(job: LeasedJob, reason: str) -> None:
    held = type(job).objects.held(job.claim)
    held.update(status="failed", error=reason[:500], finished_at=timezone.now())


def cancel(job: LeasedJob) -> bool:
    """Cancel an unfinished job. Returns False if it had finished, or somebody else had canceled it."""
    unfinished = type(job).objects.unfinished().filter(pk=job.pk)
    return bool(unfinished.update(status="canceled", finished_at=timezone.now()))


# Tasks. Each says "look now": it does the job whose turn it is, which need not be the one that it was queued for.


def do_and_look_again(task: Task[Any, Any], do: Callable[[], bool]) -> None:
    """Do a job, and queue another look: its owner may have one more job, which had to wait for the end of this one."""
    if do():
        call_worker(task)


def queue_orphaned(task: Task[Any, Any], model: type[LeasedJob]) -> None:
    """Let workers look for jobs whose task was lost or whose worker ended. A look that finds nothing to do ends."""
    orphaned = model.objects.orphaned(timezone.now()).order_by("asked_at", "pk")
    for job_id in orphaned.values_list("pk", flat=True)[:_MOST_QUEUED]:
        call_worker(task, job_id, expires=_EXPIRES)


def remove_leftovers(folder: str, *, keep: Collection[str], gone: Collection[str] = (), now: datetime) -> None:
    """Remove the files of a folder whose names are `gone`, and those of the day before that are not in `keep`.

    A file comes a moment before its job, and an incomplete one has UNFINISHED behind its name.
    """
    for file in list(files().entries(folder)):
        name = file.name.removesuffix(UNFINISHED)
        if name not in keep and (name in gone or file.modified < now - timedelta(days=1)):
            files().remove(file.name)
