"""Messages of the demo district that go out in the next minutes and hours, to the stand-in providers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.html import strip_tags

from demo.kinds import ALL, CLASSIC, EMAIL, INBOX, TEXT, V2, VOICE, criteria
from messenger_logs.choices import PHONE, DeliveryStatus, MessageType
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.intake import add_message

PREFIX = "demo-outgoing-"
MOST = 1_250  # people of a message, with some 4,000 devices
NAME = "{{student.firstName}}"


class Planned(NamedTuple):
    minutes: float
    engine: str
    message_type: str
    sender: str
    school: str
    subject: str
    body: str
    modes: tuple[str, ...]
    people: int = MOST


HIGH, MIDDLE, PLAINVIEW = "Harrison High", "Harrison Middle", "Plainview Elementary"

# The large ones take minutes, so that there is time to watch and to cancel.
PLANNED = [
    Planned(
        *(0, CLASSIC, "Message Builder", "principal", MIDDLE, "Picture Day", f"{NAME}: smile!"),
        *((INBOX, EMAIL), 60),
    ),
    Planned(
        *(1, V2, MessageType.GENERAL, "counselor", HIGH, "Chess Club", "<p>No chess <b>today</b>.</p>"),
        *((EMAIL, TEXT), 40),
    ),
    Planned(
        *(
            2,
            V2,
            MessageType.EMERGENCY,
            "admin",
            HIGH,
            "Water main break at Harrison High: lessons are at home tomorrow",
        ),
        f"Lessons are at home tomorrow because of a broken water main. {NAME} finds them in the portal from 8 AM on.",
        ALL,
    ),
    Planned(
        *(4, CLASSIC, "Attendance", "frontoffice", PLAINVIEW, "Absence", f"{NAME} was marked absent."),
        *((EMAIL, VOICE), 25),
    ),
    Planned(
        *(12, CLASSIC, "Message Builder", "admin", "Oak Grove Elementary", "Bus routes from Monday on"),
        f"<p>The bus of {NAME} runs by a new timetable from Monday on.</p>",
        (INBOX, EMAIL, TEXT),
    ),
    Planned(
        *(20, V2, MessageType.PRIORITY, "principal", MIDDLE, "Early Dismissal on Friday", "School ends at one.", ALL),
        300,
    ),
    Planned(
        *(45, CLASSIC, "Food Service", "frontoffice", PLAINVIEW, "Low Lunch Balance", "Please refill."),
        *((EMAIL, TEXT), 80),
    ),
    Planned(
        *(90, V2, MessageType.GENERAL, "principal", MIDDLE, "School concert", "<p>It begins at 7 PM.</p>"),
        *((INBOX, EMAIL), 400),
    ),
    Planned(
        *(180, CLASSIC, "Message Builder", "admin", "Lakeview Middle", "No buses tomorrow afternoon"),
        *(f"There is no bus for {NAME} tomorrow after school. Please pick up your student at 3:05.", ALL),
    ),
    Planned(
        *(600, V2, MessageType.GENERAL, "counselor", HIGH, "College Night", "Tonight at six."),
        *((INBOX, EMAIL, TEXT), 200),
    ),
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
    everybody = _last_emergency()
    if everybody is None:
        return
    for number, planned in enumerate(PLANNED):
        at = now + timedelta(minutes=planned.minutes)
        people = list(_people(planned, everybody))
        add_message(_message(planned, f"{PREFIX}{now:%Y%m%d%H%M%S}-{number}", at, now, people))


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
    return {
        "external_id": external_id,
        "engine": planned.engine,
        "message_type": str(planned.message_type),
        "sender": planned.sender,
        "school": planned.school,
        "sent_by": "here",
        "subject": planned.subject,
        "created_at": now.isoformat(),
        "scheduled_at": at.isoformat(),
        "email_start_at": at.isoformat(),
        "voice_start_at": at.isoformat(),
        "listed_from": now.isoformat(),
        "modes": list(planned.modes),
        "bodies": {mode: strip_tags(planned.body) if mode in PHONE else planned.body for mode in planned.modes},
        "criteria": criteria(planned.engine),
        "reply_to": "office@harrison.example",
        "recipients": people,
    }


def _last_emergency() -> SentMessage | None:
    """Return the message by all modes to the whole district that most people got; of several the last."""
    emergencies = SentMessage.objects.filter(message_type=MessageType.EMERGENCY, modes__len=len(ALL), school=None)
    return emergencies.filter(external_id=None, drill=False).order_by("totals__recipients", "pk").last()


def _people(planned: Planned, everybody: SentMessage) -> Iterator[dict[str, Any]]:
    """Yield families of the school with their devices, as they were in this message."""
    families = Recipient.objects.filter(message=everybody, counted=True, student_school__name=planned.school).order_by(
        "pk"
    )
    for person in families.prefetch_related("deliveries")[: planned.people]:
        yield {
            "person_id": person.person_id,
            "name": person.name,
            "student_number": person.student_number,
            "student_name": person.student_name,
            "student_school": planned.school,
            "language": person.language,
            "merge_fields": person.merge_fields,
            "devices": [
                {"mode": device.mode, "address": device.address}
                for device in person.deliveries.all()
                if device.address and device.mode in planned.modes
            ],
        }
