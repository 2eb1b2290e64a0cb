"""The report of the Mailgun Message Log: all events that pass its filters, also those that the list does not show."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.languages import english
from mailgun_sync.choices import EventKind
from mailgun_sync.freshness import freshness_notices
from reports.document import Figures, Section
from reports.kinds.listing import ListingReport
from reports.report import number


class MailgunReport(ListingReport):
    kind = "mailgun"
    label = _("Mailgun Message Report")
    summary_in_csv = True

    @property
    def title(self) -> str:
        return str(self.label)

    def sections(self) -> list[Section]:
        bounds = self.listing.filterset.bounds
        fresh = freshness_notices(
            timezone.now(), first=bounds.low if bounds else None, last=bounds.high if bounds else None
        )
        notices = [(gettext("Data"), sentence) for sentence in fresh]
        counts = [(label, number(count)) for label, count in self.counts()]
        return [
            Figures(gettext("Summary"), counts, columns=2, counted=True),
            Figures(gettext("Completeness"), notices),
        ]

    def counts(self) -> list[tuple[str, int]]:
        """Count the events of each kind, with one query. Their names are Mailgun's, as in the rows."""
        rows = self.listing.filterset.qs.order_by().values_list("kind")
        found = Counter(dict(rows.annotate(Count("pk"))))
        known = [(english(kind.label), found.pop(kind.value, 0)) for kind in EventKind]
        total = sum(count for label, count in known) + found.total()
        return [(gettext("Total Events"), total), *known, *sorted(found.items())]
