"""What needs somebody, for Home: a line for each thing that the user may look after, also while nothing is wrong.

So the lines of a person stay the same, and a page that is refreshed keeps its height.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import User
from accounts.tools import CONTACT_TOOLS, Right, Tool
from core.dates import time_text
from core.statuses import Shape, Status, Tone
from core.troubles import Trouble
from dispatch.services.retry import messages_in_doubt
from messenger_logs.choices import CANCELABLE, ContactState, MessageType
from messenger_logs.models import ContactToFix, SentMessage
from messenger_logs.querysets import CANCEL_TOOLS, visible_types
from messenger_logs.reach import People, people_of_many
from messenger_logs.sight import Sight
from web.health_verdict import WORKS, status_of, troubles_for
from web.menu import page_url
from web.message_urls import message_logs, message_url

# Contacts are counted up to this number.
COUNTED_TO = 1_000
LONGEST_SUBJECT = 60

FINE = Status("Fine", Shape.CHECK, Tone.GOOD)
MISSED = Status("People not reached", Shape.CROSS, Tone.BAD)
TO_FIX = Status("To fix", Shape.TRIANGLE, Tone.WARNING)
IN_DOUBT = Status("In doubt", Shape.HALF, Tone.WARNING)


@dataclass(frozen=True)
class Need:
    """One line: ``words`` lead to ``url``, if there is something to open; ``more`` follows them."""

    name: str
    status: Status
    words: str
    url: str = ""
    more: str = ""


def needs_of(user: User) -> list[Need]:
    """Return the lines of this user, always in the same order. The number of queries does not grow."""
    kinds = (last_emergency, contacts_to_fix, in_doubt, system_health)
    return [need for kind in kinds for need in kind(user, timezone.now())]


def last_emergency(user: User, now: datetime) -> Iterator[Need]:
    """Yield whom the last emergency did not reach, of the schools whose people the user sees."""
    if not (user.may(Tool.SENT_MESSAGE_LOG_2) and MessageType.EMERGENCY in visible_types(user)):
        return
    message = SentMessage.objects.in_logs_of(user).emergencies().begun().order_by("-scheduled_at", "-pk").first()
    tool = message_logs(user, [message.pk]).get(message.pk) if message else None
    if message is None or tool is None:
        yield Need("emergency", FINE, "No emergency message went out so far.")
        return
    people = people_of_many([message.pk], Sight.of(user, tool).scope_in(message)).get(message.pk, People())
    yield _emergency(message, people, tool)


def _emergency(message: SentMessage, people: People, tool: Tool) -> Need:
    subject = Truncator(message.display_subject).chars(LONGEST_SUBJECT)
    about = f"by the last emergency message, “{subject}” of {time_text(message.scheduled_at)}."
    unconfirmed = f" Not confirmed: {people.unconfirmed:,}." if people.unconfirmed else ""
    if people.unreached:
        were, yet = "was" if people.unreached == 1 else "were", " yet" if message.status in CANCELABLE else ""
        words = f"{people.unreached:,} of {people.total:,} people {were} not reached{yet}"
        return Need("emergency", MISSED, words, message_url(tool, message.pk, "unreached"), about + unconfirmed)
    words = f"{people.reached:,} of {people.total:,} people were reached"
    return Need("emergency", FINE, words, message_url(tool, message.pk), about + unconfirmed)


def contacts_to_fix(user: User, now: datetime) -> Iterator[Need]:
    """Yield the addresses and numbers that nobody has looked after yet."""
    tool = next((tool for tool in CONTACT_TOOLS if user.may(tool)), None)
    if tool is None:
        return
    url = f"{page_url(tool)}?which={ContactState.OPEN.value}"
    found = ContactToFix.objects.visible_to(user, tool).filter(state=ContactState.OPEN)[: COUNTED_TO + 1].count()
    if not found:
        yield Need("contacts", FINE, "No address or number has to be fixed.", page_url(tool))
        return
    count = f"More than {COUNTED_TO:,}" if found > COUNTED_TO else f"{found:,}"
    have = "address or number fails" if found == 1 else "addresses and numbers fail"
    yield Need("contacts", TO_FIX, f"{count} {have} for good", url, "and no family was told yet.")


def in_doubt(user: User, now: datetime) -> Iterator[Need]:
    """Yield the calls and texts of which nobody knows whether they arrived, for those who may send them again."""
    if not any(user.may(tool, Right.WRITE) for tool in CANCEL_TOOLS):
        return
    found = messages_in_doubt(user, now)
    if not found:
        yield Need("in-doubt", FINE, "No call or text is in doubt.")
        return
    first, devices = found[0], sum(one.devices for one in found)
    what = "call or text is" if devices == 1 else "calls and texts are"
    others = f" and of {len(found) - 1:,} more" if len(found) > 1 else ""
    yield Need(
        "in-doubt",
        IN_DOUBT,
        f"{devices:,} {what} in doubt",
        message_url(first.tool, first.message_id, "retry"),
        f"of “{Truncator(first.subject).chars(LONGEST_SUBJECT)}”{others}: nobody knows whether they arrived.",
    )


def system_health(user: User, now: datetime) -> Iterator[Need]:
    """Yield the worst of what does not work."""
    if user.may(Tool.MAILGUN_SYNC):
        yield _verdict(troubles_for(user, now))


def _verdict(troubles: list[Trouble]) -> Need:
    url = reverse("web:system_health")
    if not troubles:
        return Need("health", WORKS, WORKS.word, url)
    worst = troubles[0]
    others = len(troubles) - 1
    more = (
        "" if not others else "One thing more needs a look." if others == 1 else f"{others:,} things more need a look."
    )
    return Need("health", status_of(worst), f"{worst.part}: {worst.words}", url, more)
