from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from accounts.access import SignedInRequest, tool_right
from accounts.listings import ToolListingView
from accounts.tools import Right, Tool
from listings.columns import ListingTable, PageRows, time_element
from listings.dates import written
from mailgun_sync.freshness import freshness_notes, next_sync
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain, SyncGap, SyncRun
from mailgun_sync.querysets import MailgunEventQuerySet
from mailgun_sync.services import control
from mailgun_sync.services.domains import configured_domains
from web.filters.mailgun import MailgunEventFilters
from web.message_urls import message_addresses
from web.tables.mailgun import DomainTable, GapTable, MailgunEventTable, QuarantineTable, RunTable

SHOWN_RUNS = 50
SHOWN_QUARANTINED = 50
NO_BROKER = "The sync could not be started: the task queue does not answer. The next sync runs at its usual time."


class MailgunMessageLog(ToolListingView):
    """The events of the user's own messages."""

    tool = Tool.MAILGUN_MESSAGE_LOG
    table_class = MailgunEventTable
    filterset_class = MailgunEventFilters
    default_sort = "-occurred_at"
    export_name = "mailgun-message-log"
    export_label = "Generate Report"
    row_name = "events"
    template_name = "web/mailgun_message_log.html"
    # Where a person id leads to, the first that the user may open.
    recipient_logs = (Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG)

    @property
    def recipient_log_url(self) -> str:
        """The Recipient Log of this user; empty where there is none."""
        may_open = (
            reverse(tool.url_name) for tool in self.recipient_logs if tool.url_name and self.request.user.may(tool)
        )
        return next(may_open, "")

    def get_table(self, rows: PageRows) -> ListingTable:
        table = MailgunEventTable(rows)
        table.leads_to_people = bool(self.recipient_log_url)
        return table

    def get_queryset(self) -> MailgunEventQuerySet:
        # What the page does not show is not read either: the raw JSON is most of a row.
        return MailgunEvent.objects.visible_to(self.request.user, self.tool).defer("raw")

    def narrow(self, queryset: Any, rows: list[Any]) -> MailgunEventQuerySet | None:
        """At most so many events of a day are in the grid; the report has all of them."""
        narrowed = queryset
        for day in {timezone.localdate(row.occurred_at) for row in rows} - self.days_seen.keys():
            newest = narrowed.newest_of_day(day, settings.MAILGUN_SHOWN_A_DAY)
            self.days_seen[day] = newest is not None
            if newest is not None:
                narrowed = newest
        return None if narrowed is queryset else narrowed

    def begin(self, asked: dict[str, str], *, find: str) -> None:
        self.days_seen: dict[date, bool] = {}
        super().begin(asked, find=find)

    def fetch(self) -> list[str]:
        notes = super().fetch()
        if messages := {row.sent_message_id for row in self.page.rows if row.sent_message_id}:
            self.table.message_addresses = message_addresses(self.request.user, messages)
        return notes

    def notes(self) -> list[str]:
        bounds = self.filterset.bounds
        fresh = freshness_notes(
            timezone.now(), first=bounds.low if bounds else None, last=bounds.high if bounds else None
        )
        return [*fresh, *(self.cut_note(day) for day, cut in sorted(self.days_seen.items()) if cut)]

    def cut_note(self, day: date) -> str:
        everything: Any = self.filterset.unbounded
        total = everything.of_day(day).count()
        return (
            f"{settings.MAILGUN_SHOWN_A_DAY:,} of {total:,} on {written(day)} are shown here, the newest ones;"
            f" {self.export_label} gives all of them."
        )


class AdministrationMailgunMessageLog(MailgunMessageLog):
    """The events of everybody's messages."""

    tool = Tool.ADMIN_MAILGUN_MESSAGE_LOG
    recipient_logs = (Tool.ADMIN_RECIPIENT_LOG, Tool.RECIPIENT_LOG)


@require_safe
@tool_right(Tool.MAILGUN_SYNC)
def status(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    quarantined = QuarantinedEvent.objects.select_related("domain")
    kept_out = () if request.user.may(Tool.MAILGUN_SYNC, Right.WRITE) else ("actions", "retry")
    context = {
        "title": Tool.MAILGUN_SYNC.label,
        "menu_path": Tool.MAILGUN_SYNC.menu,
        "as_of": time_element(now, seconds=True),
        "next_sync": time_element(next_sync(now)),
        "retention_days": settings.MAILGUN_RETENTION_DAYS,
        "domains": DomainTable(configured_domains(), exclude=kept_out, request=request),
        "runs": RunTable(SyncRun.objects.select_related("domain", "asked_by")[:SHOWN_RUNS]),
        "gaps": GapTable(SyncGap.objects.select_related("domain")),
        "quarantined": QuarantineTable(quarantined[:SHOWN_QUARANTINED], exclude=kept_out, request=request),
        "quarantined_total": quarantined.count(),
    }
    template = "web/_sync_state.html" if request.htmx else "web/sync_status.html"
    return render(request, template, context)


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def sync_now(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    try:
        control.request_sync(domain=domain, by=request.user)
    except OperationalError:
        messages.error(request, NO_BROKER)
    else:
        messages.success(request, f"A sync of {domain} was asked for. Its run appears below.")
    return redirect("web:mailgun_sync")


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def backfill(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    try:
        started = control.request_backfill(domain=domain, by=request.user)
    except OperationalError:
        messages.error(request, NO_BROKER)
    else:
        words = "is being read again, the oldest day first" if started else "was never synced; sync it first"
        messages.info(request, f"{domain} {words}.")
    return redirect("web:mailgun_sync")


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def pause(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=True, by=request.user)
    messages.success(request, f"Scheduled syncs leave {domain} out until it is resumed.")
    return redirect("web:mailgun_sync")


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=False, by=request.user)
    messages.success(request, f"{domain} is part of the scheduled syncs again.")
    return redirect("web:mailgun_sync")


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def retry_event(request: SignedInRequest, pk: int) -> HttpResponse:
    quarantined = get_object_or_404(QuarantinedEvent, pk=pk)
    if control.retry(quarantined=quarantined, by=request.user):
        messages.success(request, "The event could be read and is in the log now.")
    else:
        messages.warning(request, "The event still cannot be read. It stays in quarantine.")
    return redirect("web:mailgun_sync")
