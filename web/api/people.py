"""Reads whom messages reached: the people of one message, and the figures of many messages."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import Right, ToolAndRight
from listings.registry import Entry, registry
from messenger_logs.choices import Mode, Reach
from messenger_logs.models import PersonReach, SentMessage
from messenger_logs.reach_figures import read_people
from messenger_logs.unreached import devices_of
from web.api.listings import ListingAPIView, find_entry, log_parameter, search_body
from web.api.messages import OneMessage
from web.api.serializers import PeopleSerializer
from web.listings.reach import ReachFilters
from web.listings.unreached_people import PeopleFilters
from web.message_access import first_tool_showing

LOG = log_parameter("reach", "own", "Own messages or all messages.")


class StudentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    number = serializers.CharField()


class DeviceSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(Mode.choices)
    device = serializers.CharField(help_text="As people read it; empty if there is none.")
    why = serializers.CharField(help_text="Why it was not reached; else what its status means.")


class PersonSerializer(serializers.ModelSerializer[PersonReach]):
    """A person of a message, whether it reached the person by any device and by each mode, and every device."""

    person_id = serializers.CharField(source="recipient.person_id")
    name = serializers.CharField(source="recipient.name")
    school = serializers.CharField(source="school.name", default=None, allow_null=True)
    students = StudentSerializer(many=True)
    reach = serializers.ChoiceField(Reach.choices)
    modes = serializers.SerializerMethodField(help_text="By mode; only modes of the message.")
    devices = serializers.SerializerMethodField()

    class Meta:
        model = PersonReach
        fields = [
            "recipient_id",
            "person_id",
            "name",
            "students",
            "school",
            "language",
            "reach",
            "modes",
            "reached_at",
            "devices",
        ]

    @extend_schema_field(serializers.DictField(child=serializers.ChoiceField(Reach.choices)))
    def get_modes(self, person: PersonReach) -> dict[str, str]:
        return {mode: kind for mode in Mode.values if (kind := getattr(person, mode))}

    @extend_schema_field(DeviceSerializer(many=True))
    def get_devices(self, person: PersonReach) -> list[dict[str, Any]]:
        return [one._asdict() for one in devices_of(person)]


class PeopleListView(OneMessage, ListingAPIView):
    serializer_class = PersonSerializer
    filterset_class = PeopleFilters
    sorts = ("filed_under",)

    def find_entry(self) -> Entry:
        """Return the people of the message, in the first log that shows the message."""
        tool = first_tool_showing(self.user, self.kwargs["pk"])
        if tool is None:
            raise Http404
        return registry[f"{tool.name.lower()}_message_unreached"]


class PeopleOfMessage(PeopleListView):
    @extend_schema(
        tags=["Messages"],
        summary="The people whom a message did not reach, by school and family",
        responses=PersonSerializer(many=True),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Each person once. Without `reach` those who were not reached or have no device; `all` is everybody."""
        return self.respond()


class PeopleSearch(PeopleListView):
    @extend_schema(
        tags=["Messages"],
        summary="Search the people whom a message did not reach",
        request=search_body(PeopleFilters),
        responses=PersonSerializer(many=True),
    )
    def post(self, request: Request, pk: int) -> Response:
        """The body is an object with the filters of the list, and parts of `recipient` (name) and `student` (name or
        number)."""
        return self.respond()


class MessageReachSerializer(serializers.ModelSerializer[SentMessage]):
    """A message, and its people by whether it reached them."""

    school = serializers.CharField(source="school_name", help_text="The district, if it is of no single school.")
    people = serializers.SerializerMethodField()

    class Meta:
        model = SentMessage
        fields = ["id", "external_id", "message_type", "subject", "school", "scheduled_at", "drill", "people"]

    @extend_schema_field(PeopleSerializer)
    def get_people(self, message: SentMessage) -> dict[str, Any]:
        return PeopleSerializer(read_people(message)).data


class MessageReachFilters(ReachFilters):
    # It is about the figures above the list, which the API does not have.
    by = None  # type: ignore[assignment]


class MessagesReached(ListingAPIView):
    serializer_class = MessageReachSerializer
    filterset_class = MessageReachFilters
    sorts = ("-scheduled_at", "scheduled_at")
    parameters = ("log",)

    def find_entry(self) -> Entry:
        return find_entry(self.request, "reach", "own")

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.find_entry().tool, Right.READ)

    @extend_schema(
        tags=["Messages"],
        summary="How many people messages reached",
        parameters=[LOG],
        responses=MessageReachSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The messages of the last 30 days, if no days are given. `school`, `language` and `mode` choose the people
        that are counted."""
        return self.respond()
