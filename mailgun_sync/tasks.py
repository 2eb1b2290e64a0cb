from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from accounts.models import User
from core.queue import call_worker
from mailgun_sync.models import SendingDomain
from mailgun_sync.services import domain_health, months, suppressions
from mailgun_sync.services.domains import configured_domains, spread
from mailgun_sync.services.sync import LONGEST, AlreadyRunningError, bring_up_to_date

LONGEST_SYNC = int(LONGEST.total_seconds())
# 100,000 entries take less than a minute.
LONGEST_READING = 30 * 60


@shared_task
def sync_all(sweep_hours: int | None = None) -> None:
    """Queue one task for each domain, so that a slow or failing domain delays no other."""
    for domain_id, seconds in spread(configured_domains().filter(paused=False)):
        call_worker(sync_one, domain_id, countdown=seconds, sweep_hours=sweep_hours)


# A long catch-up takes hours. What takes longer hangs, and must not keep a worker for ever.
@shared_task(soft_time_limit=LONGEST_SYNC, time_limit=LONGEST_SYNC + 300)
def sync_one(domain_id: int, sweep_hours: int | None = None, asked_by_id: int | None = None) -> None:
    """Sync a domain, and continue its backfill. ``sweep_hours`` reads again from so many hours ago."""
    if not SendingDomain.objects.filter(pk=domain_id).exists():
        return
    try:
        bring_up_to_date(
            domain_id=domain_id,
            sweep=timedelta(hours=sweep_hours) if sweep_hours else None,
            asked_by=User.objects.filter(pk=asked_by_id).first() if asked_by_id else None,
            # A sweep comes once a day, so it waits for its turn. A sync leaves the work to the sync that is running.
            wait=timedelta(minutes=10 if sweep_hours else 0),
        )
    except AlreadyRunningError:
        return


@shared_task
def check_domains() -> None:
    """Queue a check of each domain's health."""
    for domain_id, seconds in spread(configured_domains()):
        call_worker(check_domain, domain_id, countdown=seconds)


# Longer than what Mailgun may take to answer, and PostgreSQL to count.
@shared_task(soft_time_limit=300, time_limit=330)
def check_domain(domain_id: int) -> None:
    """Ask Mailgun about a domain, and count its bounces and complaints."""
    if SendingDomain.objects.filter(pk=domain_id).exists():
        domain_health.check_domain(domain_id=domain_id)


@shared_task
def read_all_suppressions() -> None:
    """Queue one task for each domain, so that a slow or failing domain delays no other."""
    for domain_id, seconds in spread(configured_domains().filter(paused=False)):
        call_worker(read_suppressions, domain_id, countdown=seconds)


@shared_task(soft_time_limit=LONGEST_READING, time_limit=LONGEST_READING + 60)
def read_suppressions(domain_id: int, asked_by_id: int | None = None) -> None:
    """Read the lists of suppressions of a domain."""
    if not SendingDomain.objects.filter(pk=domain_id).exists():
        return
    try:
        asked_by = User.objects.filter(pk=asked_by_id).first() if asked_by_id else None
        suppressions.read_suppressions(domain_id=domain_id, asked_by=asked_by)
    except suppressions.AlreadyReadingError:
        return


@shared_task(soft_time_limit=300, time_limit=330)
def make_months() -> None:
    """Make the months of events that come next. It may fail on many days before an event would miss its month."""
    months.make_months()
    months.analyze()
