"""The report of the Recipient Log: the messages to one person and their results, for a records request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count
from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messenger_logs.choices import Outcome
from messenger_logs.people import Person
from messenger_logs.querysets import FINAL_OUTCOME
from messenger_logs.status_labels import OUTCOMES
from reports.document import Figures, Section
from reports.kinds.listing import ListingReport
from reports.report import Pairs, number


class RecipientReport(ListingReport):
    kind = "recipient"
    label = _("Recipient Report")
    summary_in_csv = True

    @property
    def title(self) -> str:
        return str(self.label)

    def header(self) -> Iterator[tuple[str, str]]:
        log: Any = self.listing
        person: Person | None = log.person
        if person is None:
            raise Http404(gettext("There is no such person any more."))
        yield gettext("Recipient"), person.name
        yield gettext("Person ID"), person.person_id
        yield gettext("Students"), "; ".join(map(str, person.students))
        yield from super().header()

    @property
    def criteria(self) -> Pairs:
        return super().filters()

    def filters(self) -> Pairs:
        # The header names the person, so the search for the person is left out.
        search = str(self.listing.filterset.filters["person"].label)
        return [(label, value) for label, value in super().filters() if label != search]

    def sections(self) -> list[Section]:
        rows: Any = self.listing.filterset.qs.order_by()
        messages = rows.aggregate(number=Count("message", distinct=True))["number"]
        found = dict(rows.values_list(FINAL_OUTCOME).annotate(Count("pk")))
        figures = [(str(OUTCOMES[outcome].word), number(found.get(outcome, 0))) for outcome in Outcome]
        return [
            Figures(gettext("Summary"), [(gettext("Messages"), number(messages)), *figures], columns=2, counted=True)
        ]
