"""The Mailgun Message Log, own and administration, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Right, ToolAndRight
from listings.registry import Entry
from mailgun_sync.choices import GroupBy
from mailgun_sync.groups import EventGroup
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import LinkedBy
from web.api.listings import ListingAPIView, find_entry, log_parameter, search_body
from web.listings.mailgun_groups import MailgunGroupFilters
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


GROUPS_LOG = log_parameter("mailgun_groups", "own", "The events of own or of all messages.")


class EventGroupSerializer(serializers.Serializer[EventGroup]):
    """Events that share a reason, a mailbox provider, or a message, counted."""

    group = serializers.SerializerMethodField(help_text="What the filter `group` of the events takes.")
    kind = serializers.SerializerMethodField(help_text="By reason: the kind of the events; null otherwise.")
    reason = serializers.SerializerMethodField(help_text="By reason: without addresses, ids, times and numbers.")
    mailbox_provider = serializers.SerializerMethodField(help_text="By mailbox provider: its name or domain.")
    sent_message = serializers.SerializerMethodField(help_text="By message: the one of this installation, if any.")
    subject = serializers.SerializerMethodField(help_text="By message: the subject of one of its e-mails.")
    events = serializers.IntegerField()
    last_at = serializers.DateTimeField(help_text="When the newest of the events occurred.")
    days = serializers.SerializerMethodField(help_text="How many events occurred on each day that has any.")
    kinds = serializers.SerializerMethodField(help_text="How many events there are of each kind that there is.")

    def get_group(self, group: EventGroup) -> str:
        return f"{group.by.value}-{group.pk}"

    def get_kind(self, group: EventGroup) -> str | None:
        return group.kind if group.by is GroupBy.REASON else None

    def get_reason(self, group: EventGroup) -> str | None:
        return group.event.reason_text if group.by is GroupBy.REASON else None

    def get_mailbox_provider(self, group: EventGroup) -> str | None:
        return group.event.mailbox_provider if group.by is GroupBy.PROVIDER else None

    def get_sent_message(self, group: EventGroup) -> int | None:
        return group.event.sent_message_id if group.by is GroupBy.MESSAGE else None

    def get_subject(self, group: EventGroup) -> str | None:
        return group.event.subject if group.by is GroupBy.MESSAGE else None

    def get_days(self, group: EventGroup) -> dict[str, int]:
        return {day.isoformat(): number for day, number in sorted(group.days.items())}

    def get_kinds(self, group: EventGroup) -> dict[str, int]:
        return dict(sorted(group.kinds.items()))


class EventGroups(ListingAPIView):
    serializer_class = EventGroupSerializer
    filterset_class = MailgunGroupFilters
    sorts = ("-events", "events", "-last_at", "last_at")
    parameters = ("log",)

    def find_entry(self) -> Entry:
        return find_entry(self.request, "mailgun_groups", "own")

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.find_entry().tool, Right.READ)

    @extend_schema(
        tags=["Mailgun events"],
        summary="The events of a Mailgun Message Log, counted in groups",
        parameters=[GROUPS_LOG],
        responses=EventGroupSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The events of the last 7 days by reason, if nothing else is given; never events older than 30 days."""
        return self.respond()
