"""The people of a message on its page: whom it reached, in one bar, and for each mode and school."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from accounts.scopes import Scope
from core.dates import time_text
from messenger_logs.choices import Reach
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.reach import People
from messenger_logs.reach_figures import NO_SCHOOL, UNKNOWN
from web.bars import Bar
from web.outcome_bars import people_bar

# By whether the message goes out still, and whether somebody was not reached: for one person, and for more.
_SENTENCES = {
    (False, False): ("{reached:,} of {total:,} person was reached", "{reached:,} of {total:,} people were reached"),
    (False, True): (
        "{reached:,} of {total:,} person was reached, {missing:,} not",
        "{reached:,} of {total:,} people were reached, {missing:,} not",
    ),
    (True, False): (
        "{reached:,} of {total:,} person was reached so far",
        "{reached:,} of {total:,} people were reached so far",
    ),
    (True, True): (
        "{reached:,} of {total:,} person was reached so far, {missing:,} not yet",
        "{reached:,} of {total:,} people were reached so far, {missing:,} not yet",
    ),
}
_TIMES = {50: "half by {}", 90: "90 % by {}", 99: "99 % by {}"}


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
        one, many = _SENTENCES[self.summary.under_way, self.people.unreached > 0]
        figures = {"reached": self.people.reached, "total": self.people.total, "missing": self.people.unreached}
        return (one if self.people.total == 1 else many).format(**figures)

    @property
    def bar(self) -> Bar:
        return people_bar(self.people, lambda kind: self._url(reach=kind.value))

    @property
    def times_sentence(self) -> str:
        """By when parts of all people were reached; only the parts that were."""
        reached = self.summary.reached_by
        times = [_TIMES[percent].format(time_text(reached[percent], seconds=True)) for percent in reached]
        return f"Reached: {', '.join(times)}." if times else ""

    @property
    def kinds(self) -> list[str]:
        return [kind.label for kind in Reach]

    @property
    def by_mode(self) -> list[Line]:
        return [
            self._line(mode.label, people, prefix=f"{mode.value}-")
            for mode, people in self.summary.parts.by_mode.items()
        ]

    @property
    def by_school(self) -> list[Line]:
        """The schools, where any is known."""
        if not self.summary.parts.any_school:
            return []
        return [
            self._line(one.name or NO_SCHOOL, one.people, school=one.name or UNKNOWN)
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
