"""The people of a message on its page: whom it reached, in one bar, and for each mode and school."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from accounts.scopes import Scope
from messenger_logs.choices import Reach
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.reach import PERCENTS, People
from messenger_logs.reach_figures import NO_SCHOOL, UNKNOWN
from messenger_logs.status_labels import REACH
from web.bars import Bar, Segment


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
    def bar(self) -> Bar:
        segments = [
            Segment(replace(REACH[kind], word=REACH[kind].word.lower()), number, self._url(reach=kind.value))
            for kind, number in self.people.by_kind.items()
        ]
        return Bar("people", "People", segments)

    @property
    def times(self) -> Iterator[tuple[str, datetime]]:
        """By when parts of all people were reached, in words; only the parts that were."""
        for percent in PERCENTS:
            if moment := self.summary.reached_by.get(percent):
                yield "half" if percent == 50 else f"{percent} %", moment

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
