"""Contacts to Fix as JSON, and what can be done about one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import CONTACT_TOOLS, Right, Tool, ToolAndRight
from listings.registry import Entry
from mailgun_sync.models import Removal
from mailgun_sync.services.allow_again import ReasonMissingError, allow_again
from messenger_logs.choices import ContactProblem, ContactState, Mode
from messenger_logs.contact_problems import what_to_do
from messenger_logs.models import ContactPerson, ContactToFix
from messenger_logs.services.contacts import set_contact_state
from web.api.access import ToolAPIView, ask_new_token
from web.api.listings import ListingAPIView, find_entry, log_parameter, search_body
from web.contact_access import contacts_shown
from web.contact_texts import removal_text
from web.listings.contacts_to_fix import ContactFilters, people_in_order

TAG = "Contacts to fix"
COMPLAINED = "The family complained. Say why their address may get e-mail again."
LOG = log_parameter("contacts", "own", "The contacts in own or in all messages.")


class ContactPersonSerializer(serializers.Serializer[ContactPerson]):
    person_id = serializers.CharField()
    name = serializers.CharField()
    student_number = serializers.CharField()
    student_name = serializers.CharField()
    school = serializers.CharField(
        source="school.name", default="", help_text="Of the student, or else of the message; empty if it has none."
    )


class ContactStateSerializer(serializers.Serializer[Any]):
    """What is done about a contact by now."""

    id = serializers.IntegerField()
    address = serializers.CharField(source="display_address")
    state = serializers.ChoiceField(choices=ContactState.choices)
    state_by = serializers.SerializerMethodField(help_text="Who said so; empty if the deliveries say it.")
    state_at = serializers.SerializerMethodField(help_text="When that person said so; null if nobody did.")

    def get_state_by(self, contact: ContactToFix) -> str:
        return contact.handled_by_name if contact.handled else ""

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_state_at(self, contact: ContactToFix) -> Any:
        at = contact.handled_at if contact.handled else None
        return serializers.DateTimeField().to_representation(at) if at else None


class ContactSerializer(ContactStateSerializer):
    """An address or number at which nothing arrives for good."""

    mode = serializers.ChoiceField(choices=[mode for mode in Mode.choices if mode[0] != Mode.INBOX])
    problem = serializers.ChoiceField(choices=ContactProblem.choices)
    problem_label = serializers.CharField(source="get_problem_display")
    reason = serializers.CharField(help_text="In the provider's words.")
    code = serializers.IntegerField(allow_null=True, help_text="The code of the voice and text provider, if any.")
    since = serializers.DateTimeField(help_text="The first failure after the last success before it.")
    last_tried_at = serializers.DateTimeField(allow_null=True)
    succeeded_at = serializers.DateTimeField(allow_null=True, help_text="When something arrived there last.")
    what_to_do = serializers.SerializerMethodField()
    people = serializers.SerializerMethodField(help_text="Who is behind it, in the messages of this log.")

    def get_what_to_do(self, contact: ContactToFix) -> str:
        return what_to_do(contact.problem, contact.mode)

    @extend_schema_field(ContactPersonSerializer(many=True))
    def get_people(self, contact: ContactToFix) -> Any:
        # Whoever is in the messages of several senders comes once.
        behind: Any = people_in_order(contact)
        people = ContactPersonSerializer(behind, many=True).data
        return [dict(person) for person in {tuple(person.items()): None for person in people}]


class ContactListView(ListingAPIView):
    serializer_class = ContactSerializer
    filterset_class = ContactFilters
    sorts = ("-since", "since")
    parameters = ("log",)

    def find_entry(self) -> Entry:
        return find_entry(self.request, "contacts", "own")

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.find_entry().tool, Right.READ)


class Contacts(ContactListView):
    @extend_schema(
        tags=[TAG],
        summary="Addresses and numbers at which nothing arrives for good",
        parameters=[LOG],
        responses=ContactSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Without `which`, those that are not fixed."""
        return self.respond()


class ContactSearch(ContactListView):
    @extend_schema(
        tags=[TAG],
        summary="Search the contacts to fix for a device, a person or a student",
        parameters=[LOG],
        request=search_body(ContactFilters),
        responses=ContactSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """The body is an object with the filters of the list, and `device` and `people`."""
        return self.respond()


class OneContact(ToolAPIView):
    """A contact that a tool shows to the user, with the right W. For others there is no such contact (404)."""

    @cached_property
    def found_tool(self) -> Tool:
        """The first tool with which the user may change this contact; else the first with which any may be changed."""
        may = [tool for tool in CONTACT_TOOLS if self.user.may(tool) and self.user.may(tool, Right.WRITE)]
        return next(filter(self.shows_it, may), next(iter(may), Tool.CONTACTS_TO_FIX))

    def shows_it(self, tool: Tool) -> bool:
        return ContactToFix.objects.changeable_by(self.user, tool).filter(pk=self.kwargs["pk"]).exists()

    def needed(self) -> ToolAndRight:
        return ToolAndRight(self.found_tool, Right.WRITE)

    @cached_property
    def contact(self) -> Any:
        return get_object_or_404(contacts_shown(self.user, self.found_tool, Right.WRITE), pk=self.kwargs["pk"])

    def answer(self, **more: Any) -> Response:
        """Answer with the state of the contact by now."""
        self.contact.refresh_from_db()
        return Response(ContactStateSerializer(self.contact).data | more)


class StateSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=ContactState.choices)


class ContactStateView(OneContact):
    @extend_schema(
        tags=[TAG],
        summary="Say what was done about a contact",
        request=StateSerializer,
        responses=ContactStateSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """The answer is the state by now. It stays `fixed` where messages arrive, whatever is said."""
        given = StateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        state = ContactState(given.validated_data["state"])
        set_contact_state(contact_id=self.contact.pk, state=state, by=self.user)
        return self.answer()


class WhySerializer(serializers.Serializer[Any]):
    why = serializers.CharField(
        max_length=500,
        allow_blank=True,
        default="",
        help_text="Why it may get e-mail again. Required if the family complained.",
    )


class RemovalSerializer(serializers.ModelSerializer[Removal]):
    """A list of the provider that had the address, and what it answered."""

    domain = serializers.CharField(source="domain.name")
    done = serializers.BooleanField(help_text="Whether the provider says that the address is off the list.")
    answer = serializers.CharField(help_text="In the provider's words.")
    detail = serializers.SerializerMethodField(help_text="The same in a sentence.")

    class Meta:
        model = Removal
        fields = ["list", "domain", "done", "answer", "detail"]

    def get_detail(self, removal: Removal) -> str:
        return removal_text(removal)


class AllowedAgainSerializer(ContactStateSerializer):
    lists = RemovalSerializer(many=True, help_text="The lists that had the address; none if no list had it.")


class AllowAgainView(OneContact):
    @extend_schema(
        tags=[TAG],
        summary="Take an e-mail address off the provider's lists",
        request=WhySerializer,
        responses=AllowedAgainSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """An opted-out phone number is on no such list: only a text START of the family lifts that."""
        ask_new_token(request)
        given = WhySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        removals = self.allow(given.validated_data["why"])
        return self.answer(lists=RemovalSerializer(removals, many=True).data)

    def allow(self, why: str) -> list[Removal]:
        if self.contact.mode != Mode.EMAIL:
            return []
        try:
            return allow_again(mailbox=self.contact.address, contact_id=self.contact.pk, by=self.user, why=why)
        except ReasonMissingError:
            raise ValidationError({"why": [COMPLAINED]}) from None
