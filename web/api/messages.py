"""Reads the ledger: messages, and the deliveries of one message."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import NO_SCHOOL, Scope
from accounts.tools import Right, Tool, ToolAndRight
from listings.registry import Entry, registry
from messenger_logs.models import SentMessage
from messenger_logs.sight import Sight
from web.api.access import ToolAPIView
from web.api.filters import MessageFilters
from web.api.intake import ONE, TAG, TakenSerializer, create_message
from web.api.line_parsers import MessageParser
from web.api.listings import ListingAPIView, find_entry, log_parameter, search_body
from web.api.serializers import DeliverySerializer, MessageDetailSerializer, MessageSerializer
from web.device_flags import DeviceFlags
from web.listings.recipients import RecipientFilters
from web.message_access import MESSAGE_TOOLS, first_tool_showing, in_any_log, record_message_view, values_scope

LOG = log_parameter("messages", "sent", "Which log to read, with the rights that its page asks for.")


class MessageListView(ListingAPIView):
    serializer_class = MessageSerializer
    filterset_class = MessageFilters
    sorts = ("-created_at", "created_at")
    parameters = ("log",)

    def find_entry(self) -> Entry:
        return find_entry(self.request, "messages", "sent")

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.find_entry().tool, Right.READ)

    def load(self, rows: Any) -> Any:
        # The fields that a list does not show are most of a message.
        return rows.with_school_name().defer(None).defer("bodies", "criteria").prefetch_related("calendars__school")


class Messages(MessageListView):
    parser_classes = [MessageParser]

    @extend_schema(
        tags=["Messages"], summary="The messages of a log", parameters=[LOG], responses=MessageSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return self.respond()

    def needed(self) -> ToolAndRight:
        return ToolAndRight(Tool.MESSAGE_IMPORT, Right.WRITE) if self.request.method == "POST" else super().needed()

    @extend_schema(
        tags=[TAG],
        summary="Add a message with its recipients",
        request=ONE,
        responses={201: TakenSerializer, 200: TakenSerializer},
    )
    def post(self, request: Request) -> Response:
        """A message, as docs/import.md describes it. It is added whole or not at all. The answer is 201 if it is new,
        and 200 with `"created": false` if its external id was here before."""
        return create_message(by=self.user, data=request.data)


class MessageSearch(MessageListView):
    @extend_schema(
        tags=["Messages"],
        summary="Search the messages of a log, also by the name of the sender",
        parameters=[LOG],
        request=search_body(MessageFilters),
        responses=MessageSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The body is an object with the filters of the list, and `sender`, a part of the sender's name."""
        return self.respond()


class OneMessage(ToolAPIView):
    """A message that at least one log shows to the user. For others there is no such message (404)."""

    def needed(self) -> ToolAndRight:
        # A user without any log gets 403.
        tool = next(filter(self.user.may, MESSAGE_TOOLS), Tool.SENT_MESSAGE_LOG)
        return ToolAndRight(tool, Right.READ)

    @cached_property
    def message(self) -> SentMessage:
        found: SentMessage = get_object_or_404(in_any_log(self.user).with_school_name(), pk=self.kwargs["pk"])
        return found

    @cached_property
    def log(self) -> Tool:
        """The first log that shows the message. Raises Http404 if none does."""
        found = first_tool_showing(self.user, self.kwargs["pk"])
        if found is None:
            raise Http404
        return found

    @property
    def scope(self) -> Scope:
        """The schools whose people that log shows of the message."""
        return Sight.of(self.user, self.log).scope_in(self.message)


class MessageDetail(OneMessage):
    @extend_schema(tags=["Messages"], summary="One message, with its totals", responses=MessageDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        data = MessageDetailSerializer(self.message, context={"scope": self.scope}).data
        record_message_view(self.message, by=self.user, part="message")
        return Response(data)


class DeliveryListView(OneMessage, ListingAPIView):
    serializer_class = DeliverySerializer
    filterset_class = RecipientFilters
    sorts = ("id", "-id")
    devices = DeviceFlags()

    def find_entry(self) -> Entry:
        """Return the listing of the message's recipients, in the first log that shows the message."""
        return registry[f"{self.log.name.lower()}_message_recipients"]

    def load(self, rows: Any) -> Any:
        return rows.select_related("recipient__student_school")

    def complete_rows(self, rows: list[Any]) -> None:
        self.devices = DeviceFlags.of(rows, user=self.user)

    def get_serializer_context(self) -> dict[str, Any]:
        more = {"values_scope": self.values_scope, "devices": self.devices}
        return {**super().get_serializer_context(), **more}

    @property
    def values_scope(self) -> Scope:
        """The schools about whose recipients the user sees the values of merge fields."""
        tool = Tool.ADMIN_SENT_MESSAGE_LOG
        shown = SentMessage.objects.visible_to(self.user, tool).filter(pk=self.message.pk)
        return values_scope(self.user, tool) if shown.exists() else NO_SCHOOL


class Deliveries(DeliveryListView):
    @extend_schema(
        tags=["Messages"],
        summary="Every device of every recipient of a message",
        responses=DeliverySerializer(many=True),
    )
    def get(self, request: Request, pk: int) -> Response:
        return self.respond()


class DeliverySearch(DeliveryListView):
    @extend_schema(
        tags=["Messages"],
        summary="Search the recipients of a message",
        request=search_body(RecipientFilters),
        responses=DeliverySerializer(many=True),
    )
    def post(self, request: Request, pk: int) -> Response:
        """The body is an object with the filters of the list, and parts of `recipient` (name), `student` (name or
        number) and `device` (address or number)."""
        return self.respond()
