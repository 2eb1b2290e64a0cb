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
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
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
    DomainState.SYNCED: Status(_("Synced"), Shape.CHECK, Tone.GOOD, _("The last sync read everything there was.")),
    DomainState.FAILED: Status(
        _("Failed"), Shape.CROSS, Tone.BAD, _("The last sync stopped with an error; the next one starts over.")
    ),
    DomainState.PAUSED: Status(_("Paused"), Shape.SQUARE, Tone.NEUTRAL, _("Scheduled syncs leave this domain out.")),
    DomainState.NEW: Status(_("Not synced yet"), Shape.RING, Tone.NEUTRAL, _("No sync has come to its end so far.")),
}


def _reason(run: SyncRun) -> str:
    """Return the error of a run; while it is under way, what later syncs make of it."""
    if run.outcome != RunOutcome.RUNNING:
        return run.error
    sentences = []
    if run.hangs:
        hangs = gettext("It hangs: no sign of life since %(moment)s. The next sync ends it.")
        sentences.append(hangs % {"moment": time_text(run.seen_at)})
    if run.skipped:
        skipped = ngettext(
            "A later sync found it running and left the work to it.",
            "%(syncs)s later syncs found it running and left the work to it.",
            run.skipped,
        )
        sentences.append(skipped % {"syncs": f"{run.skipped:,}"})
    if run.skipped and not run.hangs:
        sentences.append(gettext("Its last sign of life was at %(moment)s.") % {"moment": time_text(run.seen_at)})
    return " ".join(sentences)


def _minutes(length: timedelta) -> str:
    return gettext("%(minutes)s min") % {"minutes": f"{length / timedelta(minutes=1):,.0f}"}


class DomainTable(ListingTable):
    name = AddressColumn(verbose_name=_("Domain"))
    state = OutcomeColumn(DOMAIN_STATUSES, reason=attrgetter("last_error"), verbose_name=_("State"))
    source = Column(verbose_name=_("Source"))
    settled_through = TimeColumn(verbose_name=_("Complete up to"), default=_("not known yet"))
    settle_after = Column(verbose_name=_("Waits for late events"))
    covered_from = TemplateColumn(
        template_name="web/_sync_coverage.html", verbose_name=_("Complete since"), empty_values=()
    )
    actions = TemplateColumn(template_name="web/_sync_domain_actions.html", verbose_name=_("Actions"), empty_values=())

    def render_source(self, record: SendingDomain) -> str:
        return str(source_in_use(record).label)

    def render_settle_after(self, value: timedelta) -> str:
        return _minutes(value)


class RunTable(ListingTable):
    started_at = TimeColumn(seconds=True, verbose_name=_("Started"))
    domain = AddressColumn(verbose_name=_("Domain"))
    kind = Column(verbose_name=_("Kind"))
    outcome = OutcomeColumn(RUN_STATUSES, reason=_reason, verbose_name=_("Outcome"))
    source = Column(verbose_name=_("Source"))
    begin = TimeColumn(verbose_name=_("Events from"), default="")
    end = TimeColumn(verbose_name=_("to"), default="")
    pages = NumberColumn(verbose_name=_("Pages"))
    events_seen = NumberColumn(verbose_name=_("Events"))
    events_new = NumberColumn(verbose_name=_("New"))
    quarantined = NumberColumn(verbose_name=_("Quarantined"))
    differs = NumberColumn(verbose_name=_("of which differ"))
    late = NumberColumn(verbose_name=_("Late"))

    def render_kind(self, record: SyncRun) -> str:
        kind = record.get_kind_display()
        if not record.asked_by:
            return kind
        asked = gettext("%(kind)s, asked for by %(name)s")
        return asked % {"kind": kind, "name": record.asked_by.listed_name}

    def render_late(self, record: SyncRun) -> str:
        if not record.late:
            return "0"
        late = gettext("%(events)s (by up to %(minutes)s)")
        return late % {"events": f"{record.late:,}", "minutes": _minutes(record.latest_by)}


class QuarantineTable(ListingTable):
    first_seen_at = TimeColumn(verbose_name=_("First seen"))
    domain = AddressColumn(verbose_name=_("Domain"))
    error = Column(verbose_name=_("Why it is not in the log"))
    raw = Column(verbose_name=_("Event as it came"))
    retry = Column(verbose_name=_("Actions"), empty_values=())

    def render_raw(self, value: str) -> SafeString:
        return format_html('<details><summary>{}</summary><pre class="raw">{}</pre></details>', gettext("Show"), value)

    def render_retry(self, record: QuarantinedEvent) -> SafeString:
        assert self.request
        return format_html(
            '<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<button class="btn btn-sm btn-outline-secondary" aria-label="{}">{}</button></form>',
            reverse("web:retry_event", args=[record.pk]),
            get_token(self.request),
            gettext("Retry event %(id)s") % {"id": record.pk},
            gettext("Retry"),
        )


class GapTable(ListingTable):
    domain = AddressColumn(verbose_name=_("Domain"))
    begin = TimeColumn(seconds=True, verbose_name=pgettext_lazy("time", "From"))
    end = TimeColumn(seconds=True, verbose_name=pgettext_lazy("time", "To"))


SHOWN_RUNS = 50
SHOWN_QUARANTINED = 50
NO_BROKER_FOR_LISTS = _("The lists are not read now: the task queue does not answer. They are read every night.")
NO_BROKER = _("The sync could not be started: the task queue does not answer. The next sync runs at its usual time.")


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
            by=request.user,
            action="list.viewed",
            target=Tool.MAILGUN_SYNC.path_in_english,
            details={"shown": "quarantine"},
        )


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def sync_now(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = gettext("A sync of %(domain)s was asked for. Its run appears below.")
    return ask_worker(request, pk, control.request_sync, asked=asked, queue_away=NO_BROKER)


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def read_suppressions(request: SignedInRequest, pk: int) -> HttpResponse:
    asked = gettext("The lists of suppressions of %(domain)s are read now. The reading appears below.")
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
        again = gettext("%(domain)s is being read again, the oldest day first.")
        never = gettext("%(domain)s was never synced; sync it first.")
        messages.info(request, (again if started else never) % {"domain": domain})
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def pause(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=True, by=request.user)
    paused = gettext("Scheduled syncs leave out %(domain)s until somebody resumes it.")
    messages.success(request, paused % {"domain": domain})
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(SendingDomain, pk=pk)
    control.set_paused(domain=domain, paused=False, by=request.user)
    resumed = gettext("%(domain)s is part of the scheduled syncs again.")
    messages.success(request, resumed % {"domain": domain})
    return back_to_events()


@require_POST
@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def retry_event(request: SignedInRequest, pk: int) -> HttpResponse:
    quarantined = get_object_or_404(QuarantinedEvent.objects.visible_to(request.user, Right.WRITE), pk=pk)
    if control.retry(quarantined=quarantined, by=request.user):
        messages.success(request, gettext("The event could be read and is in the log now."))
    else:
        messages.warning(request, gettext("The event still cannot be stored. It stays in quarantine."))
    return back_to_events()
