"""Fills the ledger: messages that other systems sent, and the results that their engines report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.middleware import record_refusal
from accounts.models import User
from accounts.services import record_audit_event
from accounts.tools import MissingRight, Right, Tool
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.intake import AddedCounts, IntakeResult, add_message, add_recipients
from messenger_logs.services.json_fields import Errors, FieldError, Fields, IntakeError
from messenger_logs.services.status_reports import StatusReport, report_statuses
from web.api.access import ToolAPIView
from web.api.errors import FieldErrorSerializer
from web.api.line_parsers import Line, LinesParser, ListParser
from web.message_access import in_any_log

TAG = "Message import"
# Both are described in docs/import.md.
ONE = {"application/json": {"type": "object"}}
MANY = {name: {"type": "array", "items": {"type": "object"}} for name in ("application/json", "application/x-ndjson")}


class TakenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    external_id = serializers.CharField()
    created = serializers.BooleanField(help_text="False if the external id was here before; then nothing was changed.")
    recipients = serializers.IntegerField(help_text="How many were added.")
    deliveries = serializers.IntegerField(help_text="How many were added.")
    differs = serializers.ListField(
        child=serializers.CharField(),
        help_text="The fields in which this message differs from the one here; empty if you may not read that one.",
    )


class TakenLineSerializer(TakenSerializer):
    """The result of one line. A refused line has only its number, result and errors."""

    line = serializers.IntegerField(help_text="From 1.")
    result = serializers.ChoiceField(choices=["created", "existing", "refused"])
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in fields.keys() & TakenSerializer().fields.keys():
            fields[name].required = False
        return fields


class TakenLinesSerializer(serializers.Serializer[Any]):
    results = TakenLineSerializer(many=True)


class AddedSerializer(serializers.Serializer[Any]):
    recipients = serializers.IntegerField(
        help_text="How many were added; the others were here before. Of a message that you may not read: how many came."
    )
    deliveries = serializers.IntegerField(help_text="Devices, counted in the same way.")


class StatusReportSerializer(serializers.Serializer[Any]):
    """The result of one attempt at one device. The delivery's id names the device, or mode and address do."""

    delivery_id = serializers.IntegerField(required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    address = serializers.CharField(required=False)
    person_id = serializers.CharField(required=False, help_text="The owner, if several people share the device.")
    attempt = serializers.IntegerField(required=False, default=1)
    code = serializers.IntegerField(required=False, help_text="The provider's code.")
    status = serializers.ChoiceField(choices=DeliveryStatus.choices, required=False, help_text="A code or a status.")
    detail = serializers.CharField(required=False)
    at = serializers.DateTimeField(required=False)
    provider_id = serializers.CharField(required=False)


class ReportedLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    result = serializers.ChoiceField(choices=["taken", "refused"])
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


class ReportedSerializer(serializers.Serializer[Any]):
    taken = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="Devices whose status changed.")
    results = ReportedLineSerializer(many=True)


def in_json(errors: Iterable[FieldError]) -> list[dict[str, Any]]:
    return [{"line": error.line, "field": error.field, "message": error.message} for error in errors]


def refuse(errors: Iterable[FieldError]) -> Response:
    return Response({"detail": "Nothing was added.", "errors": in_json(errors)}, status=400)


def may_read(message_id: int, *, by: User) -> bool:
    """Whether a person may know what the message has: others could find it out, one guess after the other."""
    return in_any_log(by).filter(pk=message_id).exists()


def given_in(lines: Iterable[Line]) -> AddedCounts:
    """Count valid recipients and their devices, whether the message has them or not."""
    devices = [len(line.value.get("devices") or ()) for line in lines if isinstance(line.value, dict)]
    return AddedCounts(recipients=len(devices), deliveries=sum(devices))


def taken_in_json(taken: IntakeResult, *, by: User) -> dict[str, Any]:
    may_know = bool(taken.differs) and may_read(taken.message_id, by=by)
    return {
        "id": taken.message_id,
        "external_id": taken.external_id,
        "created": taken.created,
        **asdict(taken.added),
        "differs": list(taken.differs) if may_know else [],
    }


class ImportView(ToolAPIView):
    tool = Tool.MESSAGE_IMPORT
    right = Right.WRITE
    parser_classes = [ListParser, LinesParser]

    @property
    def lines(self) -> list[Line]:
        if not isinstance(self.request.data, list):
            # Without a body nothing was parsed.
            raise ParseError("The body is empty.")
        return self.request.data

    def message(self) -> SentMessage:
        """The message that the address names, if another system sent it. Raises Http404 otherwise."""
        found: SentMessage = get_object_or_404(SentMessage, pk=self.kwargs["pk"], external_id__isnull=False)
        return found


def create_message(*, by: User, data: object) -> Response:
    """Add a message. The answer is 201 if it is new, 200 if its external id was here before, 400 if it is refused."""
    try:
        taken = add_message(data, by=by)
    except IntakeError as error:
        return refuse(error.errors)
    if taken.created:
        details = {"message": taken.message_id, "messages": 1, **asdict(taken.added)}
        record_audit_event(by=by, action="import.messages", details=details)
    return Response(taken_in_json(taken, by=by), status=201 if taken.created else 200)


