from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from retention.services.erase_requests import AlreadyAsked, ask
from retention.services.erasing import NobodyFound, Preview, erase_person, preview
from retention.words import STAYS


class Command(BaseCommand):
    help = "Show what would go if a person were erased; with --yes, erase the person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person_id", help="the person id, as messages have it")
        parser.add_argument("--yes", action="store_true", help="erase the person now; it cannot be undone")
        parser.add_argument("--reason", default="", help="why, for those who look at the list of erasures")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = preview(options["person_id"])
            self._show(found)
            if options["yes"]:
                self._erase(options["person_id"], options["reason"])
        except NobodyFound:
            raise CommandError("No message knows this person id.") from None
        except AlreadyAsked:
            raise CommandError("The person is being erased already.") from None

    def _show(self, found: Preview) -> None:
        for name, number in found.gone.items():
            self.stdout.write(f"Goes: {number:,} {name}")
        for name, number in found.stays.items():
            self.stdout.write(f"Stays: {number:,} {STAYS[name]}")

    def _erase(self, person_id: str, reason: str) -> None:
        erasure = ask(person_id=person_id, by=None, reason=reason)
        done = erase_person(erasure_id=erasure.pk)
        self.stdout.write("The person is erased." if done else "Some of it waits. Every night it is tried again.")
