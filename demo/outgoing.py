"""Messages of the demo district that go out in the next minutes and hours, to the stand-in providers."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.html import strip_tags

from demo import names
from demo.kinds import ALL, CLASSIC, CRITERIA, EMAIL, INBOX, TEXT, V2, VOICE
from messenger_logs.choices import PHONE, DeliveryStatus, MessageType
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.intake import add_message

PREFIX = "demo-outgoing-"
EVERYBODY = 1_250  # with some 4,000 devices
NAME = "{{student.firstName}}"


class Planned(NamedTuple):
    minutes: float
    engine: str
    message_type: str
    sender: str
    subject: str
    body: str
    modes: tuple[str, ...]
    people: int


# The large ones take minutes, so that there is time to watch and to cancel.
PLANNED = [
    Planned(0, CLASSIC, "Message Builder", "principal", "Picture Day", f"{NAME}: smile!", (INBOX, EMAIL), 60),
    Planned(1, V2, MessageType.GENERAL, "counselor", "Chess Club", "<p>No chess <b>today</b>.</p>", (EMAIL, TEXT), 40),
    Planned(
        *(2, V2, MessageType.EMERGENCY, "admin", "Water main break: school ends at noon"),
        f"School ends at noon today because of a broken water main. Please pick up {NAME}, or call the office.",
        *(ALL, EVERYBODY),
    ),
    Planned(4, CLASSIC, "Attendance", "frontoffice", "Absence", f"{NAME} was marked absent.", (EMAIL, VOICE), 25),
    Planned(
        *(12, CLASSIC, "Message Builder", "admin", "Bus routes from Monday on"),
        f"<p>The bus of {NAME} runs by a new timetable from Monday on.</p>",
        *((INBOX, EMAIL, TEXT), EVERYBODY),
    ),
    Planned(20, V2, MessageType.PRIORITY, "principal", "Early Dismissal on Friday", "School ends at one.", ALL, 300),
    Planned(45, CLASSIC, "Food Service", "frontoffice", "Low Lunch Balance", "Please refill.", (EMAIL, TEXT), 80),
    Planned(90, V2, MessageType.GENERAL, "principal", "Fall Concert", "<p>It begins at 7 PM.</p>", (INBOX, EMAIL), 400),
    Planned(180, CLASSIC, "Message Builder", "admin", "Snow tomorrow", f"No bus for {NAME}.", ALL, EVERYBODY),
    Planned(600, V2, MessageType.GENERAL, "counselor", "College Night", "Tonight at six.", (INBOX, EMAIL, TEXT), 200),
]


def plan_outgoing(*, now: datetime | None = None) -> None:
    """Make messages that become due from now on, besides those of earlier starts that still have to go out.

    Call it only if the providers are stand-ins: the messages really go out.
    """
    # make_demo shows some messages as in progress, but they do not go out.
    invented = _still_to_go_out().filter(external_id=None, dispatched_here=False)
    Delivery.objects.filter(message__in=invented, status=DeliveryStatus.IN_PROGRESS).update(
        status=DeliveryStatus.WAITING, code=None, detail=""
    )
    _still_to_go_out().update(dispatched_here=True)
    now = (now or timezone.now()).replace(microsecond=0)
    everybody = list(_people())
    for number, planned in enumerate(PLANNED):
        at = now + timedelta(minutes=planned.minutes)
        first = number * 100 % (EVERYBODY - planned.people + 1)
        add_message(_message(planned, f"{PREFIX}{now:%Y%m%d%H%M%S}-{number}", at, now, everybody[first:]))


def keep_outgoing_back() -> None:
    """Stop all of them, because the next provider may be a real one."""
    _still_to_go_out().update(dispatched_here=False)


def _still_to_go_out() -> QuerySet[SentMessage]:
    """Find the unfinished messages of make_demo (without an external id) and of this module; no imported ones."""
    of_the_demo = Q(external_id=None) | Q(external_id__startswith=PREFIX)
    return SentMessage.objects.filter(of_the_demo).cancelable()


def _message(
    planned: Planned, external_id: str, at: datetime, now: datetime, people: list[dict[str, Any]]
) -> dict[str, Any]:
    recipients = [
        person | {"devices": [device for device in person["devices"] if device["mode"] in planned.modes]}
        for person in people[: planned.people]
    ]
    return {
        "external_id": external_id,
        "engine": planned.engine,
        "message_type": str(planned.message_type),
        "sender": planned.sender,
        "sent_by": "here",
        "subject": planned.subject,
        "created_at": now.isoformat(),
        "scheduled_at": at.isoformat(),
        "email_start_at": at.isoformat(),
        "voice_start_at": at.isoformat(),
        "listed_from": now.isoformat(),
        "modes": list(planned.modes),
        "bodies": {mode: strip_tags(planned.body) if mode in PHONE else planned.body for mode in planned.modes},
        "criteria": CRITERIA[planned.engine],
        "reply_to": "office@harrison.example",
        "recipients": recipients,
    }


def _people() -> Iterator[dict[str, Any]]:
    """Yield families with their devices, always the same ones."""
    rng = random.Random("outgoing")  # noqa: S311
    communities = rng.choices(names.COMMUNITIES, [community.percent for community in names.COMMUNITIES], k=EVERYBODY)
    for number, community in enumerate(communities):
        given, family = names.pairs(community.given), names.pairs(community.family)
        (first, first_letters), (last, last_letters) = rng.choice(given), rng.choice(family)
        student, _ = rng.choice(given)
        area = names.AREA_CODES[number % len(names.AREA_CODES)]
        phone = f"+1{area}{5_559_000 + number // len(names.AREA_CODES)}"
        devices = {
            INBOX: str(290_001 + number),
            EMAIL: f"{first_letters}.{last_letters}{number}@{rng.choice(names.MAIL_DOMAINS)}",
            VOICE: phone,
            TEXT: phone,
        }
        missing = {mode for mode in ALL if rng.random() < 0.12}
        yield {
            "person_id": str(290_001 + number),
            "name": f"{last}, {first}",
            "student_number": str(390_001 + number),
            "student_name": f"{last}, {student}",
            "student_school": names.SCHOOLS[number % len(names.SCHOOLS)],
            "language": community.tag,
            "merge_fields": {"student.firstName": student, "student.lastName": last},
            "devices": [{"mode": mode, "address": at} for mode, at in devices.items() if mode not in missing],
        }
