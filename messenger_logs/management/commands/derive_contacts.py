from typing import Any

from django.core.management.base import BaseCommand

from messenger_logs.services.derive_contacts import derive_contacts, note_all_contacts


class Command(BaseCommand):
    help = "Derive all contacts to fix again from the deliveries. It can run at any time, and as often as you like."

    def handle(self, *args: Any, **options: Any) -> None:
        count = derive_contacts()
        for last in note_all_contacts():
            count += derive_contacts()
            self.stdout.write(f"{count:,} addresses and numbers, up to delivery {last:,}")
