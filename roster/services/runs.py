"""All writes about runs: they are asked for, done, stopped by the guard, allowed by a person, and removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.services import record_audit_event
from core.files import FilesAway, files
from core.leases import TakenOver, lease
from core.text import storable
from providers import oneroster
from roster.choices import Change, Kind, RunStatus, Source
from roster.csv_zip import NO_FILE, read_zip
from roster.models import FOLDER, RosterRun
from roster.reading import ChangedMeanwhile, Reading, Unreadable
from roster.rest import read_rest
from roster.services.takeover import Takeover

# New terms come each summer, and nothing hangs on the old ones.
GUARDED = [kind for kind in Kind if kind is not Kind.TERMS]
READINGS = 2
LEASE = "roster"
FILE_DAYS = 2
# Stored in English; a page translates them.
INTERRUPTED = gettext_noop("The program ended before the run was done. It changed nothing.")
TOOK_TOO_LONG = gettext_noop("It ran too long and was stopped. It changed nothing.")
FAILED = gettext_noop("Something went wrong here, and nothing was changed. Tell your administrator.")

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The request was not taken. The message says why, as a sentence."""


class _TakeBack(Exception):
    """Ends the transaction of a run that changes nothing."""


def configured_source() -> Source | None:
    """Return where the roster of the night comes from; None where the settings name neither address nor file."""
    if oneroster.is_configured():
        return Source.REST
    return Source.FILE if settings.ROSTER_FILE else None


# To ask for a run


def request_run(*, by: User | None, check_only: bool) -> RosterRun:
    """Queue a run of the configured roster; ``by`` is None at night. Raises Refused."""
    source = configured_source()
    if source is None:
        raise Refused(_("The settings name no roster: neither ROSTER_URL nor ROSTER_FILE."))
    return _queue(RosterRun(source=source, check_only=check_only), by=by)


def upload(*, chunks: Iterable[bytes], name: str, by: User | None, check_only: bool = True) -> RosterRun:
    """Keep an uploaded zip, and queue a run of it. Raises Refused."""
    run = RosterRun(source=Source.UPLOAD, check_only=check_only, file=uuid4(), file_name=storable(name)[:255])
    try:
        _keep(run.stored_name, chunks)
        return _queue(run, by=by)
    except BaseException:
        files().remove(run.stored_name)
        raise


def start(*, seen: RosterRun, by: User) -> RosterRun:
    """Queue a run that changes things, after a person has seen the difference of a check or of a run that was stopped.

    As many may leave as that difference shows, once. Raises Refused.
    """
    if not may_start(seen):
        raise Refused(_("Check the roster first, and start the run from what the check shows."))
    run = RosterRun(source=seen.source, check_only=False, file=seen.file, file_name=seen.file_name, allows=seen)
    return _queue(run, by=by)


def may_start(run: RosterRun) -> bool:
    """Whether a run may be started from the difference of this one. An uploaded file may be gone by now."""
    shown = run.status == RunStatus.STOPPED or (run.check_only and run.status == RunStatus.DONE)
    used = RosterRun.objects.filter(allows=run).exclude(status=RunStatus.FAILED).exists()
    return shown and not used and (run.source != Source.UPLOAD or files().exists(run.stored_name))


def _queue(run: RosterRun, *, by: User | None) -> RosterRun:
    run.asked_by, run.asked_at = by, timezone.now()
    with transaction.atomic():
        run.save()
        action = "roster.check_asked" if run.check_only else "roster.run_asked"
        allowed = {kind.value: run.allows.leaving(kind) for kind in GUARDED} if run.allows else {}
        record_audit_event(by=by, action=action, target=run.file_name, details=_facts(run) | {"may_leave": allowed})
    return run


def _keep(name: str, chunks: Iterable[bytes]) -> None:
    size = 0
    with files().writing(name) as file:
        for chunk in chunks:
            size += len(chunk)
            if size > settings.ROSTER_MEGABYTES * 2**20:
                most = {"most": f"{settings.ROSTER_MEGABYTES:,}"}
                raise Refused(_("The file is larger than %(most)s MB.") % most)
            file.write(chunk)


def _facts(run: RosterRun) -> dict[str, Any]:
    return {"run": run.pk, "source": run.source}


# To do it


def do_queued() -> int:
    """Do the runs that wait, the oldest first; one process at a time. Returns their number."""
    done = 0
    with lease(LEASE) as free:
        if not free:
            return 0
        # Nobody else is at work, so what is in progress has died, or stood still for too long.
        died = RosterRun.objects.filter(status=RunStatus.RUNNING)
        died.update(status=RunStatus.FAILED, error=INTERRUPTED, finished_at=timezone.now())
        while run := RosterRun.objects.filter(status=RunStatus.QUEUED).order_by("asked_at", "pk").first():
            if _begin(run):
                _do(run)
                done += 1
    return done


