import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mailgun_sync.models import SendingDomain
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.sync import AlreadyRunningError, bring_up_to_date, start_backfill

WAIT = timedelta(minutes=2)


class Command(BaseCommand):
    help = "Fetch Mailgun's events into the database now. Exits with 0 when every domain succeeded."
    # The checks load all pages, which takes a quarter of the start.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", help="only this domain, even where it is paused")
        parser.add_argument("--sweep", type=int, metavar="HOURS", help="read again from so many hours ago")
        parser.add_argument(
            "--backfill", action="store_true", help="read again, day by day, everything that Mailgun still has"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object a line for each domain")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sweep"] is not None and options["sweep"] < 1:
            raise CommandError("--sweep takes a whole number of hours, 1 or more.")
        failed = []
        for domain in self._domains(options["domain"]):
            report = _sync(domain, options["sweep"], options["backfill"])
            self.stdout.write(json.dumps(report) if options["json"] else _as_text(report))
            if report["error"]:
                failed.append(domain.name)
        if failed:
            raise CommandError(f"Not synced: {', '.join(failed)}.")

    def _domains(self, only: str | None) -> list[SendingDomain]:
        conditions = {"name": only} if only else {"paused": False}
        found = list(configured_domains().filter(**conditions))
        if not found and not settings.MAILGUN_DOMAINS:
            raise CommandError("MAILGUN_DOMAINS names no domain.")
        if not found and only:
            raise CommandError(f"{only} is not in MAILGUN_DOMAINS: {', '.join(settings.MAILGUN_DOMAINS)}.")
        return found


def _sync(domain: SendingDomain, sweep: int | None, backfill: bool) -> dict[str, Any]:
    error, runs = "", []
    try:
        if backfill:
            start_backfill(domain_id=domain.pk)
        runs = bring_up_to_date(domain_id=domain.pk, sweep=timedelta(hours=sweep) if sweep else None, wait=WAIT)
        error = runs[-1].error
    except AlreadyRunningError as busy:
        error = str(busy)
    domain.refresh_from_db()
    return {
        "domain": domain.name,
        "pages": sum(run.pages for run in runs),
        "events_new": sum(run.events_new for run in runs),
        "events_seen": sum(run.events_seen for run in runs),
        "quarantined": sum(run.quarantined for run in runs),
        "settled_through": domain.settled_through.isoformat() if domain.settled_through else None,
        "error": error or None,
    }


def _as_text(report: dict[str, Any]) -> str:
    if report["error"]:
        return f"{report['domain']}: {report['error']}"
    return (
        f"{report['domain']}: {report['events_new']:,} new of {report['events_seen']:,} events"
        f" on {report['pages']:,} pages, {report['quarantined']:,} in quarantine;"
        f" complete up to {report['settled_through']}"
    )
