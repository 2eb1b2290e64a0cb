"""Column maps: which column of a CSV file is which field. Some are ready here; a district keeps its own by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from imports.times import DateOrder
from messenger_logs.services.json_fields import squeezed


class Level(StrEnum):
    """What a field is about. A field of the message has the same value in all rows of the message."""

    MESSAGE = "Message"
    RECIPIENT = "Recipient"
    DEVICE = "Device"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a column can be: its name in docs/import.md, its label, and what it is about."""

    name: str
    label: str
    level: Level
    is_time: bool = False
    fixed: bool = False
    """Whether one value may stand for all rows, instead of a column."""
    help: str = ""


_M, _R, _D = Level.MESSAGE, Level.RECIPIENT, Level.DEVICE
FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        Field("external_id", "Message id", _M, help="tells messages apart; without it, the file is one message"),
        Field("engine", "Engine", _M, fixed=True, help="classic, v2 or olr"),
        Field("message_type", "Message Type", _M, fixed=True),
        Field("subject", "Subject", _M, fixed=True),
        Field("sender", "Sender's username", _M, fixed=True),
        Field("sender_name", "Sender", _M, fixed=True, help="the name to show"),
        Field("school", "School", _M, fixed=True),
        Field(
            "created_at", "Date Created", _M, is_time=True, fixed=True, help="without it, the earliest time in its rows"
        ),
        Field("scheduled_at", "Date Scheduled", _M, is_time=True, fixed=True),
        Field("dispatch_started_at", "Start Time", _M, is_time=True, fixed=True),
        Field("dispatch_finished_at", "End Time", _M, is_time=True, fixed=True),
        Field("message_status", "Message Status", _M, fixed=True),
        Field("schedule_id", "ScheduleID", _M, fixed=True),
        Field("reply_to", "Reply To Email", _M, fixed=True),
        Field("body", "Message Body", _M, fixed=True),
        Field("drill", "Drill", _M, fixed=True, help="yes or no"),
        Field("modes", "Delivery Modes of the message", _M, fixed=True, help="without it, those of its rows"),
        Field("person_id", "Person ID", _R, help="without it, people of one name are one person"),
        Field("name", "Recipient", _R),
        Field("first_name", "Recipient's first name", _R),
        Field("last_name", "Recipient's last name", _R),
        Field("student_number", "Student number", _R),
        Field("student_name", "Student", _R),
        Field("student_school", "Student's school", _R, help="without it, figures take the school of the message"),
        Field("language", "Language", _R, help="a tag such as es, or a name"),
        Field("mode", "Delivery Mode", _D, fixed=True),
        Field("device", "Device", _D, help="an address, a number, or Inbox"),
        Field("status", "Status", _D),
        Field("detail", "Status Detail", _D),
        Field("code", "Code", _D, help="of the voice and text provider"),
        Field("time", "Time", _D, is_time=True),
        Field("provider_id", "Provider's id", _D, help="of an e-mail its Message-Id"),
        Field("email_outcome", "E-mail provider says", _D, help="delivered, failed …"),
    )
}


class Reader(StrEnum):
    """How the rows of a file are read."""

    ROWS = "rows"
    CLASSIC_REPORT = "classic"
    REPORT_2 = "report-2"
    MAILGUN = "mailgun"


Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A column map. `columns` has for each field the headings that its column may have."""

    name: str
    label: str
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
        return ", ".join(headings[0] for name, headings in self.columns.items() if name not in self.optional)

    def places(self, headers: Sequence[str]) -> dict[str, int] | None:
        """Return for each field the place of its column; None if these are not the headings of the map."""
        found = {squeezed(header): place for place, header in reversed(list(enumerate(headers)))}
        places: dict[str, int] = {}
        for name, headings in self.columns.items():
            place = next((found[key] for key in map(squeezed, headings) if key in found), None)
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
    "name": ("Recipient",),
    "student_name": ("Student",),
    "device": ("Delivery Device",),
    "status": ("Status",),
    "time": ("Time",),
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
            "Sent Message Report (CSV of this product)",
            _REPORT,
            reader=Reader.CLASSIC_REPORT,
            own=True,
        ),
        ColumnMap(
            "sent-message-report-2",
            "Report of Sent Message Log 2.0 (CSV of this product)",
            {
                "name": ("Recipient",),
                "student_name": ("Student",),
                "mode": ("Delivery Mode",),
                "status": ("Status",),
                "detail": ("Status Detail",),
                "time": ("Time",),
            },
            reader=Reader.REPORT_2,
            own=True,
        ),
        ColumnMap("campus-sent-message-report", "Sent Message Report of Campus", _REPORT, reader=Reader.CLASSIC_REPORT),
        ColumnMap(
            "recipients",
            "Recipients of a message (export of this product)",
            {
                "name": ("Recipient",),
                "student_name": ("Student",),
                "mode": ("Delivery Mode",),
                "device": ("Device",),
                "status": ("Status",),
                "detail": ("Status Detail",),
                "time": ("Time",),
                "email_outcome": ("E-mail Provider Says",),
            },
            {"engine": "classic", "message_type": "Imported"},
            own=True,
        ),
        ColumnMap(
            "mailgun-logs",
            "Logs of Mailgun",
            _MAILGUN,
            {"engine": "classic", "message_type": "E-mail by Mailgun", "sender_name": "Mailgun"},
            optional=frozenset(_MAILGUN) - {"event", "time", "device"},
            reader=Reader.MAILGUN,
        ),
    )
}
