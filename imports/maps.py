"""Column maps: which column of a CSV file is which field. Some are ready here; a district keeps its own by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from core.languages import ENGLISH
from imports.spellings import languages, spelling
from imports.times import DateOrder
from messenger_logs.services.json_fields import squeezed

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Level(StrEnum):
    """What a field is about. A field of the message has the same value in all rows of the message."""

    MESSAGE = "Message"
    RECIPIENT = "Recipient"
    DEVICE = "Device"

    @property
    def label(self) -> StrOrPromise:
        return {Level.MESSAGE: _("Message"), Level.RECIPIENT: _("Recipient"), Level.DEVICE: _("Device")}[self]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a column can be: its name in docs/import.md, its label, and what it is about."""

    name: str
    label: StrOrPromise
    level: Level
    is_time: bool = False
    fixed: bool = False
    """Whether one value may stand for all rows, instead of a column."""
    help: StrOrPromise = ""


_M, _R, _D = Level.MESSAGE, Level.RECIPIENT, Level.DEVICE
FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        Field("external_id", _("Message id"), _M, help=_("tells messages apart; without it, the file is one message")),
        Field("engine", _("Engine"), _M, fixed=True, help=_("classic, v2 or olr")),
        Field("message_type", _("Message Type"), _M, fixed=True),
        Field("subject", _("Subject"), _M, fixed=True),
        Field("sender", _("Sender's username"), _M, fixed=True),
        Field("sender_name", _("Sender"), _M, fixed=True, help=_("the name to show")),
        Field("school", _("School"), _M, fixed=True),
        Field(
            "created_at",
            _("Date Created"),
            _M,
            is_time=True,
            fixed=True,
            help=_("without it, the earliest time in its rows"),
        ),
        Field("scheduled_at", _("Date Scheduled"), _M, is_time=True, fixed=True),
        Field("dispatch_started_at", _("Start Time"), _M, is_time=True, fixed=True),
        Field("dispatch_finished_at", _("End Time"), _M, is_time=True, fixed=True),
        Field("message_status", _("Message Status"), _M, fixed=True),
        Field("schedule_id", _("ScheduleID"), _M, fixed=True),
        Field("reply_to", _("Reply To Email"), _M, fixed=True),
        Field("body", _("Message Body"), _M, fixed=True),
        Field("drill", _("Drill"), _M, fixed=True, help=_("yes or no")),
        Field("modes", _("Delivery Modes of the message"), _M, fixed=True, help=_("without it, those of its rows")),
        Field("person_id", _("Person ID"), _R, help=_("without it, people of one name are one person")),
        Field("name", _("Recipient"), _R),
        Field("first_name", _("Recipient's first name"), _R),
        Field("last_name", _("Recipient's last name"), _R),
        Field("student_number", _("Student number"), _R),
        Field("student_name", _("Student"), _R),
        Field(
            "student_school", _("Student's school"), _R, help=_("without it, figures take the school of the message")
        ),
        Field("language", _("Language"), _R, help=_("a tag such as es, or a name")),
        Field("mode", _("Delivery Mode"), _D, fixed=True),
        Field("device", _("Device"), _D, help=_("an address, a number, or Inbox")),
        Field("status", _("Status"), _D),
        Field("detail", _("Status Detail"), _D),
        Field("code", _("Code"), _D, help=_("of the voice and text provider")),
        Field("time", _("Time"), _D, is_time=True),
        Field("provider_id", _("Provider's id"), _D, help=_("of an e-mail its Message-Id")),
        Field("email_outcome", _("E-mail provider says"), _D, help=_("delivered, failed …")),
    )
}


class Reader(StrEnum):
    """How the rows of a file are read."""

    ROWS = "rows"
    CLASSIC_REPORT = "classic"
    REPORT_2 = "report-2"
    MAILGUN = "mailgun"


