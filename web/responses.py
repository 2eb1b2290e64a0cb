"""Answers a request for a report: with the file if it is small, else with the page of a job."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from accounts.models import User
from accounts.second_factor import ask_factor_again
from accounts.view_as import only_looking
from core.queue import call_worker
from core.replica import from_replica, shows_changes_of
from core.timeouts import StatementTimeout, statement_timeout
from reports import tasks
from reports.files import NotMade, write_report
from reports.models import ReportJob
from reports.report import Report
from reports.services import request_report
from reports.writers import Format

# The time limit for a statement while somebody waits. A slower report is made in the background.
SECONDS = 20
# The browser's PDF viewer needs a wider policy than our pages. No other site may contain the file in a frame.
FILE_POLICY = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def report_response(request: HttpRequest, report: Report, format: Format) -> HttpResponseBase:
    """Answer with the report as a file. A large or slow one is made in the background; the answer leads to its page.

    Raises ReadOnlyView, and ReauthenticationRequired if it has many rows and the person has to show the second factor
    again.
    """
    user = request.user
    assert isinstance(user, User)
    only_looking(user)
    shows = shows_changes_of(request)
    rows = from_replica(partial(counted, report), shows=shows)
    check_many_rows(request, rows)
    if rows is not None:
        file = TemporaryFile()  # noqa: SIM115  (the response closes it)
        try:
            from_replica(partial(written_again, report, format, file), shows=shows)
        except StatementTimeout:
            file.close()
        except NotMade as reason:
            file.close()
            return not_made(request, report, reason, HTTPStatus.SERVICE_UNAVAILABLE)
        except BaseException:
            file.close()
            raise
        else:
            report.record_request(by=user, format=format, rows=rows)
            file.seek(0)
            return file_response(file, name=report.file_name, format=format)
    try:
        job = request_report(report, format=format, by=user)
    except NotMade as reason:
        return not_made(request, report, reason, HTTPStatus.TOO_MANY_REQUESTS)
    start(job)
    return redirect("web:report_job", pk=job.pk)


def written_again(report: Report, format: Format, file: BinaryIO) -> None:
    """Write a report from the begin of a file. Raises StatementTimeout and NotMade."""
    file.seek(0)
    file.truncate()
    write_report(report, format, file, seconds=SECONDS)


def check_many_rows(request: HttpRequest, rows: int | None) -> None:
    """Ask for the second factor again if a file has more than FACTOR_AGAIN_ROWS rows; None is more than were counted.

    Raises ReauthenticationRequired.
    """
    if rows is None or rows > settings.FACTOR_AGAIN_ROWS:
        ask_factor_again(request)


def not_made(request: HttpRequest, report: Report, reason: NotMade, status: HTTPStatus) -> HttpResponse:
    context = {"title": report.title, "reason": reason}
    return render(request, "web/reports/not_made.html", context, status=status)


def counted(report: Report) -> int | None:
    """Count the rows; None if there are too many (REPORT_AT_ONCE_ROWS) or counting takes too long."""
    try:
        with statement_timeout(SECONDS):
            rows = report.count(settings.REPORT_AT_ONCE_ROWS + 1)
    except StatementTimeout:
        return None
    return rows if rows <= settings.REPORT_AT_ONCE_ROWS else None


def start(job: ReportJob) -> None:
    """Let a worker make the report. If the queue does not answer, the schedule starts it later."""
    transaction.on_commit(partial(call_worker, tasks.make, job.pk))


def file_response(file: BinaryIO, *, name: str, format: Format, size: int | None = None) -> FileResponse:
    """Return a file as the answer: the browser shows a PDF, and saves other formats.

    `size`, in bytes, is for a file that does not know its own.
    """
    response = FileResponse(
        file,
        as_attachment=format is not Format.PDF,
        filename=f"{name}.{format.value}",
        content_type=format.content_type,
    )
    if size is not None:
        response.setdefault("Content-Length", str(size))
    response["Content-Security-Policy"] = FILE_POLICY
    return response
