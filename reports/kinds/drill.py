"""The report of a drill: school by school beside the drill before it, and the people whom neither reached."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messenger_logs.drills import Line
from messenger_logs.reach import People
from reports.document import Figures, Section
from reports.kinds.listing import ListingReport
from reports.kinds.reach import people_text
from reports.report import moment


class DrillReport(ListingReport):
    kind = "drill"
    label = _("Drill")
    summary_in_csv = True

    def sections(self) -> list[Section]:
        log: Any = self.listing
        found = log.comparison
        drills = [(gettext("This drill"), _drill(found.drill))]
        if found.before:
            drills.append((gettext("The drill before"), _drill(found.before)))
        schools = [(str(line.label), _line(line, compared=bool(found.before))) for line in found.lines]
        return [Figures(gettext("Drills"), drills), Figures(gettext("People reached, school by school"), schools)]


def _drill(message: Any) -> str:
    return f"{message.display_subject}, {moment(message.scheduled_at)}"


def _line(line: Line, *, compared: bool) -> str:
    if not compared:
        return people_text(line.now)
    before = people_text(line.before) if line.before != People() else gettext("nobody")
    return gettext("%(people)s. Before: %(before)s") % {"people": people_text(line.now), "before": before}
