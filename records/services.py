"""All writes of this app: records are requested, made, canceled, handed over, and removed after a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import Scope
from accounts.services import hashed_search, record_audit_event, record_look
from accounts.tools import Right, Tool
from core.files import FilesAway, files
from core.leased_jobs import work
from core.leased_jobs.lease import Lease
from core.replica import from_replica
from core.text import storable
from core.timeouts import StatementTimeout, statement_timeout
from records.archive import write_records
from records.content import Records
from records.criteria import Criteria
from records.models import FOLDER, RecordsReceipt, RecordsRequest
from reports.files import TOO_SLOW, NotMade, new_file
from reports.snapshot import snapshot

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Status = RecordsRequest.Status
_CHUNK = 2**20

# The time limits for a statement: while a person waits, and in the background.
PREVIEW_SECONDS, SECONDS = 20, 600
# So many people of a family stand in an event of the audit trail.
MOST_NAMED = 50
TOO_MANY = _("Too many of your requests are not finished yet. Wait for one of them, or cancel one.")
TOO_MANY_MESSAGES = _("The request has more than %(count)s messages. Choose fewer days, or ask for less.")
TOO_LARGE = _("The file would be larger than %(size)s MB. Choose fewer days, or ask for less.")
NO_LONGER = _("The person who asked for it may not make requests for these schools any more.")
FAILED = _("Something went wrong here while the file was made. Tell your administrator.")

_REASONS: dict[type[Exception], StrOrPromise] = {NotMade: "", FilesAway: "", StatementTimeout: TOO_SLOW}


@dataclass(frozen=True)
class Preview:
    """What a request would have. `messages` is at most one more than a request may have."""

    messages: int
    people: int
    pairs: list[tuple[str, str]]

    @property
    def error(self) -> str:
        """Why the request cannot be made; "" if it can."""
        most = settings.RECORDS_MESSAGES
        if self.messages > most:
            return TOO_MANY_MESSAGES % {"count": f"{most:,}"}
        return "" if self.messages else gettext("No message fits.")


def scope_of(user: User) -> Scope:
    """Return the schools for which a user may make requests."""
    return user.scope_of(Tool.RECORDS_REQUEST, Right.WRITE)


def preview(criteria: Criteria, *, by: User) -> Preview:
    """Count what a request would have, and record that somebody looked. Raises StatementTimeout."""
    scope = scope_of(by)
    with statement_timeout(PREVIEW_SECONDS):
        ids = list(criteria.messages(scope).values_list("pk", flat=True)[: settings.RECORDS_MESSAGES + 1])
        family = criteria.family(scope).filter(message__in=ids)
        found = Preview(len(ids), family.order_by().values("person_id").distinct().count(), criteria.pairs(scope))
    record_look(by=by, action="records.previewed", details=_about(criteria, scope) | {"messages": found.messages})
    return found


def _about(criteria: Criteria, scope: Scope) -> dict[str, object]:
    """Return about whom a request is, for the audit trail: ids, and hashes of what was typed."""
    family = criteria.family(scope).order_by("person_id").values_list("person_id", flat=True).distinct()
    people = list(family[:MOST_NAMED]) or list(criteria.people)
    typed = (criteria.student_name, criteria.sender, criteria.words)
    searched = [hashed_search(text) for text in typed if text]
    about = {"people": people, "student": criteria.student_number, "searched": searched}
    return {name: value for name, value in about.items() if value}


def request_records(criteria: Criteria, *, by: User) -> RecordsRequest:
    """Queue a request for the background. Raises NotMade if this person has too many unfinished ones."""
    now, scope = timezone.now(), scope_of(by)
    with work.jobs_of(RecordsRequest, by) as own:
        if own.unfinished().count() >= settings.REPORT_UNFINISHED_EACH:
            raise NotMade(TOO_MANY)
        request = RecordsRequest.objects.create(
            owner=by,
            criteria=criteria.to_json(),
            schools=scope.stored,
            asked_at=now,
            expires_at=now + timedelta(days=settings.RECORDS_DAYS),
        )
        _record(request, "asked", by=by, **_about(criteria, scope))
    return request


def make_records(*, job_id: int | None = None) -> bool:
    """Make the file of the request whose turn it is, or of this one alone. Returns False if there was none to make."""
    return work.do_next(RecordsRequest, _make, job_id=job_id, reasons=_REASONS, failed=FAILED)


def _make(request: RecordsRequest, lease: Lease) -> None:
    _finish(request, from_replica(partial(_write, request, lease), shows=request.asked_at))


@dataclass(frozen=True)
class Made:
    messages: int
    people: int
    rows: int


def _write(request: RecordsRequest, lease: Lease) -> Made:
    """Write the file. Raises NotMade, StatementTimeout, and LeaseLost if somebody canceled the request."""
    if not (request.owner.is_active and scope_of(request.owner).covers(request.scope)):
        raise NotMade(NO_LONGER)
    records = Records(request.wanted, request.scope)
    with new_file(request.stored_name) as file, snapshot(seconds=SECONDS):
        _check_size(records)
        lease.total = records.deliveries.order_by().count()
        rows = write_records(records, file, progress=lambda done: _progress(lease, done, file))
        return Made(len(records.messages), records.people, rows)


def _check_size(records: Records) -> None:
    found = records.criteria.messages(records.scope).values("pk")[: settings.RECORDS_MESSAGES + 1].count()
    if reason := Preview(found, 0, []).error:
        raise NotMade(reason)


def _progress(lease: Lease, rows: int, file: BinaryIO) -> None:
    lease.progress(rows)
    if file.tell() > settings.REPORT_MEGABYTES_EACH * 2**20:
        raise NotMade(TOO_LARGE % {"size": f"{settings.REPORT_MEGABYTES_EACH:,}"})


def _digest_of(request: RecordsRequest) -> str:
    digest = hashlib.sha256()
    with files().reading(request.stored_name) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _finish(request: RecordsRequest, made: Made) -> None:
    digest = _digest_of(request)
    with transaction.atomic():
        done = work.finish(
            request,
            rows=made.rows,
            messages=made.messages,
            people=made.people,
            size=files().size(request.stored_name),
            digest=digest,
            expires_at=timezone.now() + timedelta(days=settings.RECORDS_DAYS),
        )
        if done:
            _record(request, "made", by=request.owner, sha256=digest, **_about(request.wanted, request.scope))
    if not done:
        # It was canceled at the last moment, or another attempt took over.
        files().remove(request.stored_name)


def cancel(*, request: RecordsRequest, by: User) -> bool:
    """Cancel an unfinished request. Returns False if it had finished, or somebody else had canceled it."""
    with transaction.atomic():
        canceled = work.cancel(request)
        if canceled:
            _record(request, "canceled", by=by)
    return canceled


def hand_over(*, request: RecordsRequest, received_by: str, by: User) -> RecordsReceipt | None:
    """Record who receives the file of a request. Returns None if there is no file any more.

    The audit trail keeps the number of the receipt alone, because it outlasts the name.
    """
    with transaction.atomic():
        if not RecordsRequest.objects.filter(pk=request.pk, status=Status.DONE).select_for_update(no_key=True).first():
            return None
        receipt = RecordsReceipt.objects.create(
            request=request,
            received_by=storable(received_by)[:200],
            received_at=timezone.now(),
            handed_by=by,
            handed_by_name=by.listed_name,
        )
        _record(request, "handed_over", by=by, receipt=receipt.pk, **_about(request.wanted, request.scope))
    return receipt


def record_view(request: RecordsRequest, *, by: User) -> None:
    """Record that somebody looked at a request, which names the family."""
    details = {"request": request.pk} | _about(request.wanted, request.scope)
    record_look(by=by, action="records.viewed", target=str(request), details=details)


def erase_from_requests(*, person_id: str, redacted: Callable[[Any], Any]) -> int:
    """Erase a person from finished requests, and remove the files that may have the person. Returns how many changed.

    `redacted` takes what names the person out of a text or a JSON value. That a request was made, and when somebody
    received its file, stays.
    """
    changed = 0
    for request in RecordsRequest.objects.exclude(status__in=RecordsRequest.UNFINISHED):
        criteria = redacted(request.criteria)
        if "people" in criteria:
            criteria["people"] = [one for one in criteria["people"] if one != person_id]
        of_student = request.wanted.student_number or request.wanted.student_name
        changed += _erase_from(request, criteria, has_file=bool(of_student) or criteria != request.criteria)
    for receipt in RecordsReceipt.objects.all():
        if (named := redacted(receipt.received_by)) != receipt.received_by:
            changed += RecordsReceipt.objects.filter(pk=receipt.pk).update(received_by=named)
    return changed


def _erase_from(request: RecordsRequest, criteria: dict[str, Any], *, has_file: bool) -> int:
    if not has_file:
        return 0
    files().remove(request.stored_name)
    status = Status.EXPIRED if request.ready else request.status
    return RecordsRequest.objects.filter(pk=request.pk).update(criteria=criteria, status=status)


def _record(request: RecordsRequest, verb: str, *, by: User, **details: object) -> None:
    record_audit_event(by=by, action=f"records.{verb}", target=str(request), details={"request": request.pk, **details})


def delete_expired(*, now: datetime | None = None) -> int:
    """Remove the files whose time is over, and files without a request. The requests stay, with who received what."""
    now = now or timezone.now()
    expired = RecordsRequest.objects.filter(status=Status.DONE).expired(now)
    removed = expired.update(status=Status.EXPIRED)
    known = {request.stored_name: request.status for request in RecordsRequest.objects.exclude(claim=None)}
    keep = {name for name, status in known.items() if status in (Status.DONE, Status.RUNNING)}
    work.remove_leftovers(FOLDER, keep=keep, gone=known, now=now)
    return removed
