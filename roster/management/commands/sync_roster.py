import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from roster.choices import Change, Kind, RunStatus
from roster.models import RosterRun
from roster.services import runs

CHUNK = 2**20


class Command(BaseCommand):
    help = (
        "Take over the district's roster now (OneRoster): schools, terms, staff and the schools of students."
        " Exits with 0 when it was read to the end and nothing stopped it."
    )
    # The checks load all pages, which takes a quarter of the start.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show the difference, and change nothing")
        parser.add_argument(
            "--zip", type=Path, metavar="FILE", help="a zip of CSV files in place of the configured roster"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._asked(options["zip"], options["dry_run"])
        runs.do_queued()
        run.refresh_from_db()
        self.stdout.write(json.dumps(_report(run)) if options["json"] else _as_text(run))
        if run.status == RunStatus.STOPPED:
            raise CommandError("Stopped: too many would leave. Look at the run on the page Roster, and start it there.")
        if run.status != RunStatus.DONE:
            raise CommandError(run.error or "Another process is at it; the run follows it.")

    def _asked(self, path: Path | None, dry_run: bool) -> RosterRun:
        try:
            if path is None:
                return runs.request_run(by=None, check_only=dry_run)
            with path.open("rb") as file:
                chunks = iter(lambda: file.read(CHUNK), b"")
                return runs.upload(chunks=chunks, name=path.name, by=None, check_only=dry_run)
        except (runs.Refused, OSError) as reason:
            raise CommandError(str(reason)) from reason


def _report(run: RosterRun) -> dict[str, Any]:
    return {
        "run": run.pk,
        "status": run.status,
        "read": run.read,
        "dry_run": run.check_only,
        "difference": run.difference,
        "problems": run.problems,
        "problem_count": run.problem_count,
        "error": run.error or None,
    }


def _as_text(run: RosterRun) -> str:
    lines = [f"Run {run.pk}: {run.get_status_display()}. {run.read}".rstrip()]
    for kind in Kind if run.difference else ():
        counts = run.difference[kind]
        numbers = ", ".join(f"{counts[change]:,} {change.label.lower()}" for change in Change)
        lines.append(f"{kind.label}: {numbers}; {counts['before']:,} before")
    lines += [f"{where}: {what}" for where, what in run.problems]
    return "\n".join(lines)
