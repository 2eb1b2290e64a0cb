"""What is wrong with the events of Mailgun: a sync that fails, events that come late, and gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.dates import time_text
from core.troubles import Trouble
from mailgun_sync.choices import RunKind, RunOutcome
from mailgun_sync.models import SendingDomain, SyncGap, SyncRun
from mailgun_sync.services.months import missing_months

# So many syncs have to fail, one after the other. The next sync may make up for one that failed.
_FAILURES = 2
_NEW = timedelta(days=1)


def troubles(now: datetime) -> Iterator[Trouble]:
    """Yield what is wrong with the sync of each domain, and with the table of events, in three queries."""
    if missing := missing_months(now):
        yield _without_part(missing[0])
    for domain in _with_failures(now):
        if domain.failures >= _FAILURES:  # type: ignore[attr-defined]
            yield _failing(domain)
        if domain.settled_through and domain.settled_through < now - timedelta(hours=settings.TROUBLE_SYNC_HOURS):
            yield _behind(domain)
    new = SyncGap.objects.filter(recorded_at__gt=now - _NEW, domain__in=SendingDomain.objects.configured())
    gaps = new.order_by().values_list("domain__name")
    yield from (_gap(*gap) for gap in gaps.annotate(Count("pk"), Max("pk"), Min("recorded_at")))


def _without_part(first: date) -> Trouble:
    return Trouble(
        key="events.months",
        part=_("Events of Mailgun"),
        words=_("The table of events has no part for %(month)s, so its events are slower to read and to remove.")
        % {"month": date_format(first, "F Y")},
        to_do=_("Look for make_months in the log of the workers. The command migrate makes the part, too."),
    )


def _with_failures(now: datetime) -> Iterator[SendingDomain]:
    """Yield the domains with the number of runs that failed after the last success, and the time of the first."""
    runs = SyncRun.objects.filter(domain=OuterRef("pk"), kind=RunKind.SYNC).order_by()
    succeeded = runs.filter(outcome=RunOutcome.SUCCEEDED).values("domain").annotate(at=Max("started_at")).values("at")
    beginning = Coalesce(Subquery(succeeded), now - timedelta(days=settings.EVENT_RETENTION_DAYS))
    failed = Q(
        syncrun__kind=RunKind.SYNC,
        syncrun__outcome__in=[RunOutcome.FAILED, RunOutcome.INTERRUPTED],
        syncrun__started_at__gt=beginning,
    )
    domains = SendingDomain.objects.configured().annotate(
        failures=Count("syncrun", filter=failed), first_failure=Min("syncrun__started_at", filter=failed)
    )
    return domains.iterator()


def _failing(domain: SendingDomain) -> Trouble:
    return Trouble(
        key=f"sync.failed.{domain.name}",
        part=_("Sync of %(domain)s") % {"domain": domain.name},
        words=_("The last %(count)s syncs failed, so newer events are missing.") % {"count": f"{domain.failures:,}"},  # type: ignore[attr-defined]
        to_do=_(
            "Read the reason in the list of runs. If Mailgun refuses the key, put the right one into the settings."
        ),
        since=domain.first_failure,  # type: ignore[attr-defined]
    )


def _behind(domain: SendingDomain) -> Trouble:
    assert domain.settled_through
    if domain.paused:
        words = _(
            "Scheduled syncs leave the domain out, because it is paused. The events are complete only up to %(time)s."
        )
        to_do = _("Resume the domain.")
    else:
        words = _("The events are complete only up to %(time)s.")
        to_do = _("See in the list of runs whether a sync runs, and what it says.")
    return Trouble(
        key=f"sync.behind.{domain.name}",
        part=_("Sync of %(domain)s") % {"domain": domain.name},
        words=words % {"time": time_text(domain.settled_through)},
        to_do=to_do,
        since=domain.settled_through,
    )


def _gap(name: str, count: int, newest: int, since: datetime) -> Trouble:
    words = ngettext("Events of some hours are missing for good.", "%(count)s times have no events, for good.", count)
    return Trouble(
        key=f"sync.gap.{name}.{newest}",
        part=_("Sync of %(domain)s") % {"domain": name},
        words=words % {"count": f"{count:,}"},
        to_do=_("Read in the list of gaps which times are missing. Nothing brings these events back."),
        since=since,
    )
