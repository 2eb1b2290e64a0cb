from typing import Any

from django.core.management.base import BaseCommand

from mailgun_sync.services.links import link_events
from mailgun_sync.services.mailboxes import fill_mailboxes
from mailgun_sync.services.schools import fill_schools
from messenger_logs.services.message_ids import make_ids_bare


class Command(BaseCommand):
    help = (
        "Link Mailgun's events to the e-mails that they belong to, also of other systems, and set the e-mail outcomes. "
        "Give their addresses, and the Message-Ids of the e-mails, the form that is compared, and events their school. "
        "It works in small steps and may run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{make_ids_bare():,} Message-Ids have their bare form now.")
        self.stdout.write(f"{fill_mailboxes():,} addresses have their canonical form now.")
        self.stdout.write(f"{link_events():,} events linked.")
        self.stdout.write(f"{fill_schools():,} events have their school now.")