class MessagesInBulk(ImportView):
    # Whether one of the messages is refused because the user may not send it.
    not_allowed = False

    @extend_schema(
        tags=[TAG],
        summary="Add many messages with their recipients",
        request=MANY,
        responses=TakenLinesSerializer,
    )
    def post(self, request: Request) -> Response:
        """Up to 10,000 messages, as docs/import.md describes them. Each is added whole or not at all, and a refused
        message stops no other: the answer is 200, with the result of each line."""
        results = [self.take(line) for line in self.lines]
        if self.not_allowed:
            record_refusal(request, HTTPStatus.FORBIDDEN)
        if created := [result for result in results if result["result"] == "created"]:
            added = {name: sum(result[name] for result in created) for name in ("recipients", "deliveries")}
            record_audit_event(by=self.user, action="import.messages", details={"messages": len(created), **added})
        return Response({"results": results})

    def take(self, line: Line) -> dict[str, Any]:
        try:
            taken = self.add(line)
        except IntakeError as error:
            return {"line": line.number, "result": "refused", "errors": in_json(error.errors)}
        result = "created" if taken.created else "existing"
        return {"line": line.number, "result": result, "errors": [], **taken_in_json(taken, by=self.user)}

    def add(self, line: Line) -> IntakeResult:
        """Raises IntakeError, also for a message that the user may not send."""
        if line.errors:
            raise IntakeError(list(line.errors))
        try:
            return add_message(line.value, line=line.number, by=self.user)
        except MissingRight as missing:
            self.not_allowed = True
            raise IntakeError([FieldError(line.number, "sent_by", f"is refused. {missing}")]) from None


class NewRecipients(ImportView):
    @extend_schema(
        tags=[TAG],
        summary="Add recipients with their devices to a message",
        request=MANY,
        responses=AddedSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Up to 10,000 recipients, as docs/import.md describes them: all are added or, if one line is wrong, none.
        Recipients that the message has already stay unchanged, so it is safe to repeat."""
        message = self.message()
        if errors := [error for line in self.lines for error in line.errors]:
            return refuse(errors)
        numbers = [line.number for line in self.lines]
        try:
            added = add_recipients(message, [line.value for line in self.lines], by=self.user)
        except IntakeError as error:
            # The intake numbers the recipients; the caller numbers the lines of the body.
            return refuse(error._replace(line=numbers[error.line - 1]) for error in error.errors)
        if added.recipients or added.deliveries:
            record_audit_event(
                by=self.user, action="import.recipients", details={"message": message.pk, **asdict(added)}
            )
        return Response(asdict(added if may_read(message.pk, by=self.user) else given_in(self.lines)))


class StatusReports(ImportView):
    @extend_schema(
        tags=[TAG],
        summary="Report the results of the deliveries of a message",
        request=StatusReportSerializer(many=True),
        responses=ReportedSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Up to 10,000 status reports of an outside engine, in any order. They may be repeated. A refused report stops
        no other: the answer is 200, with the result of each line."""
        message = self.message()
        refused: dict[int, list[FieldError]] = {}
        reports: list[StatusReport] = []
        numbers: list[int] = []
        for line in self.lines:
            try:
                reports.append(read_report(line))
                numbers.append(line.number)
            except IntakeError as error:
                refused[line.number] = error.errors
        reported = report_statuses(message_id=message.pk, reports=reports)
        for one in reported.refused:
            number = numbers[one.index]
            refused[number] = [FieldError(number, "", one.message)]
        results = [
            {
                "line": line.number,
                "result": "refused" if line.number in refused else "taken",
                "errors": in_json(refused.get(line.number, [])),
            }
            for line in self.lines
        ]
        if reported.changed:
            details = {"message": message.pk, "taken": reported.taken, "changed": reported.changed}
            record_audit_event(by=self.user, action="import.statuses", details=details)
        return Response({"taken": reported.taken, "changed": reported.changed, "results": results})


def read_report(line: Line) -> StatusReport:
    """Raises IntakeError."""
    if line.errors:
        raise IntakeError(list(line.errors))
    if not isinstance(line.value, dict):
        raise IntakeError([FieldError(line.number, "", "is not a JSON object")])
    errors = Errors(line.number)
    fields = Fields(line.value, errors)
    report = StatusReport(
        delivery_id=fields.number("delivery_id", 1, 2**63 - 1),
        mode=fields.line("mode", 16),
        address=fields.line("address", 320),
        person_id=fields.line("person_id", 64),
        attempt=fields.number("attempt", 1, 2**15 - 1) or 1,
        code=fields.number("code", -(2**15), 2**15 - 1),
        status=fields.line("status", 16),
        detail=fields.line("detail", 200),
        at=fields.moment("at"),
        provider_id=fields.line("provider_id", 200),
        raw=json.dumps(line.value),
    )
    fields.done()
    errors.raise_if_any()
    return report
