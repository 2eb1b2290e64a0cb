"""The inbox of one person, as their portal reads it."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Tool
from dispatch.models import InboxMessage
from listings.registry import Entry, registry
from web.api.listings import ListingAPIView, search_body
from web.listings.inbox import InboxFilters


class InboxMessageSerializer(serializers.ModelSerializer[InboxMessage]):
    """A message in a person's inbox. The body may be HTML."""

    id = serializers.IntegerField(source="pk", help_text="The id of the delivery, as in the logs.")

    class Meta:
        model = InboxMessage
        fields = ["id", "person_id", "subject", "body", "sender_name", "delivered_at"]


class InboxSearch(ListingAPIView):
    tool = Tool.PORTAL_INBOX
    serializer_class = InboxMessageSerializer
    filterset_class = InboxFilters
    sorts = ("-delivered_at", "delivered_at")

    def find_entry(self) -> Entry:
        return registry["inbox"]

    @extend_schema(
        tags=["Inbox"],
        summary="The inbox of a person",
        request=search_body(InboxFilters),
        responses=InboxMessageSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The inbox of one person, named by `person_id`. There is no list of all inboxes."""
        wanted = cast("dict[str, Any]", request.data)
        if not str(wanted.get("person_id", "")).strip():
            raise ValidationError({"person_id": ["Name the person."]})
        return self.respond()
