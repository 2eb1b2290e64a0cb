from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from core.ids import LARGEST_ID
from listings.filters import ContainsFilter, DateRangeFilter, ExactFilter, ListingFilterSet, OptionFilter
from messenger_logs.models import SentMessage
from messenger_logs.statuses import Mode
from web.filters.subject import SubjectFilter


class ModeFilter(OptionFilter):
    """Messages that use a mode, among others."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(modes__contains=[value]) if value else qs


class MessageFilters(ListingFilterSet):
    created = DateRangeFilter("created_at", default_days=None)
    status = OptionFilter(label="Status", choices=SentMessage.Status.choices)
    message_type = ExactFilter(label="Message type")
    mode = ModeFilter(label="Delivery mode", choices=Mode.choices)
    subject = SubjectFilter(label="A part of the subject")
    sender_id = django_filters.NumberFilter(label="Account of the sender", min_value=1, max_value=LARGEST_ID)
    sender = ContainsFilter("sender_name", label="A part of the sender's name")

    personal = {"sender"}
