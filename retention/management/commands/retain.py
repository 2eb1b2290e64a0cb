from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from retention.services.aging import retain
from retention.services.preview import preview


class Command(BaseCommand):
    help = (
        "Let go what its period is over for, in small steps. It can run at any time, be stopped, and run again. "
        "With the account that owns the tables it also lets old rows of the audit trail go."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for kind in preview():
                for name, number in (kind.gone or {}).items():
                    self.stdout.write(f"{kind.kind.label}: {number:,} {name}")
            return
        gone, _ = retain()
        for name, number in sorted(gone.items()):
            self.stdout.write(f"{number:,} {name}")
