from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import TextInput

from listings.filters import (
    MAX_TEXT,
    ContainsFilter,
    DateRangeFilter,
    ListingFilterSet,
    OptionFilter,
    TextField,
)
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import Delivery, Recipient
from messenger_logs.people import SHORTEST_NAME, Person, find_people
from web.filters.subject import SubjectFilter

# So many people are shown to choose from.
MOST_PEOPLE = 50


class PersonField(TextField):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and len(text) < SHORTEST_NAME and not text.isdigit():
            raise ValidationError(f"enter {SHORTEST_NAME} letters or more.")
        return text


class PersonFilter(ContainsFilter):
    """The deliveries to the one person whom the text means; none while that is nobody, or several people."""

    field_class = PersonField

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"type": "search", "maxlength": MAX_TEXT, "size": 34, "autocomplete": "off", "spellcheck": "false"}
        super().__init__(widget=TextInput(attrs=attrs), **kwargs)

    def filter(self, qs: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        found = self.parent.found
        return qs.filter(recipient__person_id=found.person_id) if found else qs.none()


class RecipientLogFilters(ListingFilterSet):
    created = DateRangeFilter("message__created_at", default_days=30)
    person = PersonFilter(label="Name, person id, e-mail or phone")
    subject = SubjectFilter("message__subject", label="Message Subject")
    mode = OptionFilter(choices=Mode.choices, label="Delivery Mode")
    status = OptionFilter(choices=DeliveryStatus.choices, label="Status")

    personal = {"person"}

    # Those whom the user may look for; the log says who.
    recipients: QuerySet[Recipient]

    @property
    def search(self) -> str:
        """What was entered, if it can be looked for."""
        return str(self.form.cleaned_data.get("person", ""))

    @cached_property
    def people(self) -> list[Person]:
        """Those whom the search means, one more than can be shown."""
        return find_people(self.recipients, self.search, limit=MOST_PEOPLE + 1) if self.search else []

    @property
    def found(self) -> Person | None:
        """The one person whom the search means."""
        return self.people[0] if len(self.people) == 1 else None
