from __future__ import annotations

from typing import Any

from django.conf import settings

from listings.filters import ContainsFilter, DateRangeFilter, ExactFilter, ListingFilterSet, OptionFilter
from mailgun_sync.models import EventKind, RecipientAddress
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


class RecipientFilter(ContainsFilter):
    """Events whose recipient contains the typed text, in either case.

    The addresses are searched first. So PostgreSQL is told how many there are, and takes the shorter way: a guess from
    the text alone can be wrong by a factor of a thousand, and then it looks for one family in millions of events.
    """

    FEW = 3000

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        addresses = RecipientAddress.objects.filter(address__icontains=value).values_list("address", flat=True)
        found = list(addresses[: self.FEW + 1])
        return qs.sent_to(found) if len(found) <= self.FEW else qs.sent_to_many_like(value)


class MailgunEventFilters(ListingFilterSet):
    created = DateRangeFilter("occurred_at", default_days=1, days_back=settings.MAILGUN_SHOWN_DAYS)
    event = KindFilter(label="Event")
    person_id = ExactFilter(label="Recipient PersonID")
    recipient = RecipientFilter(label="Recipient Email")
    subject = ContainsFilter(label="Subject")
    detail = ContainsFilter(label="Reason")

    # A reason quotes the address now and then: "<name@…>: user unknown".
    personal = {"person_id", "recipient", "detail"}
