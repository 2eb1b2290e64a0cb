from typing import Any

from django.core.management.base import BaseCommand

from mailgun_sync.services.links import link_events
from mailgun_sync.services.mailboxes import fill_mailboxes


class Command(BaseCommand):
    help = (
        "Link Mailgun's events to the deliveries that they name, where they have no link, and set the e-mail outcomes. "
        "Give their addresses the canonical form that searches compare. "
        "It works in small steps and may run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{fill_mailboxes():,} addresses have their canonical form now.")
        self.stdout.write(f"{link_events():,} events linked.")