Columns = Mapping[str, tuple["StrOrPromise", ...]]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A column map. `columns` has for each field the headings that its column may have.

    Those of this product's own files are translated: such a file has them in the language of who made it.
    """

    name: str
    label: StrOrPromise
    columns: Columns
    values: Mapping[str, str] = field(default_factory=dict)
    """Values of fields without a column."""
    date_order: DateOrder = DateOrder.MONTH_FIRST
    optional: frozenset[str] = frozenset()
    """The fields whose column may be missing."""
    reader: Reader = Reader.ROWS
    own: bool = False
    """Whether it is for files of this product, whose cells are safe for spreadsheets."""

    @property
    def ready(self) -> bool:
        """Whether it comes with the product. A kept map cannot have its name."""
        return self.name in READY

    @property
    def expected(self) -> str:
        """The names of the columns that a file has to have."""
        return ", ".join(str(headings[0]) for name, headings in self.columns.items() if name not in self.optional)

    def places(self, headers: Sequence[str]) -> dict[str, int] | None:
        """Return for each field the place of its column; None if these are not the headings of the map."""
        found = {squeezed(header): place for place, header in reversed(list(enumerate(headers)))}
        return next(filter(None, (self._places(found, language) for language in self._languages)), None)

    def language_of(self, headers: Sequence[str]) -> str:
        """Return the language of these headings: English, unless they are those of another one."""
        found = {squeezed(header): place for place, header in enumerate(headers)}
        return next((language for language in self._languages if self._places(found, language)), ENGLISH)

    @property
    def _languages(self) -> list[str]:
        return languages() if self.own else [ENGLISH]

    def _places(self, found: Mapping[str, int], language: str) -> dict[str, int] | None:
        """Return the places by the headings of one language. `found` has the place of each heading of the file."""
        places: dict[str, int] = {}
        for name, headings in self.columns.items():
            keys = (squeezed(spelling(heading, language)) for heading in headings)
            place = next((found[key] for key in keys if key in found), None)
            if place is None and name not in self.optional:
                return None
            if place is not None:
                places[name] = place
        return places or None

    def unread(self, headers: Sequence[str]) -> list[str]:
        """Return the headings that no field of the map reads."""
        read = set((self.places(headers) or {}).values())
        return [header for place, header in enumerate(headers) if header and place not in read]


_REPORT: Columns = {
    "name": (_("Recipient"),),
    "student_name": (_("Student"),),
    "device": (_("Delivery Device"),),
    "status": (_("Status"),),
    "time": (_("Time"),),
}
# Mailgun's control panel, its Events API and its Logs API name these in different ways.
_MAILGUN: Columns = {
    "event": ("Event", "Type", "Event Type"),
    "time": ("Timestamp", "@timestamp", "Event Time Stamp", "Event Timestamp", "Date", "Time"),
    "device": ("Recipient", "Recipient Email", "Recipient Address", "To"),
    "subject": ("Subject", "message.headers.subject", "Message Subject"),
    "sender_name": ("From", "Sender", "message.headers.from", "envelope.sender"),
    "provider_id": ("Message-Id", "Message ID", "message.headers.message-id"),
    "person_id": ("Recipient PersonID", "Person ID", "PersonID"),
    "severity": ("Severity",),
    "reason": ("Reason", "delivery-status.message", "Delivery Status Message", "Description"),
}

READY: Mapping[str, ColumnMap] = {
    one.name: one
    for one in (
        ColumnMap(
            "sent-message-report",
            _("Sent Message Report (CSV of this product)"),
            _REPORT,
            reader=Reader.CLASSIC_REPORT,
            own=True,
        ),
        ColumnMap(
            "sent-message-report-2",
            _("Report of Sent Message Log 2.0 (CSV of this product)"),
            {
                "name": (_("Recipient"),),
                "student_name": (_("Student"),),
                "mode": (_("Delivery Mode"),),
                "status": (_("Status"),),
                "detail": (_("Status Detail"),),
                "time": (_("Time"),),
            },
            reader=Reader.REPORT_2,
            own=True,
        ),
        ColumnMap(
            "campus-sent-message-report", _("Sent Message Report of Campus"), _REPORT, reader=Reader.CLASSIC_REPORT
        ),
        ColumnMap(
            "recipients",
            _("Recipients of a message (export of this product)"),
            {
                "name": (_("Recipient"),),
                "student_name": (_("Student"),),
                "mode": (_("Delivery Mode"),),
                "device": (_("Device"),),
                "status": (_("Status"),),
                "detail": (_("Status Detail"),),
                "time": (_("Time"),),
                "email_outcome": (_("E-mail Provider Says"),),
            },
            {"engine": "classic", "message_type": "Imported"},
            own=True,
        ),
        ColumnMap(
            "mailgun-logs",
            _("Logs of Mailgun"),
            _MAILGUN,
            {"engine": "classic", "message_type": "E-mail by Mailgun", "sender_name": "Mailgun"},
            optional=frozenset(_MAILGUN) - {"event", "time", "device"},
            reader=Reader.MAILGUN,
        ),
    )
}
