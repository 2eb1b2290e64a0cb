"""Messages and deliveries in the API: everything that the pages show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.scopes import Scope
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import LinkedBy, Mode, Outcome
from messenger_logs.merge_fields import merged
from messenger_logs.models import Calendar, ContactToFix, Delivery, Recipient, SentMessage
from messenger_logs.reach import people_in_parts, reached_times
from messenger_logs.status_labels import code_name
from messenger_logs.totals import Totals, totals_of


@extend_schema_field(OpenApiTypes.DOUBLE)
class SecondsField(serializers.Field[timedelta, Any, float, Any]):
    """A length of time, in seconds. Only for answers."""

    def to_representation(self, value: timedelta) -> float:
        return value.total_seconds()


class CalendarSerializer(serializers.ModelSerializer[Calendar]):
    school = serializers.CharField(source="school.name")

    class Meta:
        model = Calendar
        fields = ["name", "school", "school_year"]


class MessageSerializer(serializers.ModelSerializer[SentMessage]):
    """A message as the logs list it."""

    school = serializers.CharField(source="school_name", help_text="The district, if it is of no single school.")
    calendars = CalendarSerializer(many=True)
    sender_id = serializers.IntegerField(allow_null=True, help_text="Null if the sender has no account here.")
    sender = serializers.CharField(source="sender_name")
    status_label = serializers.CharField(source="get_status_display", help_text="The status as the pages write it.")
    modes = serializers.ListField(child=serializers.ChoiceField(choices=Mode.choices))
    attachment_count = serializers.SerializerMethodField()

    class Meta:
        model = SentMessage
        fields = [
            "id",
            "external_id",
            "engine",
            "message_type",
            "status",
            "status_label",
            "subject",
            "sender_id",
            "sender",
            "school",
            "calendars",
            "schedule_id",
            "created_at",
            "scheduled_at",
            "modes",
            "drill",
            "attachment_count",
        ]

    def get_attachment_count(self, message: SentMessage) -> int:
        return len(message.attachments)


class ModeTotalsSerializer(serializers.Serializer[Any]):
    """The unique devices of one mode. Duplicates do not count."""

    devices = serializers.IntegerField()
    attempted = serializers.IntegerField(help_text="Devices, without canceled and opted-out ones.")
    attempts = serializers.IntegerField(help_text="With redials.")
    success = serializers.IntegerField()
    error = serializers.IntegerField()
    not_reached = serializers.IntegerField()
    canceled = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    pending = serializers.IntegerField()
    progress = serializers.FloatField(help_text="The share of final results, from 0 to 1.")
    first_attempt_duration = SecondsField(allow_null=True, help_text="Seconds; null before the first attempt.")


class EmailFiguresSerializer(serializers.Serializer[Any]):
    """The e-mails that were handed over, by what their provider finally said. The first five add up to all of them."""

    delivered = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Refused for good, by the mail server or by the provider.")
    suppressed = serializers.IntegerField(
        help_text="Not tried: the address bounced, unsubscribed or complained before."
    )
    complained = serializers.IntegerField(help_text="Arrived, and marked as spam.")
    not_known = serializers.IntegerField(help_text="The provider said nothing final yet.")
    refused = serializers.IntegerField(help_text="Sent, but not delivered: the failed and the suppressed.")


class PeopleSerializer(serializers.Serializer[Any]):
    """Unique people by whether the message reached them. The five figures add up to all of them."""

    reached = serializers.IntegerField(help_text="A device says so.")
    unconfirmed = serializers.IntegerField(help_text="An e-mail or a text left, and nothing more is known.")
    not_reached = serializers.IntegerField(help_text="No device got it, or none got it yet.")
    canceled = serializers.IntegerField(help_text="It was stopped before any device got it.")
    no_device = serializers.IntegerField(help_text="They have no device for the message.")


class SchoolPeopleSerializer(PeopleSerializer):
    school = serializers.CharField(allow_null=True, help_text="Of their student, or of the message; null: not known.")


class TotalsSerializer(serializers.Serializer[Any]):
    recipients = serializers.IntegerField(help_text="Unique people.")
    no_device = serializers.IntegerField(help_text="Unique people without any device for the message.")
    people = PeopleSerializer(allow_null=True, help_text="Null if nobody counted them yet.")
    contacted_by_phone = serializers.IntegerField()
    not_contacted_by_phone = serializers.IntegerField()
    emails = EmailFiguresSerializer(source="email", allow_null=True, help_text="Null for a message without e-mail.")
    modes = serializers.DictField(child=ModeTotalsSerializer(), help_text="By mode; only modes in use.")
    duration = SecondsField(allow_null=True, help_text="Seconds from start to finish; null until it has finished.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="Null if nothing was counted yet.")


class CancelFiguresSerializer(serializers.Serializer[Any]):
    """The devices of a canceled message. The four figures add up to all devices, and are final once it is complete."""

    devices = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Handed over before the cancel.")
    hung_up = serializers.IntegerField(help_text="Calls that were hung up while they rang.")
    never_started = serializers.IntegerField(help_text="Nothing was handed over, and nothing will be.")
    not_tried = serializers.IntegerField(help_text="Opted out, not eligible, or an address that cannot be used.")
    waiting = serializers.IntegerField(help_text="Of the stopped, those that are not marked as canceled yet.")
    under_way = serializers.IntegerField(
        help_text="Of those that left, those whose result is open: they may still turn out to be stopped."
    )
    final = serializers.BooleanField(help_text="The cancel is complete: nothing moves the four figures any more.")
    contradicted = serializers.BooleanField(help_text="A report that came after that says otherwise of a device.")


class MessageDetailSerializer(MessageSerializer):
    """A message as its page shows it."""

    bodies = serializers.SerializerMethodField(help_text="By mode, with the names of merge fields.")
    attachments = serializers.JSONField(help_text="[{name, size in bytes}]")
    criteria = serializers.JSONField(help_text="How the recipients were chosen: a list of [label, value].")
    canceled_by = serializers.CharField(source="canceled_by_name")
    cancel_figures = serializers.SerializerMethodField(help_text="Null if nobody canceled it.")
    totals = serializers.SerializerMethodField()
    people_by_mode = serializers.SerializerMethodField(help_text="Each mode has all people.")
    people_by_school = serializers.SerializerMethodField(help_text="Of the schools that you may see.")
    reached_times = serializers.SerializerMethodField(
        help_text="By when 50, 90 and 99 percent of all people were reached; only the parts that were."
    )

    class Meta(MessageSerializer.Meta):
        fields = [
            *MessageSerializer.Meta.fields,
            "listed_from",
            "email_start_at",
            "voice_start_at",
            "dispatch_started_at",
            "dispatch_finished_at",
            "reply_to",
            "bodies",
            "attachments",
            "criteria",
            "canceled_by",
            "cancel_asked_at",
            "cancel_completed_at",
            "cancel_figures",
            "totals",
            "people_by_mode",
            "people_by_school",
            "reached_times",
        ]

    def get_bodies(self, message: SentMessage) -> dict[str, str]:
        return {mode: merged(text, {}) for mode, text in message.bodies.items()}

    @extend_schema_field(CancelFiguresSerializer(allow_null=True))
    def get_cancel_figures(self, message: SentMessage) -> dict[str, Any] | None:
        return CancelFiguresSerializer(cancel_figures(message.pk)).data if message.cancel_asked_at else None

    @extend_schema_field(TotalsSerializer)
    def get_totals(self, message: SentMessage) -> dict[str, Any]:
        totals: Totals = totals_of(message)
        return TotalsSerializer(totals).data

    @extend_schema_field(serializers.DictField(child=PeopleSerializer()))
    def get_people_by_mode(self, message: SentMessage) -> dict[str, Any]:
        by_mode = people_in_parts(message.pk).by_mode
        return {mode.value: PeopleSerializer(people).data for mode, people in by_mode.items()}

    @extend_schema_field(SchoolPeopleSerializer(many=True))
    def get_people_by_school(self, message: SentMessage) -> list[dict[str, Any]]:
        return [
            {"school": one.name or None, **PeopleSerializer(one.people).data}
            for one in people_in_parts(message.pk).of_schools(self.context["scope"])
        ]

    @extend_schema_field(serializers.DictField(child=serializers.DateTimeField()))
    def get_reached_times(self, message: SentMessage) -> dict[str, datetime]:
        return {str(percent): moment for percent, moment in reached_times(message.pk).items()}


class RecipientSerializer(serializers.ModelSerializer[Recipient]):
    merge_fields = serializers.SerializerMethodField(
        help_text="The values behind the merge fields; null without the right to see them."
    )

    student_school = serializers.CharField(source="student_school.name", default=None, allow_null=True)

    class Meta:
        model = Recipient
        fields = [
            "id",
            "person_id",
            "name",
            "language",
            "student_number",
            "student_name",
            "student_school",
            "merge_fields",
        ]

    def get_merge_fields(self, recipient: Recipient) -> dict[str, str] | None:
        seen: Scope = self.context["values_scope"]
        return recipient.merge_fields if seen.has(recipient.school_id) else None


class DeviceTodaySerializer(serializers.ModelSerializer[ContactToFix]):
    """What is wrong with a device today, whatever became of this delivery: it is a contact to fix."""

    problem_label = serializers.CharField(source="get_problem_display", help_text="The problem as the pages write it.")
    contact = serializers.SerializerMethodField(help_text="Its id; null if you may not see it in Contacts to Fix.")

    class Meta:
        model = ContactToFix
        fields = ["problem", "problem_label", "since", "state", "contact"]

    def get_contact(self, contact: ContactToFix) -> int | None:
        return contact.pk if contact.pk in self.context["devices"].urls else None


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One recipient, one mode, one device, and the result. No Device and Opt Out are rows, too."""

    recipient = RecipientSerializer()
    address = serializers.CharField(
        source="display_address",
        help_text="An e-mail address as it was given; a number as E.164, or as it was given if a note stands beside it;"
        " empty if there is no device.",
    )
    status_label = serializers.CharField(source="get_status_display")
    outcome = serializers.ChoiceField(
        Outcome.choices,
        source="final_outcome",
        help_text="What it counts as. An e-mail that was sent, and that its provider could not deliver, is an error.",
    )
    code_name = serializers.SerializerMethodField(
        help_text="The name of the code in the provider's table; empty for none, and for one that is not there."
    )
    email_outcome = serializers.CharField(help_text="The final result that the e-mail provider reported.")
    email_linked_by = serializers.ChoiceField(
        LinkedBy.choices, allow_blank=True, help_text="The key by which that report was found to be about this e-mail."
    )
    device_today = serializers.SerializerMethodField(help_text="Null if nothing is known to be wrong with the device.")

    class Meta:
        model = Delivery
        fields = [
            "id",
            "recipient",
            "mode",
            "address",
            "duplicate",
            "status",
            "status_label",
            "detail",
            "outcome",
            "code",
            "code_name",
            "attempts",
            "first_attempt_at",
            "last_attempt_at",
            "provider_id",
            "email_outcome",
            "email_reason",
            "email_linked_by",
            "email_outcome_at",
            "device_today",
        ]
        extra_kwargs = {"attempts": {"source": "attempt_count"}}

    def get_code_name(self, delivery: Delivery) -> str:
        return code_name(delivery.mode, delivery.code)

    @extend_schema_field(DeviceTodaySerializer(allow_null=True))
    def get_device_today(self, delivery: Delivery) -> dict[str, Any] | None:
        contact = self.context["devices"].contact(delivery)
        return DeviceTodaySerializer(contact, context=self.context).data if contact else None
