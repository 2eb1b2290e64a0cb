import argparse
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit_chain import Head, Verification, verify


class Command(BaseCommand):
    help = (
        "Check that nobody changed, deleted, added or swapped events of the audit trail. Exits with 1 if somebody did."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--noted",
            type=_head,
            metavar="NUMBER:HASH",
            help="a head that this command printed earlier: the chain must still have it",
        )

    def handle(self, *args: Any, noted: Head | None = None, **options: Any) -> None:
        result = verify(noted=noted)
        self.stdout.write(json.dumps(_as_json(result)) if options["json"] else _sentences(result))
        if result.first:
            raise CommandError(f"The audit trail is broken: {result.first.reason}")


def _head(text: str) -> Head:
    try:
        return Head.read(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give NUMBER:HASH, as this command prints them") from None


def _as_json(result: Verification) -> dict[str, Any]:
    return {
        "whole": result.first is None,
        "head": str(result.head),
        "events": result.head.number,
        "waiting": result.waiting,
        "broken": result.broken,
        "first": asdict(result.first) if result.first else None,
    }


def _sentences(result: Verification) -> str:
    state = f"{result.broken:,} broken" if result.broken else "The chain is whole"
    return (
        f"{state}. {result.head.number:,} events are chained, {result.waiting:,} wait.\nHead: {result.head}\n"
        "Note the head outside of this database, and give it to --noted later."
    )
