from __future__ import annotations

from typing import Any

from django.conf import settings

from grid.filters import ContainsFilter, DateRangeFilter, ExactFilter, GridFilterSet, OptionFilter
from mailgun_sync.models import EventKind
from mailgun_sync.querysets import MailgunEventQuerySet

OTHER_KINDS, ALL_KINDS = "other", "every"


class KindFilter(OptionFilter):
    """The kinds of the log; others, such as opened or clicked, only on request."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [*EventKind.choices, (OTHER_KINDS, "Other kinds"), (ALL_KINDS, "All, with other kinds")]
        super().__init__(choices=choices, **kwargs)

    def filter(self, qs: MailgunEventQuerySet, value: str) -> MailgunEventQuerySet:
        if not value:
            return qs.shown_by_default()
        if value == ALL_KINDS:
            return qs
        return qs.not_shown_by_default() if value == OTHER_KINDS else qs.of_kind(EventKind(value))


class MailgunEventFilters(GridFilterSet):
    created = DateRangeFilter("occurred_at", default_days=1, days_back=settings.MAILGUN_SHOWN_DAYS)
    event = KindFilter(label="Event")
    person_id = ExactFilter(label="Recipient PersonID")
    recipient = ContainsFilter(label="Recipient Email")
    subject = ContainsFilter(label="Subject")
    detail = ContainsFilter(label="Reason")

    # A reason quotes the address now and then: "<name@…>: user unknown".
    personal = {"person_id", "recipient", "detail"}
