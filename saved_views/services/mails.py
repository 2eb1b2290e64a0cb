"""Tells readers that a scheduled report is there: a link, or the file where an administrator allows that."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.dates import time_text
from core.languages import in_language_of
from core.mail import Attachment, MailNotSent, can_send_mail, send, site_link
from reports.models import ReportJob
from reports.services import NotReadable, open_file
from reports.writers import Format
from saved_views.models import ScheduledReport
from saved_views.services.schedules import record
from saved_views.services.views import list_title

# So many mails a run. A mail server that is away costs no more than a few time-outs.
MOST, MOST_FAILURES = 200, 3

log = logging.getLogger(__name__)


def send_mails() -> int:
    """Send the mails of all reports that are finished. Returns how many were sent."""
    sent = failures = 0
    for report in ScheduledReport.objects.unmailed()[:MOST]:
        try:
            sent += send_mail_of(report)
        except MailNotSent as failure:
            log.warning("The mail of scheduled report %s was not sent: %s.", report.pk, failure)
            failures += 1
            if failures >= MOST_FAILURES:
                break
    return sent


def send_mail_of(report: ScheduledReport) -> bool:
    """Send the mail of one report, once. Returns False if there is none to send. Raises MailNotSent."""
    unmailed = ScheduledReport.objects.filter(pk=report.pk, mailed_at=None)
    if not unmailed.update(mailed_at=timezone.now(), tries=F("tries") + 1):
        return False
    reader, job = report.job.owner, report.job
    if not (can_send_mail() and reader.is_active and reader.email) or job.status == ReportJob.Status.CANCELED:
        return False
    attachments = _attachments(report)
    with in_language_of(reader):
        subject, body = (_text(part, report, attached=bool(attachments)) for part in ("subject", "message"))
    try:
        send(subject.strip(), body, [reader.email], attachments=attachments)
    except MailNotSent:
        # The next run tries again.
        ScheduledReport.objects.filter(pk=report.pk).update(mailed_at=None)
        raise
    if attachments:
        record(reader, "scheduled_report.attached", report.schedule, report=job.pk)
    return True


def _text(part: str, report: ScheduledReport, *, attached: bool) -> str:
    job = report.job
    context = {
        "list": list_title(report.schedule.view.listing) or _("a list"),
        "due": time_text(report.due_at),
        "format": job.get_format_display(),
        "ready": job.ready,
        "attached": attached,
        "url": site_link(reverse("web:report_job", args=[job.pk])),
        "choices_url": site_link(reverse("web:my_notifications")),
        "days": settings.REPORT_DAYS,
        "DISTRICT_NAME": settings.DISTRICT_NAME,
    }
    return render_to_string(f"saved_views/report_{part}.txt", context)


def _attachments(report: ScheduledReport) -> list[Attachment]:
    """Return the file, if it may leave as an attachment: else the mail has the link alone."""
    job = report.job
    may_leave = settings.REPORT_ATTACHMENTS and report.schedule.attach and job.ready
    if not may_leave or job.size > settings.REPORT_ATTACHMENT_MEGABYTES * 2**20 or _asks_for_factor(job):
        return []
    try:
        name, content = open_file(job, User.objects.get(pk=job.owner_id))
    except NotReadable:
        return []
    with content:
        return [Attachment(name, content.read(), Format(job.format).content_type)]


def _asks_for_factor(job: ReportJob) -> bool:
    """Whether the page would ask the reader for the second factor before it gives the file."""
    return job.owner.needs_second_factor and (job.rows_total or 0) > settings.FACTOR_AGAIN_ROWS
