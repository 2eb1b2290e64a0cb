"""Makes a report without the browser. Who may run commands here may see everything, so it checks no rights."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from accounts.models import User
from accounts.tools import Tool
from core.dates import read_day
from core.files import atomic_file
from core.ids import read_id
from core.timeouts import StatementTimeout
from messenger_logs.choices import Engine
from messenger_logs.models import SentMessage
from reports.files import TOO_SLOW, NotMade, refuse_full_disk, write_report
from reports.kinds.call_sheet import CallSheet
from reports.kinds.cancel_certificate import CancelCertificate
from reports.kinds.listing import ListingReport
from reports.kinds.mailgun import MailgunReport
from reports.kinds.recipient import RecipientReport
from reports.kinds.sent_message import SentMessageReport, devices_of
from reports.kinds.sent_message_log_2 import SentMessageLog2Report, modes_of, statuses_of
from reports.report import BadOptions, Report, report_kind
from reports.writers import Format

SECONDS = 3_600
# The audit trail names it as who asked for the report.
EVERYBODY = User(username="manage.py", is_superuser=True)
LOGS = {
    MailgunReport.kind: (MailgunReport, "admin_mailgun_message_log"),
    RecipientReport.kind: (RecipientReport, "admin_recipient_log"),
}
MESSAGES = {
    SentMessageReport.kind: (SentMessageReport, Tool.ADMIN_SENT_MESSAGE_LOG),
    SentMessageLog2Report.kind: (SentMessageLog2Report, Tool.SENT_MESSAGE_LOG_2),
}


# The log that shows messages of an engine.
TOOLS = {engine: Tool.SENT_MESSAGE_LOG_2 if engine == Engine.V2 else Tool.ADMIN_SENT_MESSAGE_LOG for engine in Engine}


class Command(BaseCommand):
    help = "Write a report to a file, or to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[*MESSAGES, CallSheet.kind, CancelCertificate.kind, *LOGS])
        parser.add_argument("id", help="a message's number; a person id; for mailgun days, as FIRST..LAST or one day")
        parser.add_argument("--format", choices=Format.values, default=Format.PDF.value)
        parser.add_argument("--output", metavar="FILE", help="otherwise standard output")
        parser.add_argument("--detail", default="all", help="sent-message: all, summary or failed")
        parser.add_argument("--devices", help="of no_device,inbox,email,phone; for message-2 of inbox,email,voice,text")
        parser.add_argument("--statuses", help="message-2: such as sent,failed")
        parser.add_argument("--reach", help="call-sheet: of not_reached,no_device,unconfirmed,canceled")
        parser.add_argument("--rows-only", action="store_true", help="CSV of a message without header and summary")
        parser.add_argument("--days", metavar="FIRST..LAST", help="recipient: when the messages were created")

    def handle(self, *args: Any, **options: Any) -> None:
        format = Format(options["format"])
        try:
            report = self.open(options)
            rows = self.write(report, format, options["output"])
            report.record_request(by=EVERYBODY, format=format, rows=rows)
        except Http404 as missing:
            raise CommandError(str(missing)) from None
        except (BadOptions, NotMade) as reason:
            raise CommandError(str(reason)) from None
        except StatementTimeout:
            raise CommandError(TOO_SLOW) from None
        self.stderr.write(f"{rows:,} rows", ending="\n")

    def open(self, options: dict[str, Any]) -> Report:
        if options["kind"] == CallSheet.kind:
            return CallSheet.open(EVERYBODY, call_sheet_options(options))
        if options["kind"] == CancelCertificate.kind:
            message = find_message(options)
            tool = TOOLS[Engine(message.engine)]
            return CancelCertificate.open(
                EVERYBODY, {"tool": tool.name, "message": message.pk, "format": options["format"]}
            )
        if options["kind"] in MESSAGES:
            return report_kind(options["kind"]).open(EVERYBODY, message_options(options))
        report_class, name = LOGS[options["kind"]]
        return report_class.open(EVERYBODY, log_options(report_class, name, options))

    def write(self, report: Report, format: Format, output: str | None) -> int:
        if output and output != "-":
            path = Path(output)
            # Write into a pipe or a device; never replace it with a file.
            in_place = path.exists() and not path.is_file()
            try:
                with refuse_full_disk(), path.open("wb") if in_place else atomic_file(path) as file:
                    return write_report(report, format, file, seconds=SECONDS)
            except OSError as error:
                raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
        if sys.stdout.isatty() and format is not Format.CSV:
            raise CommandError("Say --output FILE: a terminal cannot show this.")
        return write_report(report, format, sys.stdout.buffer, seconds=SECONDS)


def find_message(options: dict[str, Any]) -> SentMessage:
    pk = read_id(options["id"])
    if pk is None:
        raise CommandError("A message has a number.")
    message: SentMessage | None = SentMessage.objects.filter(pk=pk).first()
    if message is None:
        raise CommandError(f"There is no message {pk}.")
    return message


def call_sheet_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the choices of a call sheet. Without a choice it has those who were not reached or have no device."""
    message = find_message(options)
    chosen = {"reach": options["reach"].split(",")} if options["reach"] else {}
    tool = TOOLS[Engine(message.engine)]
    return {"tool": tool.name, "message": message.pk, "rows_only": options["rows_only"], **chosen}


def message_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the choices of a message's report. A missing choice means All."""
    report_class, tool = MESSAGES[options["kind"]]
    message = find_message(options)
    pk = message.pk
    if (message.engine == Engine.V2) != (report_class is SentMessageLog2Report):
        other = SentMessageReport if report_class is SentMessageLog2Report else SentMessageLog2Report
        raise CommandError(f"Message {pk} is of the other engine: its report is {other.kind}.")
    if report_class is SentMessageReport:
        chosen: dict[str, Any] = {"devices": devices_of(message), "detail": options["detail"]}
    else:
        chosen = {"modes": modes_of(message), "statuses": statuses_of(message)}
        if options["statuses"]:
            chosen["statuses"] = options["statuses"].split(",")
    if options["devices"]:
        chosen["devices" if report_class is SentMessageReport else "modes"] = options["devices"].split(",")
    return {"tool": tool.name, "message": message.pk, "rows_only": options["rows_only"], **chosen}


def log_options(report_class: type[ListingReport], name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the values for a log: its days, and for the Recipient Log the person."""
    is_recipient = report_class is RecipientReport
    days = options["days"] if is_recipient else options["id"]
    values = {"person": options["id"]} if is_recipient else {}
    if days:
        first, _, last = days.partition("..")
        try:
            first_day, last_day = read_day(first), read_day(last or first)
        except (ValueError, ValidationError):
            raise CommandError("Days are written as 2026-11-20, or 2026-11-14..2026-11-20.") from None
        if first_day and last_day:
            values |= {"created_from": first_day.isoformat(), "created_to": last_day.isoformat()}
    elif is_recipient:
        values |= {"created_from": "2000-01-01"}
    return {"listing": name, "arguments": {}, "values": values, "rows_only": options["rows_only"]}
