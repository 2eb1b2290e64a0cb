"""The Mailgun Message Log, own and administration, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Right, ToolAndRight
from listings.registry import Entry
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import LinkedBy
from web.api.listings import ListingAPIView, find_entry, log_parameter, search_body
from web.listings.mailgun_message_log import MailgunEventFilters

LOG = log_parameter("mailgun_events", "own", "The events of own or of all messages.")


class MailgunEventSerializer(serializers.ModelSerializer[MailgunEvent]):
    """One event of one recipient of one e-mail."""

    kind = serializers.CharField(help_text="The kind as the log names it: failed-permanent, suppressed…")
    domain = serializers.CharField(source="domain.name")
    sent_message = serializers.IntegerField(
        source="sent_message_id",
        allow_null=True,
        help_text="The message of this installation that it is about, if any.",
    )
    delivery = serializers.IntegerField(source="delivery_id", allow_null=True)
    linked_by = serializers.ChoiceField(
        LinkedBy.choices,
        allow_blank=True,
        help_text="The key by which it has this delivery; ambiguous where it has none because several fit.",
    )

    class Meta:
        model = MailgunEvent
        fields = [
            "id",
            "domain",
            "event",
            "kind",
            "event_id",
            "occurred_at",
            "person_id",
            "recipient",
            "subject",
            "severity",
            "reason",
            "code",
            "detail",
            "message_id",
            "sent_message",
            "delivery",
            "linked_by",
        ]


class EventListView(ListingAPIView):
    serializer_class = MailgunEventSerializer
    filterset_class = MailgunEventFilters
    sorts = ("-occurred_at", "occurred_at")
    parameters = ("log",)

    def find_entry(self) -> Entry:
        return find_entry(self.request, "mailgun_events", "own")

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.find_entry().tool, Right.READ)

    def load(self, rows: Any) -> Any:
        return rows.select_related("domain")


class Events(EventListView):
    @extend_schema(
        tags=["Mailgun events"],
        summary="The events of a Mailgun Message Log",
        parameters=[LOG],
        responses=MailgunEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The events of today, if no days are given; never events older than 30 days. Unlike the page, it has all
        events of a day."""
        return self.respond()


class EventSearch(EventListView):
    @extend_schema(
        tags=["Mailgun events"],
        summary="Search the events of a Mailgun Message Log for a person or a reason",
        parameters=[LOG],
        request=search_body(MailgunEventFilters),
        responses=MailgunEventSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The body is an object with the filters of the list, and `recipient`, `person_id` and `detail`."""
        return self.respond()
