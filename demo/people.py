"""The people of the demo district, as its e-mail provider knows them, and the days without school."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core.dates import start_of
from demo.kinds import REFUSED
from demo.names import COMMUNITIES, pairs
from messenger_logs.choices import MessageType, Mode
from messenger_logs.models import Delivery, SentMessage

# A name of several communities belongs to the first one.
LANGUAGES = {shown: community.tag for community in reversed(COMMUNITIES) for shown, _ in pairs(community.family)}
# What the outcome of the last e-mail to an address says of its mailbox, in the stand-in's words; else it is good.
_MAILBOXES = {
    "failed-permanent": "bounced before",
    "suppressed": "bounced before",
    "complained": "complained before",
}


def mail_people() -> list[dict[str, Any]]:
    """Return everybody who got an e-mail, in the order of their ids: see sandbox.people.Person.

    Who comes with the messages of a start is not among them: the stand-in writes the same mail again after each start.
    """
    rows = (
        _mail()
        .order_by("recipient__person_id", "address")
        .distinct("recipient__person_id")
        .values_list("recipient__person_id", "recipient__name", "address")
    )
    said = _mail().exclude(email_outcome="").exclude(email_reason=REFUSED).order_by("address", "-message")
    last = dict(said.distinct("address").values_list("address", "email_outcome"))
    refused = _refused()
    return [
        {
            "person_id": person_id,
            "name": name,
            "address": address,
            "language": LANGUAGES.get(name.split(",")[0], "en"),
            "mailbox": _MAILBOXES.get(last.get(address, ""), "good"),
            "refused": refused.get(address.partition("@")[2], []),
        }
        for person_id, name, address in rows
    ]


def closed_days() -> list[str]:
    """Return the days on which all schools were closed, as YYYY-MM-DD."""
    emergencies = SentMessage.objects.filter(message_type=MessageType.EMERGENCY, school=None, external_id=None)
    closed = emergencies.filter(drill=False, subject__startswith="All schools are closed")
    return [timezone.localdate(at).isoformat() for at in closed.order_by("pk").values_list("created_at", flat=True)]


def _refused() -> dict[str, list[tuple[float, float]]]:
    """Return the beginning and the end of each day on which a mailbox provider took no mail, by its domain."""
    refused = _mail().filter(email_reason=REFUSED).values_list("address", "email_outcome_at")
    days = {(address.partition("@")[2], timezone.localdate(at)) for address, at in refused if at}
    found: dict[str, list[tuple[float, float]]] = {}
    for domain, day in sorted(days):
        end = start_of(day + timedelta(days=1))
        found.setdefault(domain, []).append((start_of(day).timestamp(), end.timestamp()))
    return found


def _mail() -> QuerySet[Delivery]:
    return Delivery.objects.filter(mode=Mode.EMAIL, message__external_id=None).exclude(address="")
