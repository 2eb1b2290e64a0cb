"""All writes about uploaded files: they are kept, checked, imported, canceled and removed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import record_audit_event
from core.files import FilesAway, discard, files
from core.languages import language_now
from core.leased_jobs import work
from core.leased_jobs.lease import Lease
from core.text import storable
from imports.models import FOLDER, ImportJob, map_named
from imports.services.importing import ImportCounts, import_messages
from imports.sources import open_source
from imports.table import UnreadableFile
from reports.files import NotMade, new_file

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Stage, Status = ImportJob.Stage, ImportJob.Status

UNFINISHED_EACH = 3
TOO_MANY = _("Too many of your imports are not finished yet. Wait for one of them, or cancel one.")
NO_MAP = _("The column map is not there any more. Choose another one.")
NO_MAP_YET = _("Say which column of the file is which field.")
NO_FILE = _("The file is not there any more. Upload it again.")
FAILED = _("Something went wrong here. Messages that were complete are stored. Tell your administrator.")

_REASONS: dict[type[Exception], StrOrPromise] = {
    UnreadableFile: "",
    NotMade: "",
    FilesAway: "",
    FileNotFoundError: NO_FILE,
}


class Refused(Exception):
    """The file was not taken. The message says why, as a sentence."""


def upload(*, chunks: Iterable[bytes], name: str, map_name: str, values: dict[str, str], by: User) -> ImportJob:
    """Keep an uploaded file, and queue the check of it; without a map it waits for one.

    Raises Refused, and NotMade if the disk is full.
    """
    now = timezone.now()
    job = ImportJob(owner=by, file_name=storable(name)[:255], map_name=map_name, values=values, asked_at=now)
    job.expires_at = now + timedelta(days=settings.IMPORT_DAYS)
    job.digest, job.size = _keep(job.stored_name, chunks)
    if not map_name:
        job.status, job.error = Status.FAILED, str(NO_MAP_YET)
    try:
        with work.jobs_of(ImportJob, by) as own:
            if own.unfinished().count() >= UNFINISHED_EACH:
                raise Refused(TOO_MANY)
            job.save()
            record_audit_event(by=by, action="import.uploaded", target=job.recorded_name, details=_facts(job))
    except BaseException:
        files().remove(job.stored_name)
        raise
    return job


def _keep(name: str, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write a file. Returns its SHA-256 and its size. Raises Refused."""
    digest, size = hashlib.sha256(), 0
    with new_file(name) as file:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            if size > settings.IMPORT_MEGABYTES * 2**20:
                most = {"size": f"{settings.IMPORT_MEGABYTES:,}"}
                raise Refused(gettext("The file is larger than %(size)s MB. Split it.") % most)
            file.write(chunk)
    return digest.hexdigest(), size


def _facts(job: ImportJob) -> dict[str, Any]:
    return {"import": job.pk, "sha256": job.digest, "bytes": job.size, "map": job.map_name}


def check_again(*, job: ImportJob, map_name: str, values: dict[str, str], by: User) -> bool:
    """Queue another check of a file, with this map and these values. Returns False if it is under way or imported."""
    ready = ImportJob.objects.filter(pk=job.pk, stage=Stage.CHECK).exclude(status__in=ImportJob.UNFINISHED)
    with transaction.atomic():
        queued = bool(ready.update(map_name=map_name, values=values, **_queued_again()))
        if queued:
            details = _facts(job) | {"map": map_name}
            record_audit_event(by=by, action="import.check_asked", target=job.recorded_name, details=details)
    return queued


def start_import(*, job: ImportJob, by: User) -> bool:
    """Queue the import of a file that was checked. Returns False if somebody was quicker."""
    checked = ImportJob.objects.filter(pk=job.pk, stage=Stage.CHECK, status=Status.DONE)
    with transaction.atomic():
        queued = bool(checked.update(stage=Stage.IMPORT, **_queued_again()))
        if queued:
            record_audit_event(by=by, action="import.started", target=job.recorded_name, details=_facts(job))
    return queued


def _queued_again() -> dict[str, Any]:
    """Return what a file is like that waits again. Its result is told in the language of who asked last."""
    queued = {"status": Status.QUEUED, "tries": 0, "rows_done": 0, "rows_total": None, "error": "", "finished_at": None}
    return queued | {"language": language_now()}


def cancel(*, job: ImportJob, by: User) -> bool:
    """Cancel what is under way. A message that is complete stays. Returns False if it had finished."""
    with transaction.atomic():
        canceled = work.cancel(job)
        if canceled:
            record_audit_event(by=by, action="import.canceled", target=job.recorded_name, details=_facts(job))
    return canceled


def remove(*, job: ImportJob, by: User) -> None:
    """Remove a finished job with its file. The messages stay."""
    with transaction.atomic():
        if ImportJob.objects.exclude(status__in=ImportJob.UNFINISHED).filter(pk=job.pk).delete()[0]:
            record_audit_event(by=by, action="import.removed", target=job.recorded_name, details=_facts(job))
            transaction.on_commit(partial(discard, job.stored_name))


def run(*, job_id: int | None = None) -> bool:
    """Check or import the file whose turn it is, or this one alone. Returns False if there was nothing to do."""
    return work.do_next(ImportJob, _check_or_import, job_id=job_id, reasons=_REASONS, failed=FAILED)


def _check_or_import(job: ImportJob, lease: Lease) -> None:
    with files().local(job.stored_name) as path:
        counts = _read(job, path, lease)
    _finish(job, counts)


def _read(job: ImportJob, path: Path, lease: Lease) -> ImportCounts:
    """Read the file, and import it at that stage. Raises UnreadableFile, and LeaseLost if somebody canceled it."""
    found = map_named(job.map_name)
    if found is None:
        raise UnreadableFile(NO_MAP)
    source = open_source(path, found, job.values)
    done = 0

    def progress(rows: int) -> None:
        nonlocal done
        done += rows
        lease.progress(done)

    source.progress = progress
    source.survey()
    lease.total = sum(one.rows for one in source.found.values())
    counts = ImportCounts()
    for _handled in import_messages(source, counts, dry_run=job.stage == Stage.CHECK):
        lease.progress(done)
    return counts


def _finish(job: ImportJob, counts: ImportCounts) -> None:
    result = asdict(counts) | {"notes": dict(counts.notes)}
    with transaction.atomic():
        done = work.finish(job, rows=counts.rows, result=result)
        if done and job.stage == Stage.IMPORT:
            names = ("rows", "new", "here", "refused", "recipients", "deliveries")
            details = _facts(job) | {name: result[name] for name in names}
            record_audit_event(by=job.owner, action="import.finished", target=job.recorded_name, details=details)


def delete_expired(*, now: datetime | None = None) -> int:
    """Remove expired jobs with their files, and files without a job. Returns the number of removed jobs."""
    now = now or timezone.now()
    removed, _ = ImportJob.objects.expired(now).exclude(status=Status.RUNNING).delete()
    known = {job.stored_name for job in ImportJob.objects.only("file")}
    work.remove_leftovers(FOLDER, keep=known, now=now)
    return removed
