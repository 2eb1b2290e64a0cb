from __future__ import annotations

from listings.filters import DateRangeFilter, FragmentFilter, ListingFilterSet, ValuesFilter
from messenger_logs.choices import MessageStatus
from web.filters.subject import SubjectFilter


class ClassicLogFilters(ListingFilterSet):
    created = DateRangeFilter("created_at", default_days=7)
    status = ValuesFilter(label="Status", labels=dict(MessageStatus.choices))
    message_type = ValuesFilter(label="Message Type")
    school_name = ValuesFilter(label="District/School")
    subject = SubjectFilter(label="Message Subject")
    sender_name = ValuesFilter(label="Sender")
    created_at = FragmentFilter(label="Date Created")
    scheduled_at = FragmentFilter(label="Date Scheduled")
