"""People of a message for the tests of lists, sheets and figures: each with devices that came to something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from messenger_logs.choices import Mode
from messenger_logs.models import Recipient, SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

REACHED = {"mode": "voice", "status": "confirmed"}
BUSY = {"mode": "voice", "status": "busy"}
BOUNCED = {"mode": "email", "status": "sent", "email_outcome": "failed-permanent"}
LEFT = {"mode": "email", "status": "sent"}
STOPPED = {"mode": "text", "status": "canceled"}


def person(message: SentMessage, name: str, *devices: dict[str, Any], school: str = "", **fields: Any) -> Recipient:
    """A parent of one student; without devices, a person who has none."""
    given = {"student_name": f"{name}'s child", "student_school": make_school(school) if school else None}
    parent = make_recipient(message, name=name, **(given | fields))
    for device in devices:
        make_delivery(parent, **device)
    return parent


def counted(message: SentMessage) -> SentMessage:
    recount(message_id=message.pk)
    return message


def snow_day(**fields: Any) -> SentMessage:
    """A message of the district with one person of each kind of reach, and one more who was not reached."""
    given = {"subject": "Snow day", "school": None, "modes": [Mode.EMAIL, Mode.VOICE, Mode.TEXT]}
    message = make_message(**(given | fields))
    person(message, "Reached, R", REACHED, school="North", language="es")
    person(message, "Left, L", LEFT, school="North", language="hmn")
    person(message, "Busy, B", BUSY, BOUNCED, school="South", language="es", student_name="Young, Y")
    person(message, "Bounced, A", BOUNCED, school="South", student_name="Adams, A")
    person(message, "Nothing, N", school="North")
    person(message, "Stopped, S", STOPPED)
    return counted(message)


def one_a_minute(begin: datetime, *, reached: int, **fields: Any) -> SentMessage:
    """An e-mail to ten people, of whom so many were reached, one each minute; the others were refused.

    The first of them has an address more for each other word of the provider.
    """
    message = make_message(**({"modes": [Mode.EMAIL]} | fields))
    parents = [make_recipient(message) for _ in range(10)]
    for minute, parent in enumerate(parents, 1):
        said = "delivered" if minute <= reached else "failed-permanent"
        at = begin + timedelta(minutes=minute)
        make_delivery(parent, email_outcome=said, email_outcome_at=at)
    for said in ("rejected", "suppressed", "complained", "accepted", "failed-temporary", ""):
        at = begin + timedelta(days=1) if said else None
        make_delivery(parents[0], address=f"{said or 'nothing'}@more.example", email_outcome=said, email_outcome_at=at)
    return counted(message)
