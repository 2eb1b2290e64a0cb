"""The part of System Health about Mailgun's events: how complete they are.

An operator runs, pauses and repeats the sync here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from accounts.access import SignedInRequest, tool_right
from accounts.services import record_look
from accounts.tools import Right, Tool
from core.dates import time_text
from core.statuses import Shape, Status, Tone
from listings.columns import AddressColumn, Column, ListingTable, NumberColumn, TemplateColumn, TimeColumn, time_element
from mailgun_sync.choices import DomainState, RunOutcome
from mailgun_sync.freshness import next_sync
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain, SyncGap, SyncRun
from mailgun_sync.services import control
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.sources import source_in_use
from web.views.suppression_status import suppression_context
from web.views.sync_requests import ask_worker, back_to_events
from web.views.sync_sources import sources_context
from web.views.sync_tables import RUN_STATUSES, OutcomeColumn

DOMAIN_STATUSES = {
    DomainState.SYNCED: Status("Synced", Shape.CHECK, Tone.GOOD, "The last sync read everything there was."),
    DomainState.FAILED: Status(
        "Failed", Shape.CROSS, Tone.BAD, "The last sync stopped with an error; the next one starts over."
    ),
    DomainState.PAUSED: Status("Paused", Shape.SQUARE, Tone.NEUTRAL, "Scheduled syncs leave this domain out."),
    DomainState.NEW: Status("Not synced yet", Shape.RING, Tone.NEUTRAL, "No sync has come to its end so far."),
}


def _reason(run: SyncRun) -> str:
    """Return the error of a run; while it is under way, what later syncs make of it."""
    if run.outcome != RunOutcome.RUNNING:
        return run.error
    sentences = []
    if run.hangs:
        sentences.append(f"It hangs: no sign of life since {time_text(run.seen_at)}. The next sync ends it.")
    if run.skipped:
        last = "" if run.hangs else f" Its last sign of life was at {time_text(run.seen_at)}."
        syncs = "A later sync" if run.skipped == 1 else f"{run.skipped:,} later syncs"
        sentences.append(f"{syncs} found it running and left the work to it.{last}")
    return " ".join(sentences)


def _minutes(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):,.0f} min"


class DomainTable(ListingTable):
    name = AddressColumn(verbose_name="Domain")
    state = OutcomeColumn(DOMAIN_STATUSES, reason=attrgetter("last_error"), verbose_name="State")
    source = Column(verbose_name="Source")
    settled_through = TimeColumn(verbose_name="Complete up to", default="not known yet")
    settle_after = Column(verbose_name="Waits for late events")
    covered_from = TemplateColumn(
        template_name="web/_sync_coverage.html", verbose_name="Complete since", empty_values=()
    )
    actions = TemplateColumn(template_name="web/_sync_domain_actions.html", verbose_name="Actions", empty_values=())

    def render_source(self, record: SendingDomain) -> str:
        return source_in_use(record).label

    def render_settle_after(self, value: timedelta) -> str:
        return _minutes(value)


class RunTable(ListingTable):
    started_at = TimeColumn(seconds=True, verbose_name="Started")
    domain = AddressColumn()
    kind = Column()
    outcome = OutcomeColumn(RUN_STATUSES, reason=_reason)
    source = Column()
    begin = TimeColumn(verbose_name="Events from", default="")
    end = TimeColumn(verbose_name="to", default="")
    pages = NumberColumn()
    events_seen = NumberColumn(verbose_name="Events")
    events_new = NumberColumn(verbose_name="New")
    quarantined = NumberColumn()
    differs = NumberColumn(verbose_name="of which differ")
    late = NumberColumn()

    def render_kind(self, record: SyncRun) -> str:
        kind = record.get_kind_display()
        return f"{kind}, asked for by {record.asked_by.listed_name}" if record.asked_by else kind

    def render_late(self, record: SyncRun) -> str:
        return f"{record.late:,} (by up to {_minutes(record.latest_by)})" if record.late else "0"


class QuarantineTable(ListingTable):
    first_seen_at = TimeColumn(verbose_name="First seen")
    domain = AddressColumn()
    error = Column(verbose_name="Why it is not in the log")
    raw = Column(verbose_name="Event as it came")
    retry = Column(verbose_name="Actions", empty_values=())

    def render_raw(self, value: str) -> SafeString:
        return format_html('<details><summary>Show</summary><pre class="raw">{}</pre></details>', value)

    def render_retry(self, record: QuarantinedEvent) -> SafeString:
        assert self.request
        return format_html(
            '<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<button class="btn btn-sm btn-outline-secondary" aria-label="Retry event {}">Retry</button></form>',
            reverse("web:retry_event", args=[record.pk]),
            get_token(self.request),
            record.pk,
        )


class GapTable(ListingTable):
    domain = AddressColumn()
    begin = TimeColumn(seconds=True, verbose_name="From")
    end = TimeColumn(seconds=True, verbose_name="To")


SHOWN_RUNS = 50
SHOWN_QUARANTINED = 50
NO_BROKER_FOR_LISTS = "The lists are not read now: the task queue does not answer. They are read every night."
NO_BROKER = "The sync could not be started: the task queue does not answer. The next sync runs at its usual time."


def sync_context(request: SignedInRequest, now: datetime) -> dict[str, Any]:
    """Return the context of web/_sync_state.html, which has no event."""
    kept_out = () if request.user.may(Tool.MAILGUN_SYNC, Right.WRITE) else ("actions",)
    return {
        "next_sync": time_element(next_sync(now)),
        "retention_days": settings.MAILGUN_RETENTION_DAYS,
        "domains": DomainTable(configured_domains(), exclude=kept_out, request=request),
        "runs": RunTable(SyncRun.objects.select_related("domain", "asked_by")[:SHOWN_RUNS]),
        "gaps": GapTable(SyncGap.objects.select_related("domain")),
        **suppression_context(request.user),
        **sources_context(request),
    }


def quarantine_context(request: SignedInRequest) -> dict[str, Any]:
    """Return the context of web/_quarantine.html: what could not be stored, as it came, so with people's addresses."""
    user = request.user
    quarantined = QuarantinedEvent.objects.visible_to(user).select_related("domain")
    kept_out = () if user.may(Tool.MAILGUN_SYNC, Right.WRITE) else ("retry",)
    return {
        "quarantined": QuarantineTable(quarantined[:SHOWN_QUARANTINED], exclude=kept_out, request=request),
        "quarantined_total": quarantined.count(),
        "all_schools": user.scope_of(Tool.MAILGUN_SYNC).everything,
        "ambiguous_total": MailgunEvent.objects.visible_to(user, Tool.MAILGUN_SYNC).ambiguous().count(),
    }


