"""The people of a message on its page: whom it reached, in one bar, and for each mode and school."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope
from core.dates import time_text
from messenger_logs.choices import Reach
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.reach import People
from messenger_logs.reach_figures import NO_SCHOOL, UNKNOWN
from web.bars import Bar
from web.outcome_bars import people_bar

# By whether the message goes out still, and whether somebody was not reached.
_SENTENCES = {
    (False, False): ngettext_lazy(
        "%(reached)s of %(total)s person was reached", "%(reached)s of %(total)s people were reached", "number"
    ),
    (False, True): ngettext_lazy(
        "%(reached)s of %(total)s person was reached, %(missing)s not",
        "%(reached)s of %(total)s people were reached, %(missing)s not",
        "number",
    ),
    (True, False): ngettext_lazy(
        "%(reached)s of %(total)s person was reached so far",
        "%(reached)s of %(total)s people were reached so far",
        "number",
    ),
    (True, True): ngettext_lazy(
        "%(reached)s of %(total)s person was reached so far, %(missing)s not yet",
        "%(reached)s of %(total)s people were reached so far, %(missing)s not yet",
        "number",
    ),
}
_TIMES = {
    50: _("half by %(time)s"),
    90: _("90 %% by %(time)s"),
    99: _("99 %% by %(time)s"),
}


@dataclass(frozen=True)
class Line:
    """The people for one mode or of one school: each figure with the address that lists them."""

    label: str
    people: People
    figures: list[tuple[int, str]]


@dataclass(frozen=True)
class PeopleReached:
    summary: DeliverySummary
    people: People
    recipients_url: str
    scope: Scope
    """The schools that are told apart; the other figures count everybody."""

    @property
    def shown(self) -> bool:
        """Whether there is something to say: before a message begins, nobody was missed."""
        return not self.summary.waiting or self.people.reached > 0

    @property
    def sentence(self) -> str:
        """How many people were reached, as a sentence without its full stop."""
        words = _SENTENCES[self.summary.under_way, self.people.unreached > 0]
        figures = {"reached": self.people.reached, "total": self.people.total, "missing": self.people.unreached}
        return words % {"number": self.people.total, **{name: f"{figure:,}" for name, figure in figures.items()}}

    @property
    def bar(self) -> Bar:
        return people_bar(self.people, lambda kind: self._url(reach=kind.value))

    @property
    def times_sentence(self) -> str:
        """By when parts of all people were reached; only the parts that were."""
        reached = self.summary.reached_by
        times = [_TIMES[percent] % {"time": time_text(reached[percent], seconds=True)} for percent in reached]
        return gettext("Reached: %(times)s.") % {"times": ", ".join(times)} if times else ""

    @property
    def kinds(self) -> list[str]:
        return [str(kind.label) for kind in Reach]

    @property
    def by_mode(self) -> list[Line]:
        return [
            self._line(str(mode.label), people, prefix=f"{mode.value}-")
            for mode, people in self.summary.parts.by_mode.items()
        ]

    @property
    def by_school(self) -> list[Line]:
        """The schools, where any is known."""
        if not self.summary.parts.any_school:
            return []
        return [
            self._line(one.name or str(NO_SCHOOL), one.people, school=one.name or UNKNOWN)
            for one in self.summary.parts.of_schools(self.scope)
        ]

    @property
    def tables(self) -> list[list[Line]]:
        return [self.by_mode, self.by_school]

    def _line(self, label: str, people: People, *, prefix: str = "", **narrowed: str) -> Line:
        figures = [
            (number, self._url(reach=f"{prefix}{kind.value}", **narrowed)) for kind, number in people.by_kind.items()
        ]
        return Line(label, people, figures)

    def _url(self, **filters: str) -> str:
        return f"{self.recipients_url}?{urlencode(filters)}"


def people_reached(summary: DeliverySummary, recipients_url: str, scope: Scope) -> PeopleReached | None:
    """None where the message has no people, or nobody counted them yet."""
    return PeopleReached(summary, summary.people, recipients_url, scope) if summary.people else None