def _begin(run: RosterRun) -> bool:
    run.status, run.started_at = RunStatus.RUNNING, timezone.now()
    waiting = RosterRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED)
    return bool(waiting.update(status=run.status, started_at=run.started_at))


def _still_ours(run: RosterRun) -> None:
    """Lock a run until the transaction ends. Raises TakenOver if another process says that it has died."""
    if not RosterRun.objects.select_for_update(no_key=True).filter(pk=run.pk, status=RunStatus.RUNNING).first():
        raise TakenOver


def _do(run: RosterRun) -> None:
    try:
        _read_and_take_over(run)
    except TakenOver:
        log.error("roster.taken_over", run=run.pk)
    except Unreadable as reason:
        _fail(run, str(reason))
    except SoftTimeLimitExceeded:
        _fail(run, TOOK_TOO_LONG)
        raise
    except Exception:
        log.exception("roster.failed", run=run.pk)
        _fail(run, FAILED)
    if run.status == RunStatus.DONE and not run.check_only and run.source == Source.UPLOAD:
        files().remove(run.stored_name)


def _read_and_take_over(run: RosterRun) -> None:
    """Read the roster without a transaction, then take it over in one. Raises Unreadable."""
    with _read(run) as reading:
        takeover = Takeover(reading, by=run.asked_by)
        try:
            with transaction.atomic():
                _still_ours(run)
                takeover.run()
                run.status = RunStatus.STOPPED if too_many(run, takeover.difference) else RunStatus.DONE
                if run.check_only or run.status == RunStatus.STOPPED:
                    raise _TakeBack
                _finish(run, reading, takeover)
        except _TakeBack:
            run.status = RunStatus.DONE if run.check_only else run.status
            _finish(run, reading, takeover)


@contextmanager
def _read(run: RosterRun) -> Iterator[Reading]:
    """Read the roster; once more if it changed meanwhile. Raises Unreadable."""
    for left in reversed(range(READINGS)):
        with Reading.open() as reading:
            try:
                if run.source == Source.REST:
                    read_rest(reading)
                else:
                    with _file_of(run) as path:
                        read_zip(path, reading)
            except ChangedMeanwhile:
                if left:
                    continue
                raise
            yield reading
            return


@contextmanager
def _file_of(run: RosterRun) -> Iterator[Path]:
    """Give the zip of a run a path. Raises Unreadable."""
    if run.source == Source.FILE:
        yield Path(settings.ROSTER_FILE)
        return
    try:
        with files().local(run.stored_name) as path:
            yield path
    except FileNotFoundError:
        raise Unreadable(NO_FILE) from None
    except FilesAway as error:
        raise Unreadable(str(error)) from error


def too_many(run: RosterRun, difference: dict[str, dict[str, Any]]) -> list[Kind]:
    """Return the kinds of which more would leave than ROSTER_LEAVING_PERCENT, and than a person has seen."""
    allowed = {kind: run.allows.leaving(kind) if run.allows else 0 for kind in GUARDED}
    return [
        kind
        for kind in GUARDED
        if difference[kind][Change.LEAVING] > allowed[kind]
        and 100 * difference[kind][Change.LEAVING] > settings.ROSTER_LEAVING_PERCENT * difference[kind]["before"]
    ]


def _finish(run: RosterRun, reading: Reading, takeover: Takeover) -> None:
    run.read, run.difference, run.finished_at = reading.label, takeover.difference, timezone.now()
    run.problems = [[storable(part) for part in problem] for problem in reading.problems]
    run.problem_count = reading.problem_count
    action = {RunStatus.STOPPED: "roster.stopped"}.get(
        RunStatus(run.status), "roster.checked" if run.check_only else "roster.taken_over"
    )
    counts = {kind: {change: number[change] for change in Change.values} for kind, number in run.difference.items()}
    with transaction.atomic():
        run.save()
        details = _facts(run) | {"difference": counts, "problems": run.problem_count}
        record_audit_event(by=run.asked_by, action=action, target=run.file_name, details=details)


def _fail(run: RosterRun, reason: str) -> None:
    run.status, run.error, run.finished_at = RunStatus.FAILED, reason[:500], timezone.now()
    run.difference = {}
    with transaction.atomic():
        run.save()
        details = _facts(run) | {"reason": run.error}
        record_audit_event(by=run.asked_by, action="roster.failed", target=run.file_name, details=details)


def delete_expired(*, now: datetime | None = None) -> int:
    """Remove old runs, and uploaded files that nobody ran. Returns the number of removed runs."""
    now = now or timezone.now()
    old = RosterRun.objects.asked_before(now - timedelta(days=settings.ROSTER_RUN_DAYS))
    removed, _ = old.exclude(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).delete()
    waiting = {run.stored_name for run in RosterRun.objects.unfinished() if run.source == Source.UPLOAD}
    for file in list(files().entries(FOLDER)):
        if file.name not in waiting and file.modified < now - timedelta(days=FILE_DAYS):
            files().remove(file.name)
    return removed
