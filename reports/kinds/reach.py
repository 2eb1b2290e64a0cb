"""The report of Reach: the figures of the groups that are on the screen, and the messages behind them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messenger_logs.choices import Mode, Reach
from messenger_logs.reach import People
from messenger_logs.reach_figures import all_of
from messenger_logs.status_labels import REACH
from reports.document import Figures, Section
from reports.kinds.listing import ListingReport
from reports.report import number


class ReachReport(ListingReport):
    kind = "reach"
    label = _("Reach")
    summary_in_csv = True

    def sections(self) -> list[Section]:
        log: Any = self.listing
        groups = log.groups()
        pairs = [(str(group.label), people_text(group.people)) for group in [*groups, all_of(groups)]]
        by_mode = [(str(mode.label), people_text(all_of(groups).by(mode))) for mode in Mode]
        heading = gettext("People by %(dimension)s") % {"dimension": log.by.label.lower()}
        return [Figures(heading, pairs), Figures(gettext("People by mode"), by_mode)]


def people_text(people: People) -> str:
    """Return the figures in words: "1,100 of 1,204 reached (91 %); 20 not confirmed; …"."""
    figures = {"reached": number(people.reached), "total": number(people.total), "percent": people.percent_reached}
    if people.percent_reached is None:
        reached = gettext("%(reached)s of %(total)s reached") % figures
    else:
        reached = gettext("%(reached)s of %(total)s reached (%(percent)s %%)") % figures
    others = [
        f"{number(count)} {str(REACH[kind].word).lower()}"
        for kind, count in people.by_kind.items()
        if count and kind is not Reach.REACHED
    ]
    return "; ".join([reached, *others])
