from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailgun_sync.models import SendingDomain
from mailgun_sync.services.domains import configured_domains
from mailgun_sync.services.suppressions import AlreadyReadingError, read_suppressions


class Command(BaseCommand):
    help = "Read Mailgun's lists of suppressions now. Exits with 0 when every domain succeeded."
    # The checks load all pages, which takes a quarter of the start.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", help="only this domain, even where it is paused")

    def handle(self, *args: Any, **options: Any) -> None:
        conditions = {"name": options["domain"]} if options["domain"] else {"paused": False}
        domains = list(configured_domains().filter(**conditions))
        if not domains:
            raise CommandError("MAILGUN_DOMAINS names no such domain.")
        failed = [domain.name for domain in domains if not self.read(domain)]
        if failed:
            raise CommandError(f"Not read: {', '.join(failed)}.")

    def read(self, domain: SendingDomain) -> bool:
        try:
            run = read_suppressions(domain_id=domain.pk)
        except AlreadyReadingError:
            self.stdout.write(f"{domain}: another process reads its lists now.")
            return False
        counts = f"{run.entries:,} entries, {run.added:,} new, {run.removed:,} gone, {run.odd:,} odd"
        self.stdout.write(f"{domain}: {run.error or counts}")
        return not run.error
