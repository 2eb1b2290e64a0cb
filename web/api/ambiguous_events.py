"""Ambiguous events as JSON: Mailgun's word about one of several e-mails, and nobody knows about which."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Tool
from listings.registry import Entry, registry
from mailgun_sync.models import MailgunEvent
from mailgun_sync.services.links import messages_that_fit
from web.api.listings import ListingAPIView, search_body
from web.listings.ambiguous_events import AmbiguousEventFilters
from web.message_urls import message_logs

TAG = "Mailgun events"


class AmbiguousEventSerializer(serializers.ModelSerializer[MailgunEvent]):
    """An event that fits several e-mails by the same key. It counts for none of them."""

    kind = serializers.CharField(help_text="The kind as the log names it: failed-permanent, suppressed…")
    domain = serializers.CharField(source="domain.name")
    may_belong_to = serializers.SerializerMethodField(
        help_text="The ids of the messages that it fits, as far as you may see them."
    )

    class Meta:
        model = MailgunEvent
        fields = [
            "id", "domain", "event", "kind", "event_id", "occurred_at", "recipient", "subject", "severity", "reason",
            "code", "detail", "message_id", "may_belong_to",
        ]  # fmt: skip

    def get_may_belong_to(self, event: MailgunEvent) -> list[int]:
        return self.context["fits"].get(event.pk, [])  # type: ignore[no-any-return]


class AmbiguousEventListView(ListingAPIView):
    tool = Tool.MAILGUN_SYNC
    serializer_class = AmbiguousEventSerializer
    filterset_class = AmbiguousEventFilters
    sorts = ("-occurred_at", "occurred_at")
    fits: Mapping[int, list[int]] = MappingProxyType({})

    def find_entry(self) -> Entry:
        return registry["ambiguous_events"]

    def load(self, rows: Any) -> Any:
        return rows.select_related("domain")

    def complete_rows(self, rows: list[Any]) -> None:
        found = messages_that_fit([row.pk for row in rows])
        logs = message_logs(self.user, {message.pk for fits in found.values() for message in fits})
        self.fits = {pk: sorted(message.pk for message in fits if message.pk in logs) for pk, fits in found.items()}

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "fits": self.fits}


class AmbiguousEvents(AmbiguousEventListView):
    @extend_schema(
        tags=[TAG],
        summary="The events that fit several e-mails",
        responses=AmbiguousEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Those of the last 30 days, if no days are given. They are of no school, so the right must be for all."""
        return self.respond()


class AmbiguousEventSearch(AmbiguousEventListView):
    @extend_schema(
        tags=[TAG],
        summary="Search the events that fit several e-mails for an address",
        request=search_body(AmbiguousEventFilters),
        responses=AmbiguousEventSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The body is an object with the filters of the list, and a part of the address as `recipient`."""
        return self.respond()