def record_look_at_events(request: SignedInRequest, context: dict[str, Any]) -> None:
    """Record that somebody sees events or entries as they came, if there are any."""
    if context["quarantined_total"] or context["odd_suppressions"].rows:
        record_look(
            by=request.user, action="list.viewed", target=Tool.MAILGUN_SYNC.path, details={"shown": "quarantine"}
        )


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def sync_now(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = "A sync of {domain} was asked for. Its run appears below."
    return ask_worker(request, pk, control.request_sync, asked=asked, queue_away=NO_BROKER)


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def read_suppressions(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = "The lists of suppressions of {domain} are read now. The reading appears below."
    return ask_worker(request, pk, control.request_suppressions, asked=asked, queue_away=NO_BROKER_FOR_LISTS)


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def backfill(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    try:
        started = control.request_backfill(domain=domain, by=request.user)
    except control.QueueAway:
        messages.error(request, NO_BROKER)
    else:
        sentence = "is being read again, the oldest day first" if started else "was never synced; sync it first"
        messages.info(request, f"{domain} {sentence}.")
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def pause(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=True, by=request.user)
    messages.success(request, f"Scheduled syncs leave out {domain} until somebody resumes it.")
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=False, by=request.user)
    messages.success(request, f"{domain} is part of the scheduled syncs again.")
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def retry_event(request: SignedInRequest, pk: int) -> HttpResponse:
    quarantined = get_object_or_404(QuarantinedEvent.objects.visible_to(request.user, Right.WRITE), pk=pk)
    if control.retry(quarantined=quarantined, by=request.user):
        messages.success(request, "The event could be read and is in the log now.")
    else:
        messages.warning(request, "The event still cannot be stored. It stays in quarantine.")
    return back_to_events()
