from typing import Any

from django.core.management.base import BaseCommand

from messenger_logs.services.canonical_addresses import Repaired, repair_addresses


class Command(BaseCommand):
    help = (
        "Give the e-mail addresses of stored deliveries their canonical form, in batches. Run it once after an update"
        " from a version that had none; it may be run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        total = sum(repair_addresses(), Repaired())
        self.stdout.write(
            f"{total.addresses:,} addresses have their canonical form now;"
            f" {total.duplicates:,} deliveries are duplicates by that."
        )
