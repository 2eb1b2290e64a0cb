"""A report of Sent Message Log 2.0, in again as a message. It has no addresses, and does not mark duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from imports.sources.attempts import Attempts, counts, email_figure, figure
from imports.sources.message_report import MessageReportSource
from imports.sources.people import Kind, People, ReportRow
from imports.sources.reached import NobodyEarlier, people_reached
from imports.table import Row
from imports.values import DeviceStatus, UnknownWord, read_mode, read_status
from messenger_logs.cancel_figures import FIGURES
from messenger_logs.choices import (
    CANCELED,
    EMAIL_FAILURES,
    EMAIL_FIGURES,
    DeliveryStatus,
    MessageStatus,
    Mode,
    Outcome,
    Reach,
)
from messenger_logs.models import Calendar
from messenger_logs.services.addresses import DeviceAddress, read_device
from messenger_logs.status_labels import EMAIL_OUTCOME_LABELS

NOT_IN_THE_REPORT = "not in the report"
_FIRST_ATTEMPT = _("%(mode)s First Attempt Duration")
_YEAR = re.compile(r"\d{4}-\d{2,4}")
_FIGURES = {
    Outcome.SUCCESS: _("%(mode)s Total Success"),
    Outcome.ERROR: _("%(mode)s Total Failed"),
    Outcome.NOT_REACHED: _("%(mode)s Total Not Reached"),
    Outcome.CANCELED: _("%(mode)s Total Canceled"),
    Outcome.PENDING: _("%(mode)s Total Not Done Yet"),
}


class MessageReport2Source(MessageReportSource):
    """The message of a report of Sent Message Log 2.0. It has no addresses, and does not mark duplicates."""

    engine = "v2"
    devices_are_named = False

    def begin(self) -> None:
        super().begin()
        for mode, label in _figures():
            number = self.header.number(_FIGURES[label], mode=mode.label)
            if number is not None:
                self.duplicates[mode, label] = max(0, self.seen[mode, label] - number)
        for outcome, name, number in self.email_figures():
            twins = max(0, self.seen[outcome, name] - number)
            self.duplicates[outcome, name] = twins
            self.duplicates[Mode.EMAIL, outcome] -= twins

    def email_figures(self) -> Iterator[tuple[Outcome, str, int]]:
        """Yield the figures of handed-over e-mails, each with the figure of all e-mails that it is a part of."""
        for name, status in EMAIL_OUTCOME_LABELS.items():
            number = self.header.number(_("E-mail Provider: %(outcome)s"), outcome=status.word)
            if number is not None:
                refused = not EMAIL_FAILURES.isdisjoint(EMAIL_FIGURES.get(name, ()))
                yield Outcome.ERROR if refused else Outcome.SUCCESS, name, number

    def place(self, row: ReportRow) -> tuple[object, object]:
        """Return which figure a row counts in: e-mails that were handed over have figures of their own."""
        of_email = figure(row), email_figure(row)
        return of_email if of_email in self.duplicates else (row.mode, figure(row))

    def decide(self, people: People, attempts: Attempts) -> None:
        super().decide(people, attempts)
        for mode in Mode:
            number = self.header.number(_("%(mode)s Total Attempts"), mode=mode.label)
            if number is None:
                continue
            more, tried = number - attempts.total[mode], attempts.tried[mode]
            if more > 0 and tried:
                self.attempts.more[mode] = divmod(more, tried)
            elif more > 0:
                self.attempts.lone[mode] = more
            self.attempts.fewer[mode] = max(0, -more)

    @property
    def people_wanted(self) -> dict[Kind, int | None]:
        total, without = (
            int(text.replace(",", "")) if (text := self.header.criterion(label)).replace(",", "").isdigit() else None
            for label in (_("Total Recipient Count"), _("Recipients with No Device"))
        )
        if total is None or without is None:
            return dict.fromkeys(Kind)
        return {Kind.NO_DEVICE: without, Kind.OTHERS: total - without}

    @property
    def by_phone(self) -> bool:
        return False

    @cached_property
    def modes(self) -> list[Mode]:
        named = {read_mode(part) for part in self.header.criterion(_("Delivery Mode")).split(", ")}
        seen = self.found[""].modes if self.found else set()
        return [mode for mode in Mode if mode in named | seen | set(self.header.modes)]

    def reached_earlier(self) -> NobodyEarlier:
        wanted = {kind: number for kind in Reach if (number := self.header.number(kind.label)) is not None}
        return people_reached(self.everybody(), wanted) if len(wanted) == len(Reach) else NobodyEarlier()

    def status(self) -> str | None:
        status = super().status()
        left = self.header.number(_("Canceled: %(figure)s"), figure=dict(FIGURES)["left"])
        return MessageStatus.CANCELED_IN_PROGRESS if status in CANCELED and left else status

    def criteria(self) -> list[tuple[str, str]]:
        return self.header.criteria_of_2

    def calendars(self) -> list[dict[str, str]]:
        text, none = self.header.criterion(_("Calendar")), self.header.written(pgettext_lazy("calendar", "none"))
        return [self.calendar(name) for name in text.split(", ") if name and text != none]

    def calendar(self, name: str) -> dict[str, str]:
        known = Calendar.objects.filter(name=name).select_related("school").first()
        year = _YEAR.search(name)
        usual = {"school": _YEAR.sub("", name).strip() or name, "school_year": year[0] if year else "not recorded"}
        return {"name": name} | ({"school": known.school.name, "school_year": known.school_year} if known else usual)

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return start and end. The report has only the length: the start is the message's date, or later."""
        length = self.header.duration(_("Total Message Duration"))
        firsts = [self.header.duration(_FIRST_ATTEMPT, mode=mode.label) for mode in Mode]
        start = self.created_at()
        if start is None or (length is None and not any(first is not None for first in firsts)):
            return None, None
        if length is not None and self.latest:
            start = max(start, self.latest - length)
        return start, None if length is None else start + length

    @cached_property
    def first_attempts(self) -> dict[Mode, datetime]:
        start = self.times()[0]
        lengths = {mode: self.header.duration(_FIRST_ATTEMPT, mode=mode.label) for mode in Mode}
        return {mode: start + length for mode, length in lengths.items() if start and length is not None}

    def read(self, row: Row) -> ReportRow:
        read = super().read(row)
        read.no_device = False
        return read

    def mode(self, row: Row, text: str) -> Mode:
        mode = read_mode(self.cell(row, "mode"))
        if mode is None:
            raise self.refusal(row, "mode", gettext("is none of: Inbox, Email, Voice, Text"))
        return mode

    def result(self, row: Row, mode: Mode) -> DeviceStatus:
        try:
            return read_status(mode, self.cell(row, "status"), self.cell(row, "detail"))
        except UnknownWord as error:
            raise self.refusal(row, "status", str(error)) from None

    def marked(self, rows: list[ReportRow]) -> list[ReportRow]:
        """Mark the duplicates that the figures leave out, and the recipients without any device."""
        inboxes: set[object] = set()
        for row in rows:
            assert row.mode
            place, inbox = self.place(row), (row.result, row.time)
            # A person has one inbox, so a duplicate of it follows it and has its result.
            if self.duplicates[place] and (row.mode is not Mode.INBOX or inbox in inboxes) and counts(row):
                self.duplicates[place] -= 1
                row.duplicate = True
            elif row.mode is Mode.INBOX:
                inboxes.add(inbox)
        for recipient in _by_recipient(rows):
            without = all(row.result.status is DeliveryStatus.NO_DEVICE for row in recipient)
            for row in recipient:
                row.no_device = without
        return rows

    def address(self, row: ReportRow, person_id: str, number: int) -> DeviceAddress:
        assert row.mode
        if row.mode is Mode.INBOX or row.result.status is DeliveryStatus.NO_DEVICE:
            return super().address(row, person_id, number)
        text = NOT_IN_THE_REPORT if number == 1 else f"{NOT_IN_THE_REPORT} ({number})"
        return read_device(row.mode, text, person_id=person_id)

    def first_attempt(self, row: ReportRow, attempts: int, time: datetime | None) -> datetime | None:
        assert row.mode
        return self.first_attempts.get(row.mode) if attempts or time else None


def _figures() -> Iterator[tuple[Mode, Outcome]]:
    return ((mode, label) for mode in Mode for label in _FIGURES)


def _by_recipient(rows: list[ReportRow]) -> Iterator[list[ReportRow]]:
    """Yield the rows of each recipient: one begins with another student, or where the modes begin again."""
    order = list(Mode)
    recipient: list[ReportRow] = []
    for row in rows:
        assert row.mode
        last = recipient[-1] if recipient else None
        if last and last.mode and (last.student != row.student or order.index(row.mode) < order.index(last.mode)):
            yield recipient
            recipient = []
        recipient.append(row)
    if recipient:
        yield recipient
