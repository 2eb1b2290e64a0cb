"""The report of the Mailgun Message Log: all events that pass its filters, also those that the list does not show."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count
from django.utils import timezone

from mailgun_sync.choices import EventKind
from mailgun_sync.freshness import freshness_notices
from reports.document import Figures, Section
from reports.kinds.listing import ListingReport
from reports.report import number


class MailgunReport(ListingReport):
    kind = "mailgun"
    label = "Mailgun Message Report"
    summary_in_csv = True

    @property
    def title(self) -> str:
        return self.label

    def sections(self) -> list[Section]:
        bounds = self.listing.filterset.bounds
        fresh = freshness_notices(
            timezone.now(), first=bounds.low if bounds else None, last=bounds.high if bounds else None
        )
        notices = [("Data", sentence) for sentence in fresh]
        return [
            Figures("Summary", [(label, number(count)) for label, count in self.counts()], columns=2, counted=True),
            Figures("Completeness", notices),
        ]

    def counts(self) -> list[tuple[str, int]]:
        """Count the events of each kind, with one query."""
        rows = self.listing.filterset.qs.order_by().values_list("kind")
        found = Counter(dict(rows.annotate(Count("pk"))))
        known = [(kind.label, found.pop(kind.value, 0)) for kind in EventKind]
        return [("Total Events", sum(count for _, count in known) + found.total()), *known, *sorted(found.items())]
