from typing import Any

from django.core.management.base import BaseCommand

from mailgun_sync.services.links import link_events


class Command(BaseCommand):
    help = (
        "Link Mailgun's events to the deliveries that they name, where they have no link, and set the e-mail outcomes. "
        "It works in small steps and may run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{link_events():,} events linked.")
