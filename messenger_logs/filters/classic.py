from __future__ import annotations

from grid.filters import DateRangeFilter, FragmentFilter, GridFilterSet, ValuesFilter
from messenger_logs.filters.subject import SubjectFilter
from messenger_logs.models import SentMessage


class ClassicLogFilters(GridFilterSet):
    created = DateRangeFilter("created_at", default_days=7)
    status = ValuesFilter(label="Status", labels=dict(SentMessage.Status.choices))
    message_type = ValuesFilter(label="Message Type")
    school_name = ValuesFilter(label="District/School")
    subject = SubjectFilter(label="Message Subject")
    sender_name = ValuesFilter(label="Sender")
    created_at = FragmentFilter(label="Date Created")
    scheduled_at = FragmentFilter(label="Date Scheduled")
