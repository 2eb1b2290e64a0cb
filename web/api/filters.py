from __future__ import annotations

from listings.filters import ContainsFilter, DateRangeFilter, ExactFilter, IdFilter, ListingFilterSet, OptionFilter
from messenger_logs.choices import MessageStatus
from web.listings.message_filters import ModeFilter, SubjectFilter


class MessageFilters(ListingFilterSet):
    created = DateRangeFilter("created_at", default_days=None)
    status = OptionFilter(label="Status", choices=MessageStatus.choices)
    message_type = ExactFilter(label="Message type")
    mode = ModeFilter(label="Delivery mode")
    subject = SubjectFilter(label="A part of the subject")
    sender_id = IdFilter(label="Account of the sender")
    sender = ContainsFilter("sender_name", label="A part of the sender's name")

    personal = {"sender"}
