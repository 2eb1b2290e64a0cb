from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from messenger_logs.models import SentMessage
from messenger_logs.services.repair import repair_messages

# A transaction holds the locks of so many messages.
BATCH = 20


class Command(BaseCommand):
    help = "Count the kept totals of all messages again. It can run at any time, and as often as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--after", type=int, default=0, metavar="NUMBER", help="only messages above this number")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for ids in _batches(options["after"]):
            repair_messages(message_ids=ids)
            count += len(ids)
            self.stdout.write(f"{count:,} messages, up to number {ids[-1]}")


def _batches(after: int) -> Iterator[list[int]]:
    messages = SentMessage.objects.order_by("pk").values_list("pk", flat=True)
    while ids := list(messages.filter(pk__gt=after)[:BATCH]):
        yield ids
        after = ids[-1]
