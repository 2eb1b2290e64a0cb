"""Replies: what families texted back, as JSON."""

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
from messenger_logs.models import Reply
from web.api.listings import ListingAPIView, search_body
from web.listings.replies import ReplyFilters
from web.message_urls import message_logs

TAG = "Replies"


class ReplySerializer(serializers.ModelSerializer[Reply]):
    """A text from a family that says more than STOP or START."""

    name = serializers.CharField(
        source="people_named", help_text="The people with this number whom you may see; empty if it is not on record."
    )
    person_id = serializers.CharField(
        source="person_named", help_text="Empty unless it is one person alone whom you may see."
    )
    message = serializers.SerializerMethodField(
        help_text="The newest message of which a text went to the number; null if there is none that you may see."
    )

    class Meta:
        model = Reply
        fields = ["id", "received_at", "number", "name", "person_id", "text", "taken_as", "message"]

    def get_message(self, reply: Reply) -> int | None:
        return reply.message_id if reply.message_id in self.context["logs"] else None


class ReplyListView(ListingAPIView):
    tool = Tool.REPLIES
    serializer_class = ReplySerializer
    filterset_class = ReplyFilters
    sorts = ("-received_at", "received_at")
    logs: Mapping[int, Tool] = MappingProxyType({})

    def find_entry(self) -> Entry:
        return registry["replies"]

    def complete_rows(self, rows: list[Any]) -> None:
        self.logs = message_logs(self.user, {row.message_id for row in rows if row.message_id})

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "logs": self.logs}


class Replies(ReplyListView):
    @extend_schema(tags=[TAG], summary="What families texted back", responses=ReplySerializer(many=True))
    def get(self, request: Request) -> Response:
        """The replies of the last 30 days, if no days are given."""
        return self.respond()


class ReplySearch(ReplyListView):
    @extend_schema(
        tags=[TAG],
        summary="Search the replies for a person, a number or words",
        request=search_body(ReplyFilters),
        responses=ReplySerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The body is an object with the filters of the list, and parts of `name`, `number` and `text`."""
        return self.respond()
