from __future__ import annotations

import re
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from listings.filters import ContainsFilter, ListingFilterSet, OptionFilter
from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.delivery_summary import FIGURES
from messenger_logs.models import Delivery
from messenger_logs.search import NormalizedText

_NUMBER_AS_WRITTEN = re.compile(r"[\d\s().+-]{3,}")


class NameFilter(ContainsFilter):
    """By a part of the recipient's name, with or without its accents."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(recipient__plain_name__contains=NormalizedText(Value(value))) if value else qs


class StudentFilter(ContainsFilter):
    """By a part of the student's name or number."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        named = Q(recipient__plain_student_name__contains=NormalizedText(Value(value)))
        return qs.filter(named | Q(recipient__student_number__icontains=value))


class DeviceFilter(ContainsFilter):
    """By a part of an address or number; a number may be typed as it is written: (612) 555-0100."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if _NUMBER_AS_WRITTEN.fullmatch(value):
            value = re.sub(r"\D", "", value) or value
        return super().filter(qs, value)


class FigureFilter(OptionFilter):
    """The devices that one figure of the Delivery Summary counts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=FIGURES, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        if value == "recipients":
            return qs.filter(recipient__counted=True)
        if value == "no_device":
            of_the_person = Delivery.objects.filter(
                message=OuterRef("message"), recipient__person_id=OuterRef("recipient__person_id")
            )
            return qs.filter(~Exists(of_the_person.exclude(status=DeliveryStatus.NO_DEVICE)))
        counted = qs.filter(mode=value, duplicate=False).exclude(
            status__in=[DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE]
        )
        # An inbox counts once the message is in it; addresses and numbers count whatever became of them.
        return counted.filter(outcome=Outcome.SUCCESS) if value == Mode.INBOX else counted


class RecipientFilters(ListingFilterSet):
    recipient = NameFilter(label="Recipient")
    student = StudentFilter(label="Student")
    mode = OptionFilter(label="Delivery Mode", choices=Mode.choices)
    device = DeviceFilter("address", label="Device")
    status = OptionFilter(label="Status", choices=DeliveryStatus.choices)
    outcome = OptionFilter(label="Outcome", choices=Outcome.choices)
    figure = FigureFilter(label="Counted in")

    personal = {"recipient", "student", "device"}
